package cluster

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/test/harness"
)

// TestErasure: a visitor's events come through Flink and by import; an erasure takes them, whatever partition they came through, and
// nothing brings them back: neither the same file under other ids nor the job, which still knows of them when the visit goes on.
func TestErasure(t *testing.T) {
	d := deploy(t, 7, "process", "collect", "web")
	site := d.addSite("erase.example")
	d.fresh("web", site)
	send := func(path, key string, events ...map[string]any) {
		body, _ := json.Marshal(events)
		d.await("the collector takes the events", func() string {
			status, raw, err := harness.Try("POST", d.url("collect")+path, key, body)
			if err != nil || status != 200 || strings.Contains(string(raw), "rejected") {
				return fmt.Sprint(status, string(raw), err)
			}
			return ""
		})
	}
	page := func(user, session string) map[string]any {
		return map[string]any{"type": "pageview", "tracking_id": site.TrackingID, "id": uuid(), "user_id": user, "session_id": session, "data": map[string]any{"page": "/" + user}}
	}
	old := func(user string) map[string]any {
		e, at := page(user, "old-"+user), time.Now().AddDate(0, 0, -20).UnixMilli()
		e["received_at"], e["data"] = at+10, map[string]any{"page": "/old", "timestamp": at}
		return e
	}
	for range 10 {
		send("/v1/events", "", page("ann", "of-ann"), page("bob", "of-bob"), page("ann", "shared"), page("bob", "shared"))
	}
	send("/v1/import", site.Key, old("ann"), old("bob"))
	d.fresh("web", site)

	begin := time.Now()
	out := d.run("erase", "--site", "erase.example", "--visitor", "ann", "--wait", "4m")
	t.Logf("verified %v after it was asked:\n%s", time.Since(begin).Round(time.Second), out)
	rows := func(statement string) string { return strings.Join(d.clickhouse(statement), " ") }
	for what, want := range map[string]string{
		"select user_id, count() from events group by user_id":                                         "bob\t21",
		"select session_id, events from sessions final order by session_id":                            "of-bob\t10 old-bob\t1 shared\t10",
		"select sum(count) from ledger where outcome = 'filtered' and reason = 'erased'":               "21",
		"select uniqExact(consumer) > 0, max(length(payload)) from commits where payload like '%ann%'": "0\t0",
	} {
		if got := rows(what); got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	send("/v1/import", site.Key, old("ann"))
	send("/v1/events", "", page("ann", "of-ann"), page("ann", "shared"), page("bob", "shared"))
	d.fresh("web", site)
	d.await("the visit that goes on has what came later alone", func() string {
		got := rows("select session_id, user_id, events from sessions final order by session_id")
		if got == "of-ann\tann\t1 of-bob\tbob\t10 old-bob\tbob\t1 shared\tbob\t12" {
			return ""
		}
		return got
	})
	if got := rows("select sum(count) from ledger where outcome = 'filtered' and reason = 'erased'"); got != "22" {
		t.Errorf("%s events are erased, want 22: the import that was made anew too", got)
	}
	verifyAudit(t, d)
}
