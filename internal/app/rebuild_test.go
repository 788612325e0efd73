package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/account"
	"github.com/footfall-analytics/footfall/internal/config"
	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/lake"
	"github.com/footfall-analytics/footfall/internal/object"
	"github.com/footfall-analytics/footfall/internal/object/objecttest"
	"github.com/footfall-analytics/footfall/internal/store/clickhouse"
)

// kept is an installation whose store comes and goes.
type kept struct {
	*moved
	cfg config.Config
	now int64
}

func openKept(t *testing.T) *kept {
	cfg := config.Default()
	cfg.Data, cfg.OpsListen = t.TempDir(), "off"
	k := &kept{moved: &moved{t: t}, cfg: cfg, now: time.Now().UnixMilli()}
	k.open()
	for domain, zone := range map[string]string{"moving.example": "Europe/Berlin", "other.example": "America/St_Johns"} {
		if _, err := k.app.accounts.AddSite(t.Context(), account.NewSite{Domain: domain, Timezone: zone}); err != nil {
			t.Fatal(err)
		}
	}
	k.site = k.named("moving.example")
	k.catchUp()
	return k
}

func (k *kept) named(domain string) *event.Site {
	k.t.Helper()
	for _, site := range k.app.accounts.All() {
		if site.Domain == domain {
			return site
		}
	}
	k.t.Fatalf("no site %s", domain)
	return nil
}

func (k *kept) open() {
	k.t.Helper()
	var err error
	if k.app, err = Open(k.cfg, Options{Version: "test", Logger: slog.New(slog.DiscardHandler)}); err != nil {
		k.t.Fatal(err)
	}
	k.catchUp()
}

func (k *kept) close() {
	k.t.Helper()
	if k.app == nil {
		k.t.Fatal("closed already: the test before has failed")
	}
	app := k.app
	k.app = nil
	if err := app.Close(); err != nil {
		k.t.Fatal(err)
	}
}

// history imports a random one into the second site: sessions that touch, cross midnight and are cut, all types, two currencies.
func (k *kept) history(r *rand.Rand, events int) {
	k.t.Helper()
	var body []string
	for n := range events {
		at := k.now - 30*event.DayMillis + r.Int64N(29*event.DayMillis)
		if r.IntN(2) == 0 { // in bursts around midnight
			at = at/event.DayMillis*event.DayMillis + r.Int64N(80*60_000) - 40*60_000
		}
		kind := [...]string{
			fmt.Sprintf(`"type":"pageview","data":{"page":"/p%d","timestamp":%d}`, r.IntN(9), at),
			fmt.Sprintf(`"type":"event","data":{"name":"buy","page":"/shop","timestamp":%d,"revenue":"%d.5","currency":%q,"properties":{"a":"%d","é":"ü"}}`, at, r.IntN(90), []string{"EUR", "USD"}[r.IntN(2)], r.IntN(3)),
			fmt.Sprintf(`"type":"engagement","data":{"page":"/p%d","timestamp":%d,"time_on_page":%d,"scroll_depth":%d}`, r.IntN(9), at, r.IntN(60_000), r.IntN(101)),
			fmt.Sprintf(`"type":"identify","data":{"timestamp":%d}`, at),
		}[min(3, r.IntN(5))]
		body = append(body, fmt.Sprintf(`{"tracking_id":"other.example","session_id":"s%d","user_id":"u%d",%s}`, r.IntN(40), r.IntN(30), kind))
		if len(body) == 400 || n == events-1 {
			reply, err := k.app.door.ImportBatch(k.t.Context(), k.named("other.example"), []byte("["+strings.Join(body, ",")+"]"))
			if err != nil || len(reply.Rejected) > 0 {
				k.t.Fatalf("%+v, %v", reply, err)
			}
			body = nil
		}
	}
}

