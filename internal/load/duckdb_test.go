package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/eventlog/local"
	"github.com/footfall-analytics/footfall/internal/live"
	"github.com/footfall-analytics/footfall/internal/store/duckdb"
	"github.com/footfall-analytics/footfall/internal/stream"
)

var (
	_ Store       = (*duckdb.Store)(nil)
	_ SessionKeys = (*duckdb.Store)(nil)
	_ live.Source = (*duckdb.Store)(nil)
	_ Live        = (*live.Hub)(nil)
)

func openStore(t testing.TB, path string) *duckdb.Store {
	t.Helper()
	s, err := duckdb.Open(duckdb.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestKillsWithTheRealStore: as TestKills, but the store is closed and opened again between the rounds.
func TestKillsWithTheRealStore(t *testing.T) {
	log, path := openLog(t), filepath.Join(t.TempDir(), "events.duckdb")
	r := rand.New(rand.NewPCG(1, 7))
	f := &traffic{r: r}
	points := []string{PointRead, PointDeduped, PointStaged, PointCommitting, PointCommitted}
	const rounds = 16
	for round := range rounds {
		for i := range 1 + r.IntN(8) {
			appendRecords(t, log, f.request(noon+int64(round)*400_000+int64(i)*7000))
		}
		s := openStore(t, path)
		point := points[round%len(points)]
		if round == rounds-1 {
			point = "" // the last one ends
		}
		runTo(t, log, s, point, r.IntN(3))
		if round == rounds-1 {
			checkDuckDB(t, s, wantEvents(t, log))
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// runTo runs a processor until all that the log has is stored, or until it has passed the point that often and is ended there, as by a kill.
func runTo(t *testing.T, log *local.Log, s Store, point string, passes int) {
	t.Helper()
	opts := options(log, s)
	opts.MaxKeys = 4
	opts.FailPoint = func(name string) error {
		if name == point {
			if passes--; passes < 0 {
				return errTest
			}
		}
		return nil
	}
	p, stop := start(t, opts)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := p.Flush(ctx); err != nil && !errors.Is(err, errTest) {
		t.Fatal(err)
	}
	if err := stop(); !errors.Is(err, errTest) && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

// sessionRow is what is compared of a session.
type sessionRow struct {
	site, session                         string
	band                                  uint8
	chain, start, end, events, views, rev int64
	entry, exit, source                   string
}

func checkDuckDB(t *testing.T, s *duckdb.Store, want []event.Event) {
	t.Helper()
	stored := 0
	if err := s.Select(context.Background(), "select count(*), count(distinct (website_id, id_high(event_id_high, timestamp), event_id_low)) from events", nil, func(c *duckdb.Chunk) error {
		stored = int(c.Int64s(0)[0])
		if c.Int64s(1)[0] != c.Int64s(0)[0] {
			t.Errorf("of %d events %d are distinct", c.Int64s(0)[0], c.Int64s(1)[0])
		}
		return nil
	}); err != nil || stored != len(want) {
		t.Fatalf("%d events are stored, want %d (%v)", stored, len(want), err)
	}
	var got, sessions []sessionRow
	sql := `select website_id, session_id, bot_band, chain_start, session_start, session_end, events, pageviews, revenue, entry_page, exit_page, source
		from sessions order by all`
	if err := s.Select(context.Background(), sql, nil, func(c *duckdb.Chunk) error {
		for i := range c.Rows() {
			got = append(got, sessionRow{c.Text(0, i), c.Text(1, i), c.Uint8s(2)[i], c.Int64s(3)[i], c.Int64s(4)[i], c.Int64s(5)[i],
				c.Int64s(6)[i], c.Int64s(7)[i], c.Int64s(8)[i], c.Text(9, i), c.Text(10, i), c.Text(11, i)})
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	var changes stream.Changes
	operator := stream.NewSessions(0, stream.NothingStored)
	operator.Missing(want)
	operator.Apply(want)
	operator.Settle(&changes)
	for _, x := range changes.Upserts {
		sessions = append(sessions, sessionRow{x.WebsiteID, x.SessionID, x.Band, x.ChainStart, x.Start, x.End, x.Events, x.Pageviews, x.Revenue, x.EntryPage, x.ExitPage, x.Source})
	}
	order := func(a, b sessionRow) int {
		return strings.Compare(fmt.Sprint(a.site, " ", a.session, " ", a.band, " ", a.start), fmt.Sprint(b.site, " ", b.session, " ", b.band, " ", b.start))
	}
	slices.SortFunc(got, order)
	slices.SortFunc(sessions, order)
	if !reflect.DeepEqual(got, sessions) {
		t.Errorf("%d sessions are stored, want %d; or they differ:\n%v\n%v", len(got), len(sessions), got, sessions)
	}
}

// BenchmarkBacklog measures the CPU from the log to the queryable row. BACKLOG sets the number of events, STEP those of a step.
func BenchmarkBacklog(b *testing.B) {
	b.Run("visits", func(b *testing.B) { benchmarkBacklog(b, func(i int) int { return i/10_000*1000 + i%1000 }) })
	r := rand.New(rand.NewPCG(3, 5))
	b.Run("active", func(b *testing.B) { benchmarkBacklog(b, func(int) int { return r.IntN(20_000) }) })
}

// benchmarkBacklog processes events of the visitors that visitor names: 10 events each and then no more, or 20,000 that stay.
func benchmarkBacklog(b *testing.B, visitor func(i int) int) {
	n, err := strconv.Atoi(os.Getenv("BACKLOG"))
	if err != nil {
		n = 100_000
	}
	size, _ := strconv.Atoi(os.Getenv("STEP")) // 0: the default
	log := fillLog(b, n, visitor)
	for b.Loop() {
		s := openStore(b, filepath.Join(b.TempDir(), "events.duckdb"))
		before := cpuTime()
		p := New(Options{Log: log, Store: s, Dedupe: log.Duplicates(), Live: live.New(live.Options{}), MaxBatchEvents: size})
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- p.Run(ctx) }()
		if err := p.Flush(ctx); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64((cpuTime()-before).Nanoseconds())/1000/float64(n), "cpu-us/event")
		cancel()
		<-done
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic("BUG: " + err.Error())
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// fillLog appends n events, 30 ms apart.
func fillLog(b *testing.B, n int, visitorOf func(i int) int) *local.Log {
	b.Helper()
	log := openLog(b)
	var records []eventlog.Record
	for i := range n {
		visitor := visitorOf(i)
		at := time.Now().UnixMilli() - int64(n-i)*30
		user := fmt.Sprintf("%016x", uint64(visitor)*0x9e3779b97f4a7c15)
		e := event.Event{
			ID: event.NamedUUID(fmt.Append(nil, i)), WebsiteID: "V1StGXR8_Z5j", Type: event.Pageview, Interactive: true, Timestamp: at, ReceivedAt: at + 50,
			UserID: user, SessionID: user, SampleKey: uint64(visitor) * 0x9e3779b97f4a7c15, VisitorCoupon: uint32(visitor) * 2654435761,
			Page: fmt.Sprint("/page/", i%200), Hostname: "example.org", Title: fmt.Sprint("Page number ", i%200),
			Source: "Google", Channel: "Organic Search", Referrer: "https://www.google.com/", Country: "DE", DeviceType: "desktop",
			Browser: "Firefox", BrowserVersion: "145", OS: "Linux", Screen: "1920x1080", Language: "de-DE", ScrollDepth: event.NoScroll,
		}
		records = append(records, eventlog.Record{Value: e.AppendRecord(nil)})
		if len(records) == 20 {
			receipt := event.Receipt{WebsiteID: e.WebsiteID, ReceivedAt: e.ReceivedAt, Received: 20}
			records = append(records, eventlog.Record{Value: receipt.AppendRecord(nil)})
		}
		if len(records) > 20 && i%2000 == 1999 || i == n-1 {
			appendRecords(b, log, records)
			records = nil
		}
	}
	return log
}
