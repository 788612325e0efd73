package api

import (
	"context"
	"errors"
	"strings"
	"testing"
)

type migrateFunc func(ctx context.Context, settings []byte, progress func(any)) (any, error)

func (f migrateFunc) Migrate(ctx context.Context, settings []byte, progress func(any)) (any, error) {
	return f(ctx, settings, progress)
}

func TestAdminMigrate(t *testing.T) {
	none := open(t, nil)
	none.wantError(none.admin("POST", "/admin/migrate", "{}"), 503, "unavailable", "")
	var failure error
	f := open(t, func(o *Options) {
		o.Migrator = migrateFunc(func(_ context.Context, settings []byte, progress func(any)) (any, error) {
			progress(map[string]string{"settings": string(settings)})
			return map[string]bool{"agree": true}, failure
		})
	})
	const first = `{"progress":{"settings":"{\"a\":1}"}}` + "\n"
	if got := f.admin("POST", "/admin/migrate", `{"a":1}`); got.status != 200 || string(got.body) != first+`{"report":{"agree":true}}`+"\n" ||
		!strings.HasPrefix(got.header.Get("Content-Type"), "application/x-ndjson") {
		t.Errorf("%d %s", got.status, got.body)
	}
	failure = errors.New("clickhouse is away")
	if got := f.admin("POST", "/admin/migrate", `{"a":1}`); string(got.body) != first+`{"error":{"message":"clickhouse is away"}}`+"\n" {
		t.Errorf("%s", got.body)
	}
}

// A migration ends when the API closes, which waits for it.
func TestMigrationEndsWithTheAPI(t *testing.T) {
	begun := make(chan struct{})
	f := open(t, func(o *Options) {
		o.Migrator = migrateFunc(func(ctx context.Context, _ []byte, _ func(any)) (any, error) {
			close(begun)
			<-ctx.Done()
			return nil, ctx.Err()
		})
	})
	done := make(chan answer)
	go func() { done <- f.admin("POST", "/admin/migrate", "{}") }()
	<-begun
	if err := f.api.Close(); err != nil {
		t.Error(err)
	}
	if got := <-done; !strings.Contains(string(got.body), "context canceled") {
		t.Errorf("%s", got.body)
	}
}

type exportFunc func(ctx context.Context, request []byte, progress func(any)) (any, error)

func (f exportFunc) Export(ctx context.Context, request []byte, progress func(any)) (any, error) {
	return f(ctx, request, progress)
}

func TestAdminExport(t *testing.T) {
	none := open(t, nil)
	none.wantError(none.admin("POST", "/admin/export", "{}"), 503, "unavailable", "")
	f := open(t, func(o *Options) {
		o.Exporter = exportFunc(func(_ context.Context, request []byte, progress func(any)) (any, error) {
			progress(map[string]string{"request": string(request)})
			return map[string]int{"days": 3}, nil
		})
	})
	const want = `{"progress":{"request":"{\"to\":\"/x\"}"}}` + "\n" + `{"report":{"days":3}}` + "\n"
	if got := f.admin("POST", "/admin/export", `{"to":"/x"}`); got.status != 200 || string(got.body) != want {
		t.Errorf("%d %s", got.status, got.body)
	}
}
