package clickhouse

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/store"
)

// stale makes the catalog read again.
func (s *Store) stale() {
	s.catalog.mu.Lock()
	defer s.catalog.mu.Unlock()
	clear(s.catalog.sites)
}

// The planner hears the same of both engines.
func TestCatalogEqualsDuckDB(t *testing.T) {
	p := newPair(t)
	h := newHistory(7, historyStart, 5*24*time.Hour)
	for range 3 {
		p.insert(t, h.batch(150))
	}
	click, duck := p.click.Source(), p.duck.Source()
	for _, site := range []string{"s", "other", "nobody"} {
		first, ok := click.FirstEvent(site)
		wantFirst, wantOK := duck.FirstEvent(site)
		if first != wantFirst || ok != wantOK {
			t.Errorf("%s: first event %d %t, want %d %t", site, first, ok, wantFirst, wantOK)
		}
		for range 200 {
			from := h.from - h.span/4 + h.r.Int64N(h.span)
			to := from + 1 + h.r.Int64N(h.span)
			got, want := click.Facts(site, from, to, []int64{from, to}), duck.Facts(site, from, to, []int64{from, to})
			if got.Estimate != want.Estimate || got.RawFrom != 0 || got.Clean != nil {
				t.Errorf("%s [%d, %d): %+v, want %+v", site, from, to, got, want)
			}
			ledger, err := click.Ledger(context.Background(), site, from, to)
			wantLedger, err2 := duck.Ledger(context.Background(), site, from, to)
			if err != nil || err2 != nil || !reflect.DeepEqual(ledger, wantLedger) {
				t.Errorf("%s [%d, %d): %+v, want %+v (%v, %v)", site, from, to, ledger, wantLedger, err, err2)
			}
		}
		first, last, events, err := p.click.SiteStatus(context.Background(), site)
		wantLast, _ := p.duck.LastEvent(site)
		if err != nil || first != wantFirst || last != wantLast || events != p.duck.Stored(site) {
			t.Errorf("%s: status %d %d %d, %v", site, first, last, events, err)
		}
	}
	since := h.from + h.span/2
	var got, want []string
	if err := p.click.Recent(context.Background(), since, func(e *event.Event) { got = append(got, fmt.Sprintf("%+v", *e)) }); err != nil {
		t.Fatal(err)
	}
	if err := p.duck.Recent(context.Background(), since, func(e *event.Event) { want = append(want, fmt.Sprintf("%+v", *e)) }); err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) || len(got) < 50 {
		t.Errorf("recent: %d events, want %d\n%s", len(got), len(want), strings.Join(got[:min(3, len(got))], "\n"))
	}
	keys := map[event.SessionKey]bool{}
	if err := p.click.SessionKeys(context.Background(), since, func(key event.SessionKey) { keys[key] = true }); err != nil {
		t.Fatal(err)
	}
	if err := p.duck.SessionKeys(context.Background(), since, func(key event.SessionKey) {
		if !keys[key] {
			t.Errorf("%v is missing", key)
		}
		delete(keys, key)
	}); err != nil || len(keys) > 0 {
		t.Errorf("%v, %v", keys, err)
	}
}