// answers are those of both sites to many questions.
func (k *kept) answers() (all []string) {
	k.t.Helper()
	for _, site := range []string{"moving.example", "other.example"} {
		for _, question := range []string{
			`{"metrics":["visitors","visits","pageviews","events","bounce_rate","visit_duration","views_per_visit"],"date_range":"all"}`,
			`{"metrics":["visitors","visits","pageviews"],"date_range":"all","dimensions":["time:day"]}`,
			`{"metrics":["visitors","visits","bounce_rate"],"date_range":"all","dimensions":["visit:source"]}`,
			`{"metrics":["visitors","pageviews","time_on_page","scroll_depth"],"date_range":"all","dimensions":["event:page"]}`,
			`{"metrics":["visitors","events"],"date_range":"all","dimensions":["event:name"]}`,
			`{"metrics":["visits","visit_duration"],"date_range":"all","dimensions":["visit:country","visit:device"]}`,
			`{"metrics":["visits"],"date_range":"all","dimensions":["visit:entry_page","visit:exit_page"]}`,
			`{"metrics":["visitors","visits"],"date_range":"all","filters":[["is","event:page",["/p1"]]]}`,
			`{"metrics":["visitors","pageviews"],"date_range":"7d","dimensions":["time:hour"]}`,
			`{"metrics":["events","total_revenue"],"date_range":"all","dimensions":["event:props:a"],"filters":[["is","event:name",["buy"]]]}`,
		} {
			all = append(all, k.answer(site, question))
		}
	}
	return all
}

func (k *kept) answer(site, question string) string {
	k.t.Helper()
	answer, err := k.app.engine.Query(k.t.Context(), k.named(site), []byte(strings.Replace(question, "{", fmt.Sprintf(`{"site_id":%q,`, site), 1)))
	if err != nil {
		k.t.Fatalf("%s: %v", question, err)
	}
	rows, err := json.Marshal(answer.Results)
	if err != nil {
		k.t.Fatal(err)
	}
	return site + " " + question + "\n" + string(rows)
}

func (k *kept) same(want []string) {
	k.t.Helper()
	got := k.answers()
	for i := range want {
		if got[i] != want[i] {
			k.t.Errorf("after:\n%.2000s\nbefore:\n%.2000s", got[i], want[i])
		}
	}
}

func (k *kept) auditIsClean() {
	k.t.Helper()
	report, clean, err := (auditorForAPI{k.app.parts.(*embedded)}).Audit(k.t.Context())
	if err != nil || !clean {
		k.t.Errorf("audit: %+v, %v", report, err)
	}
}

// export asks for it as the command does.
func (k *kept) export(request string) lake.Exported {
	k.t.Helper()
	w := httptest.NewRecorder()
	k.app.Admin().ServeHTTP(w, httptest.NewRequest("POST", "/admin/export", strings.NewReader(request)))
	lines := strings.Split(strings.TrimSpace(w.Body.String()), "\n")
	var last struct {
		Report *lake.Exported
		Error  any
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); w.Code != http.StatusOK || err != nil || last.Report == nil {
		k.t.Fatalf("%d %v in %q, error %v", w.Code, err, lines, last.Error)
	}
	return *last.Report
}

func (k *kept) rebuild(place string) *Rebuilt {
	k.t.Helper()
	report, err := Rebuild(k.t.Context(), k.cfg, Options{Logger: slog.New(slog.DiscardHandler)}, place, func(Rebuilt) {})
	if err != nil {
		k.t.Fatal(err)
	}
	return report
}

func (k *kept) lose(names ...string) {
	k.t.Helper()
	for _, name := range names {
		if err := os.RemoveAll(k.cfg.Path(name)); err != nil {
			k.t.Fatal(err)
		}
	}
}

