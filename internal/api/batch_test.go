package api

import (
	"context"
	"encoding/json"
	"testing"
	"time"
)

type batchFunc func() (json.RawMessage, error)

func (f batchFunc) BatchStatus(context.Context) (json.RawMessage, error) { return f() }

func TestBatch(t *testing.T) {
	state := `{}`
	f := open(t, func(o *Options) {
		o.Batch = batchFunc(func() (json.RawMessage, error) { return json.RawMessage(state), nil })
	})
	get := func() (reply batchReply) {
		t.Helper()
		r := f.do(request{method: "GET", path: "/api/v1/batch", cookie: f.login()})
		if err := json.Unmarshal([]byte(r.body), &reply); err != nil || r.status != 200 {
			t.Fatalf("%d %s: %v", r.status, r.body, err)
		}
		return reply
	}
	if got := get(); !got.Enabled || got.Leader != "" || got.Last != nil {
		t.Errorf("before anybody led: %+v", got)
	}
	state = `{"leader":"h, process 1","at":"2026-03-01T00:00:00Z","dirty":3,"oldest":"2026-02-01","failures":1,"error":"S3 is away",
		"last":{"from":"2026-02-26","to":"2026-02-28","started":"2026-03-01T00:00:00Z","seconds":30.5,"days":6,"rolled":5,"repaired":2,"left":["2026-02-27 of site \"b\": sessions differ"]}}`
	want := batchReply{Enabled: true, Leader: "h, process 1", At: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Dirty: 3, Oldest: "2026-02-01", Failures: 1, Error: "S3 is away"}
	got := get()
	if got.Last == nil || *got.Last != (batchRun{"2026-02-26", "2026-02-28", want.At, 30.5, 6, 5, 2}) {
		t.Errorf("the last run is %+v", got.Last)
	}
	if got.Last = nil; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	none := open(t, nil)
	if r := none.do(request{method: "GET", path: "/api/v1/batch", cookie: none.login()}); r.status != 200 || len(r.body) == 0 {
		t.Errorf("without a daily job: %d %s", r.status, r.body)
	}
	none.wantError(none.do(request{method: "GET", path: "/api/v1/batch"}), 401, "unauthorized", "")
}