// A version changes with events and sessions of the range, withdrawals included, and with nothing else.
func TestVersionChanges(t *testing.T) {
	s := openTest(t)
	ctx, day := context.Background(), int64(event.DayMillis)
	start := historyStart.UnixMilli()
	site := func(n int64) (versions [3]uint64) {
		s.stale()
		for i := range versions {
			from := start + (n+int64(i)-1)*day
			versions[i] = s.Source().Version("s", from, from+day)
		}
		return versions
	}
	e := event.Event{ID: event.UUID{1}, WebsiteID: "s", Type: event.Vitals, Timestamp: start + 5*day, ReceivedAt: start + 5*day, UserID: "u", SessionID: "u", ScrollDepth: event.NoScroll}
	session := event.Session{SessionKey: event.SessionKey{WebsiteID: "s", SessionID: "u"}, ChainStart: start + 6*day - 5, Start: start + 6*day - 1, End: start + 6*day}
	for i, step := range []struct {
		changes string
		do      func() error
	}{
		{"[false true false]", func() error { return s.InsertEvents(ctx, "1", []event.Event{e}, Provenance{}) }},
		{"[false false false]", func() error { return s.InsertEvents(ctx, "1", []event.Event{e}, Provenance{}) }},
		{"[false true true]", func() error {
			return s.InsertSessions(ctx, "1", []event.SessionChange{{Session: session}}, []uint64{1})
		}},
		{"[true true true]", func() error {
			return s.InsertSessions(ctx, "2", []event.SessionChange{{Session: event.Session{SessionKey: session.SessionKey, Start: session.Start}, Withdrawn: true}}, []uint64{2})
		}},
	} {
		before := site(5)
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		after, changed := site(5), [3]bool{}
		for n := range after {
			changed[n] = after[n] != before[n]
		}
		if got := fmt.Sprint(changed); got != step.changes {
			t.Errorf("step %d: %s, want %s", i, got, step.changes)
		}
	}
}

// The newest version is read, whatever came last; withdrawn sessions are not.
func TestNewestVersionWins(t *testing.T) {
	s := openTest(t)
	ctx, n := context.Background(), 0
	put := func(version uint64, pageviews int64, withdrawn bool) {
		t.Helper()
		c := event.SessionChange{Session: event.Session{SessionKey: event.SessionKey{WebsiteID: "s", SessionID: "u"}, ChainStart: 1000, Start: 1000, End: 2000, Pageviews: pageviews}, Withdrawn: withdrawn}
		if n++; s.InsertSessions(ctx, fmt.Sprint(n), []event.SessionChange{c}, []uint64{version}) != nil {
			t.Fatal("not inserted")
		}
	}
	is := func(want ...int64) {
		t.Helper()
		list, err := sessionsOf(s, "s")
		var got []int64
		for i := range list {
			got = append(got, list[i].Pageviews)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("got %v, %v; want %v", got, err, want)
		}
	}
	put(Version(Stream, 0, 500), 1, false)
	put(Version(Stream, 0, 400), 2, false) // a replay of an older row
	is(1)
	put(Version(Processor, 0, 1), 3, false)
	put(Version(Stream, 0, 600), 4, false) // the stream does not know the old events
	is(3)
	put(Version(Processor, 0, 2), 0, true)
	is()
	put(Version(Stream, 1, 1), 5, false)
	is()
	put(Version(Processor, 0, 3), 6, false)
	is(6)
}

// Where events are past their retention, the planner is told from when on they are there.
func TestRetention(t *testing.T) {
	opts := testOptions(t)
	now := time.Date(2026, 3, 10, 15, 0, 0, 0, time.UTC)
	opts.RetentionMonths, opts.Clock = 1200, func() time.Time { return now }
	s := openWith(t, opts)
	old, young := now.AddDate(0, 0, -40), now.AddDate(0, 0, -20)
	var events []event.Event
	for i, at := range []time.Time{old, young} {
		events = append(events, event.Event{ID: event.UUID{byte(i + 1)}, WebsiteID: []string{"old", "young"}[i], Type: event.Pageview, Timestamp: at.UnixMilli(), ReceivedAt: at.UnixMilli(), ScrollDepth: event.NoScroll})
	}
	if err := s.InsertEvents(context.Background(), "t", events, Provenance{}); err != nil {
		t.Fatal(err)
	}
	s.opts.RetentionMonths = 1
	f := func(site string, rawFrom time.Time, estimate int64) {
		t.Helper()
		want := query.Facts{Estimate: estimate, Rollups: query.ByMinute}
		if !rawFrom.IsZero() {
			want.RawFrom = rawFrom.UnixMilli()
		}
		if got := s.Source().Facts(site, 0, now.UnixMilli(), nil); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", site, got, want)
		}
	}
	f("old", time.Date(2026, 2, 7, 0, 0, 0, 0, time.UTC), 0)
	f("young", time.Time{}, 1)
	f("nobody", time.Time{}, 0)
	if first, ok := s.Source().FirstEvent("old"); !ok || first != old.UnixMilli() {
		t.Errorf("first event %d, %t", first, ok)
	}
}