// A store that is lost comes back from the archive and the log, and answers as before.
func TestRebuild(t *testing.T) {
	k := openKept(t)
	k.traffic(8)
	k.history(rand.New(rand.NewPCG(1, 2)), 3000)
	quiet := k.now - 40*event.DayMillis
	k.imported("bridged", quiet)
	k.imported("bridged", quiet+40*60_000)
	live := `[{"id":"0190b5a0-7c3e-7abc-8def-0123456789ab","type":"event","tracking_id":"moving.example","data":{"name":"buy","page":"/shop","revenue":"9.95","currency":"EUR"}}]`
	k.send("/v1/events", live)
	k.send("/v1/events", live) // a duplicate
	k.catchUp()
	before := k.answers()
	dir := filepath.Join(t.TempDir(), "archive")
	exported := k.export(fmt.Sprintf(`{"to":%q}`, dir))
	if exported.Events < 5000 || exported.Days < 30 || exported.Files != exported.Days {
		t.Errorf("exported %+v", exported)
	}

	t.Run("store and log are lost", func(t *testing.T) {
		k.t = t
		k.close()
		k.lose("events.duckdb", "log")
		if _, err := Rebuild(t.Context(), k.cfg, Options{}, t.TempDir(), nil); err == nil {
			t.Error("an empty folder is an archive")
		}
		report := k.rebuild(dir)
		if report.Events != exported.Events || report.InLog != 0 || report.Sites != 2 || len(report.Lost) != 0 {
			t.Errorf("%+v", report)
		}
		k.open()
		k.same(before)
		k.auditIsClean()
		// What the index of duplicates knew, it knows again: of what may still come twice.
		k.send("/v1/events", live)
		k.catchUp()
		k.same(before)
	})
	t.Run("a store with events is not touched", func(t *testing.T) {
		k.t = t
		if _, err := Rebuild(t.Context(), k.cfg, Options{}, dir, nil); err == nil || !strings.Contains(err.Error(), "in use") {
			t.Errorf("beside a server: %v", err)
		}
		k.close()
		if _, err := Rebuild(t.Context(), k.cfg, Options{}, dir, nil); err == nil || !strings.Contains(err.Error(), "has events") {
			t.Errorf("over a store: %v", err)
		}
		k.open()
		k.same(before)
	})
	t.Run("the log has more than the archive", func(t *testing.T) {
		k.t = t
		k.imported("bridged", quiet+20*60_000) // two sessions become one
		k.imported("later", k.now-5*event.DayMillis)
		k.history(rand.New(rand.NewPCG(3, 4)), 500)
		k.catchUp()
		more := k.answers()
		if slices.Equal(more, before) {
			t.Fatal("nothing has changed")
		}
		k.close()
		k.lose("events.duckdb")
		if report := k.rebuild(dir); report.Events != exported.Events || report.InLog != 0 {
			t.Errorf("%+v", report)
		}
		k.open()
		k.same(more)
		k.auditIsClean()
		before = more
	})
	t.Run("the archive has what the log has", func(t *testing.T) {
		k.t = t
		again := k.export(fmt.Sprintf(`{"to":%q}`, dir))
		if again.Events != exported.Events+502 || again.Removed == 0 {
			t.Errorf("the second export: %+v", again)
		}
		k.close()
		k.lose("events.duckdb")
		if report := k.rebuild(dir); report.Events+report.InLog != again.Events || report.InLog != 502 {
			t.Errorf("%+v", report)
		}
		k.open()
		k.same(before)
		k.auditIsClean()
	})
	t.Run("a rebuild that fails leaves nothing", func(t *testing.T) {
		k.t = t
		k.close()
		k.lose("events.duckdb")
		if _, err := Rebuild(t.Context(), k.cfg, Options{Logger: slog.New(slog.DiscardHandler)}, t.TempDir(), func(Rebuilt) {}); err == nil || !strings.Contains(err.Error(), "no events") {
			t.Errorf("from an empty archive: %v", err)
		}
		left, err := filepath.Glob(k.cfg.Path("events.duckdb*"))
		if err != nil || len(left) > 0 {
			t.Errorf("left: %q, %v", left, err)
		}
		k.rebuild(dir)
		k.open()
		k.same(before)
		k.auditIsClean()
	})
	k.t = t
	if k.app != nil {
		k.close()
	}
}

// The nightly archive writes days that are over, once, and again when they change.
func TestNightlyArchive(t *testing.T) {
	k := openKept(t)
	defer k.close()
	k.history(rand.New(rand.NewPCG(5, 6)), 600)
	k.send("/v1/events", `[{"type":"pageview","tracking_id":"moving.example","data":{"page":"/today"}}]`)
	k.catchUp()
	dir := t.TempDir()
	e := k.app.parts.(*embedded)
	e.cfg.Archive.To = dir
	now := time.UnixMilli(k.now)
	first, err := e.exports.archive(t.Context(), now)
	if err != nil || first.Events != 600 || first.Days < 20 || first.Same != 0 {
		t.Fatalf("%+v, %v", first, err)
	}
	if today := filepath.Join(dir, "events", now.UTC().Format(time.DateOnly)); exists(today) {
		t.Error("today is archived")
	}
	second, err := e.exports.archive(t.Context(), now)
	if err != nil || second.Files != 0 || second.Same != first.Days {
		t.Errorf("a second time: %+v, %v", second, err)
	}
	k.imported("late", k.now-3*event.DayMillis)
	k.history(rand.New(rand.NewPCG(7, 8)), 1)
	k.catchUp()
	third, err := e.exports.archive(t.Context(), now)
	if err != nil || third.Days != 2 || third.Removed == 0 || third.Removed > 1 {
		t.Errorf("after two late events: %+v, %v", third, err)
	}
	counts, err := lake.Counts(t.Context(), object.Folder(dir), now.Add(-60*24*time.Hour), now)
	total := int64(0)
	for _, n := range counts {
		total += n
	}
	if err != nil || total != 602 {
		t.Errorf("%d events are in the archive, %v", total, err)
	}
	// A file that is gone is missed.
	files, err := filepath.Glob(filepath.Join(dir, "events/*/*.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(files[3]); err != nil {
		t.Fatal(err)
	}
	if fourth, err := e.exports.archive(t.Context(), now); err != nil || fourth.Days != 1 {
		t.Errorf("after a loss: %+v, %v", fourth, err)
	}
	// Days past the retention go.
	old := filepath.Join(dir, "events", now.UTC().AddDate(0, 0, -31*14-5).Format(time.DateOnly), "x.parquet")
	kept := filepath.Join(dir, "events", now.UTC().AddDate(0, 0, -31*14).Format(time.DateOnly), "x.parquet")
	for _, path := range []string{old, kept} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := e.exports.archive(t.Context(), now); err != nil || exists(old) || !exists(kept) {
		t.Errorf("past the retention: %v, %v, %v", err, exists(old), exists(kept))
	}
	e.cfg.Store.RetentionMonths = 0
	if err := errors.Join(os.MkdirAll(filepath.Dir(old), 0o700), os.WriteFile(old, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := e.exports.archive(t.Context(), now); err != nil || !exists(old) {
		t.Errorf("kept for good: %v, %v", err, exists(old))
	}
}

// A site that keeps less than the installation loses its old events in the store and in the archive, and no answer that rollups give.
func TestRetentionOfASite(t *testing.T) {
	k := openKept(t)
	defer k.close()
	k.history(rand.New(rand.NewPCG(9, 6)), 600)
	k.catchUp()
	months, other := 1, k.named("other.example")
	if _, err := k.app.accounts.ChangeSite(t.Context(), other.WebsiteID, account.SiteChange{RetentionMonths: &months}); err != nil {
		t.Fatal(err)
	}
	dir, now := t.TempDir(), time.UnixMilli(k.now)
	e := k.app.parts.(*embedded)
	e.cfg.Archive.To = dir
	if done, err := e.exports.archive(t.Context(), now); err != nil || done.Events != 600 {
		t.Fatalf("%+v, %v", done, err)
	}
	sites := sitesForStore{e.users, e.cfg.Store.RetentionMonths}
	for _, site := range sites.All() {
		if err := e.store.BuildRollups(t.Context(), site, k.now); err != nil {
			t.Fatal(err)
		}
	}
	byDay := func() string {
		return k.answer("other.example", `{"metrics":["visitors","visits","pageviews"],"date_range":"all","dimensions":["time:day"]}`)
	}
	before := byDay()
	later := now.Add(20 * 24 * time.Hour) // the cut is 11 days ago
	cut := later.UTC().Truncate(24*time.Hour).AddDate(0, 0, -31)
	if err := e.store.Sweep(t.Context(), sites, later.UnixMilli()); err != nil {
		t.Fatal(err)
	}
	if _, err := e.exports.archive(t.Context(), later); err != nil {
		t.Fatal(err)
	}
	archived, err := lake.Counts(t.Context(), object.Folder(dir), now.Add(-60*24*time.Hour), now)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := e.store.Export().Days(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	left := int64(0)
	for day, n := range archived {
		if day.WebsiteID == other.WebsiteID && day.Day < cut.UnixMilli() {
			t.Errorf("the archive has %d events of %s", n, time.UnixMilli(day.Day).UTC().Format(time.DateOnly))
		}
		left += n
	}
	for day, n := range stored {
		if n.Events.Rows > 0 && day.Start < cut.UnixMilli() {
			t.Errorf("the store has %d events of %s", n.Events.Rows, time.UnixMilli(day.Start).UTC().Format(time.DateOnly))
		}
	}
	if left == 0 || left > 400 {
		t.Errorf("%d events are left", left)
	}
	if after := byDay(); after != before {
		t.Errorf("after:\n%s\nbefore:\n%s", after, before)
	}
	k.auditIsClean()
}

// In a cluster they go from ClickHouse and from the files of the archive, which agree before and after.
func TestRetentionOfASiteInACluster(t *testing.T) {
	address := os.Getenv("FOOTFALL_TEST_CLICKHOUSE")
	if address == "" {
		t.Skip("FOOTFALL_TEST_CLICKHOUSE (host:port) is not set")
	}
	o := objecttest.Options(t, os.Getenv("FOOTFALL_TEST_S3"))
	k := openKept(t)
	defer k.close()
	k.history(rand.New(rand.NewPCG(9, 9)), 500)
	k.imported("a", k.now-25*event.DayMillis)
	k.catchUp()
	cfg := config.Default()
	cfg.S3 = config.S3{Endpoint: o.Endpoint, Bucket: o.Bucket, Prefix: o.Prefix, AccessKey: o.AccessKey, SecretKey: o.SecretKey}
	embedded := k.app.parts.(*embedded)
	embedded.cfg.S3 = cfg.S3
	archive, err := object.OpenS3(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { emptied(t, archive) })
	k.export(`{"to":"s3://"}`)
	now := time.UnixMilli(k.now).Add(20 * 24 * time.Hour)
	e := &engines{now: now}
	e.openClick(t, address, fmt.Sprintf("test_kept_%d", time.Now().UnixNano()))
	var events []event.Event
	if err := embedded.store.Recent(t.Context(), 0, func(e *event.Event) { events = append(events, *e) }); err != nil {
		t.Fatal(err)
	}
	if err := e.click.InsertEvents(t.Context(), "all", events, clickhouse.Provenance{}); err != nil {
		t.Fatal(err)
	}
	c := &cluster{cfg: cfg, logger: slog.New(slog.DiscardHandler), store: e.click, users: embedded.users}
	agree := func() map[lake.SiteDay]int64 {
		t.Helper()
		archived, err := lake.Counts(t.Context(), archive, now.AddDate(0, 0, -90), now)
		if err != nil {
			t.Fatal(err)
		}
		tallies, err := e.click.DayTallies(t.Context(), now.AddDate(0, 0, -90), now)
		if err != nil {
			t.Fatal(err)
		}
		stored := map[lake.SiteDay]int64{}
		for _, d := range tallies {
			stored[lake.SiteDay{WebsiteID: d.WebsiteID, Day: d.Day.UnixMilli()}] = d.Events
		}
		if !maps.Equal(archived, stored) {
			t.Errorf("the archive has %v, the store %v", archived, stored)
		}
		return stored
	}

	if err := c.expireSites(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	all := agree()
	months, other := 1, k.named("other.example").WebsiteID
	if _, err := embedded.users.ChangeSite(t.Context(), other, account.SiteChange{RetentionMonths: &months}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := c.expireSites(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		cut := now.UTC().Truncate(24*time.Hour).AddDate(0, 0, -31).UnixMilli()
		want := maps.Clone(all)
		maps.DeleteFunc(want, func(day lake.SiteDay, _ int64) bool { return day.WebsiteID == other && day.Day < cut })
		if left := agree(); !maps.Equal(left, want) || len(want) == len(all) || len(want) < 5 {
			t.Errorf("left %v, want %v of %v", left, want, all)
		}
	}
}

func TestMonthsOf(t *testing.T) {
	now := time.Date(2026, 3, 31, 15, 0, 0, 0, time.UTC)
	for _, c := range []struct{ site, installation, want int }{{0, 14, 14}, {3, 14, 3}, {20, 14, 14}, {14, 14, 14}, {3, 0, 3}, {0, 0, 0}} {
		site := &event.Site{RetentionMonths: c.site}
		if got := monthsOf(site, c.installation); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
		day, own := keptFrom(site, c.installation, now)
		if own != (c.want != c.installation) || own && !day.Equal(time.Date(2025, 12, 28, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("%+v: from %v, %v", c, day, own)
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// An export to S3 by site and date.
func TestExportToS3(t *testing.T) {
	o := objecttest.Options(t, os.Getenv("FOOTFALL_TEST_S3"))
	k := openKept(t)
	defer k.close()
	e := k.app.parts.(*embedded)
	e.cfg.S3 = config.S3{Endpoint: o.Endpoint, Bucket: o.Bucket, Prefix: o.Prefix, AccessKey: o.AccessKey, SecretKey: o.SecretKey}
	k.history(rand.New(rand.NewPCG(9, 9)), 500)
	k.imported("a", k.now-10*event.DayMillis)
	k.catchUp()
	store, err := object.OpenS3(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { emptied(t, store) })
	day := func(n int) string { return time.UnixMilli(k.now).UTC().AddDate(0, 0, n).Format(time.DateOnly) }
	got := k.export(fmt.Sprintf(`{"to":"s3://","from":%q,"until":%q,"sites":["other.example"]}`, day(-12), day(-8)))
	if got.Days != 5 || got.Events == 0 {
		t.Errorf("%+v", got)
	}
	files, err := lake.Files(t.Context(), store, time.UnixMilli(k.now).AddDate(0, 0, -60), time.UnixMilli(k.now))
	if err != nil || len(files) != 5 || !strings.Contains(files[0].Key, k.named("other.example").WebsiteID) || !strings.HasPrefix(files[0].Key, "events/"+day(-12)) {
		t.Errorf("%+v, %v", files, err)
	}
	if got := k.export(fmt.Sprintf(`{"to":"s3://%s/%s/deeper","sites":["moving.example"]}`, o.Bucket, o.Prefix)); got.Events != 1 {
		t.Errorf("%+v", got)
	}
	for request, want := range map[string]string{`{"to":"s3://","sites":["none.example"]}`: "no site", `{"to":"s3://","from":"yesterday"}`: "as a date", `{"to":""}`: "without a place", `{"too":"x"}`: "unknown field"} {
		w := httptest.NewRecorder()
		k.app.Admin().ServeHTTP(w, httptest.NewRequest("POST", "/admin/export", strings.NewReader(request)))
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %s", request, w.Body)
		}
	}
}

func emptied(t *testing.T, store *object.S3Store) {
	var keys []string
	ctx := context.Background() // the test's has ended
	err := store.List(ctx, "", func(o object.Object) error {
		keys = append(keys, o.Key)
		return nil
	})
	if err == nil {
		err = store.Delete(ctx, keys...)
	}
	if err != nil {
		t.Error(err)
	}
}

func TestNextNight(t *testing.T) {
	f := func(now, want string) {
		t.Helper()
		at, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		if got := nextNight(at).Format(time.RFC3339); got != want {
			t.Errorf("after %s: %s, want %s", now, got, want)
		}
	}
	f("2026-03-01T00:30:00Z", "2026-03-01T01:00:00Z")
	f("2026-03-01T01:00:00Z", "2026-03-02T01:00:00Z")
	f("2026-03-01T23:30:00Z", "2026-03-02T01:00:00Z")
}