// A store that is opened with another retention keeps by that one.
func TestRetentionIsChanged(t *testing.T) {
	opts := testOptions(t)
	for _, months := range []int{14, 14, 2, 1200} {
		opts.RetentionMonths = months
		s := openWith(t, opts)
		want := fmt.Sprintf("toIntervalDay(%d)", 31*months+1)
		for _, table := range []string{"events", "sessions", "page_views"} {
			if n := count(t, s, "select count() from system.tables where database = currentDatabase() and name = '"+table+"' and create_table_query like '%"+want+"%'"); n != 1 {
				t.Errorf("%s is not kept for %d months", table, months)
			}
		}
		if n := count(t, s, "select count() from system.mutations where database = currentDatabase()"); n != 0 {
			t.Errorf("%d mutations", n)
		}
	}
}

// A server that goes away is an error of what is asked, and what is asked again works when it is back.
func TestServerGoesAway(t *testing.T) {
	s := openTest(t)
	ctx := context.Background()
	if err := s.InsertEvents(ctx, "t", newHistory(1, historyStart, time.Hour).batch(50).Events, Provenance{}); err != nil {
		t.Fatal(err)
	}
	reader, writer := s.reader, s.writer
	gone := s.opts
	gone.Addresses = []string{"127.0.0.1:1"}
	away, err := connect(&gone, gone.Database, "default", "", 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.reader, s.writer = away, away
	source, w := s.Source(), s.Writer(WriterOptions{})
	part := query.Part{View: query.ViewEvents, WebsiteID: "s", Threshold: 4, Ranges: []query.Range{{From: 0, To: latest}}, Measures: []query.Measure{query.EventCount}}
	run := func() error {
		return source.Run(ctx, []query.Part{part}, func(int, *query.Rows) error { return nil })
	}
	source.FirstEvent("s")
	source.Facts("s", 0, 1, nil)
	source.Version("s", 0, 1)
	_, _, _, statusErr := s.SiteStatus(ctx, "s")
	_, auditErr := s.Audit(ctx)
	_, positionErr := w.Position(ctx)
	_, ledgerErr := source.Ledger(ctx, "s", 0, 1)
	_, dedupeErr := w.Dedupe().Resolve(ctx, []event.DedupeKey{{WebsiteID: "s"}})
	for i, err := range []error{run(), statusErr, auditErr, positionErr, ledgerErr, dedupeErr, s.Ping(ctx), w.Commit(ctx, &store.Batch{Next: 1}),
		w.SessionEvents(ctx, []store.Span{{To: 1}}, func(*event.Event) {}), s.Recent(ctx, 0, func(*event.Event) {}), s.SessionKeys(ctx, 0, func(event.SessionKey) {})} {
		if err == nil || !strings.HasPrefix(err.Error(), "cannot ") && !strings.HasPrefix(err.Error(), "the event store ") {
			t.Errorf("call %d: %v", i, err)
		}
	}
	s.reader, s.writer = reader, writer
	if err := away.Close(); err != nil {
		t.Error(err)
	}
	if err := run(); err == nil { // what was planned with nothing known is not answered
		t.Error("a plan made while the server was away is answered")
	}
	deadline := time.Now().Add(time.Minute)
	for run() != nil && time.Now().Before(deadline) {
		time.Sleep(50 * time.Millisecond)
	}
	if err := run(); err != nil {
		t.Error(err)
	}
	if err := w.Commit(ctx, &store.Batch{Next: 1}); err != nil {
		t.Error(err)
	}
}

// countedConn counts the questions that pass through it, and is slow. It keeps what was asked of hours.
type countedConn struct {
	driver.Conn
	n     atomic.Int64
	hours []string
}

func (c *countedConn) Query(ctx context.Context, query string, args ...any) (driver.Rows, error) {
	c.n.Add(1)
	if query == catalogHoursSQL { // one at a time
		c.hours = append(c.hours, fmt.Sprint(args...))
	}
	time.Sleep(20 * time.Millisecond)
	return c.Conn.Query(ctx, query, args...)
}

// However many sites are asked of at once, there are few questions, and each site gets its own answers.
func TestSitesAreLookedUpTogether(t *testing.T) {
	opts := testOptions(t)
	opts.Rollups = true
	s := openWith(t, opts)
	const sites = maxLookup + 100
	start := historyStart.UnixMilli()
	id := func(i int) string { return fmt.Sprintf(`it's "%d\`, i) }
	var events []event.Event
	for i := range sites {
		for n := range i%3 + 1 {
			events = append(events, event.Event{ID: event.UUID{byte(i), byte(i >> 8), byte(n)}, WebsiteID: id(i), Type: event.Pageview,
				Timestamp: start + int64(i), ReceivedAt: start, ScrollDepth: event.NoScroll})
		}
	}
	if err := s.InsertEvents(context.Background(), "t", events, Provenance{}); err != nil {
		t.Fatal(err)
	}
	counted := &countedConn{Conn: s.reader}
	s.reader = counted
	defer func() { s.reader = counted.Conn }()
	var all sync.WaitGroup
	for i := range sites {
		all.Go(func() {
			first, last, n, err := s.SiteStatus(context.Background(), id(i))
			if at := start + int64(i); err != nil || first != at || last != at || n != int64(i%3+1) {
				t.Errorf("site %d: %d %d %d, %v", i, first, last, n, err)
			}
			if v := s.Source().Version(id(i), start, start+1); v != uint64(i%3+1) {
				t.Errorf("site %d: version %d", i, v)
			}
		})
	}
	all.Wait()
	if n := counted.n.Load(); n < 6 || n > 15 {
		t.Errorf("%d questions for %d sites", n, sites)
	}
}

// Of a site whose hours are known, those of the days are read again that changed, and what is known is then what there is.
func TestHoursOfChangedDaysAreReadAgain(t *testing.T) {
	s := openTest(t)
	counted := &countedConn{Conn: s.reader}
	s.reader = counted
	defer func() { s.reader = counted.Conn }()
	sites := []string{"s", "other", "nobody"}
	look := func() (asked []string) {
		t.Helper()
		counted.hours = nil
		for _, facts := range s.catalog.sites {
			facts.readAt = time.Time{}
		}
		for _, id := range sites {
			if err := s.catalog.site(id).err; err != nil {
				t.Fatal(err)
			}
		}
		asked = counted.hours
		fresh, err := s.readSites(sites, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range sites {
			if got, want := s.catalog.site(id).hours, fresh[id].hours; !reflect.DeepEqual(got, want) {
				t.Errorf("%s: hours %v, want %v", id, got, want)
			}
		}
		return asked
	}
	h := newHistory(7, historyStart, 5*24*time.Hour)
	batch := 0
	insert := func(events []event.Event) {
		t.Helper()
		batch++
		if err := s.InsertEvents(context.Background(), fmt.Sprint(batch), events, Provenance{}); err != nil {
			t.Fatal(err)
		}
	}
	for range 5 {
		insert(h.batch(100).Events)
		look()
	}
	if asked := look(); len(asked) != 2 { // two sites have changed since they were first read; "nobody" has not
		t.Errorf("%d questions of hours: %v", len(asked), asked)
	}
	for _, facts := range s.catalog.sites { // a minute later
		facts.whole.at = time.Time{}
	}
	if asked := look(); len(asked) != 3 {
		t.Errorf("%d questions of hours, want one for each site: %v", len(asked), asked)
	}
	if asked := look(); len(asked) != 0 {
		t.Errorf("hours are read though nothing changed: %v", asked)
	}
	at := historyStart.Add(2 * 24 * time.Hour).UnixMilli()
	insert([]event.Event{{ID: event.UUID{9}, WebsiteID: "s", Type: event.Pageview, Timestamp: at, ReceivedAt: at, ScrollDepth: event.NoScroll}})
	if asked := look(); len(asked) != 1 || !strings.Contains(asked[0], time.UnixMilli(at).UTC().Format("[2006-01-02]")) {
		t.Errorf("asked %v, want one day of one site", asked)
	}
}
