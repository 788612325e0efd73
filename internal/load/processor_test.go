package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/eventlog/local"
	"github.com/footfall-analytics/footfall/internal/live"
	"github.com/footfall-analytics/footfall/internal/store"
	"github.com/footfall-analytics/footfall/internal/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stagingStore is a testStore that takes batches ahead of their commit.
type stagingStore struct {
	*testStore
	staged []store.Batch
	stages int
}

func (s *stagingStore) Stage(_ context.Context, b *store.Batch) error {
	s.stages++
	if s.onStage != nil && s.onStage() != nil {
		s.staged = nil
		return errTest
	}
	s.staged = append(s.staged, store.Batch{Events: slices.Clone(b.Events), Ledger: slices.Clone(b.Ledger), Failed: slices.Clone(b.Failed)})
	return nil
}

func (s *stagingStore) Discard() { s.staged = nil }

func (s *stagingStore) Commit(ctx context.Context, b *store.Batch) error {
	whole := *b
	whole.Events, whole.Ledger, whole.Failed = nil, nil, nil
	for _, part := range append(s.staged, *b) {
		whole.Events, whole.Ledger, whole.Failed = append(whole.Events, part.Events...), append(whole.Ledger, part.Ledger...), append(whole.Failed, part.Failed...)
	}
	s.staged = nil
	return s.testStore.Commit(ctx, &whole)
}

// testStore is a Store in memory. The hooks make it fail.
type testStore struct {
	events    []event.Event
	sessions  map[event.SessionRef]event.Session
	ledger    map[event.LedgerRow]int64 // Count of the key is 0
	failed    []event.FailedEvent
	next      int64
	commits   int
	lookups   int
	onCommit  func() (before, after error)
	onHistory func() error
	onStage   func() error
	erased    []event.Erased
	onErase   func() (before, after error)
}

func newTestStore() *testStore {
	return &testStore{sessions: map[event.SessionRef]event.Session{}, ledger: map[event.LedgerRow]int64{}}
}

func (s *testStore) Commit(_ context.Context, b *store.Batch) error {
	s.commits++
	var before, after error
	if s.onCommit != nil {
		before, after = s.onCommit()
	}
	if before != nil {
		return before
	}
	s.events = append(s.events, b.Events...)
	for _, ref := range b.Withdrawals {
		if _, ok := s.sessions[ref]; !ok {
			return fmt.Errorf("session %+v is not there", ref)
		}
		delete(s.sessions, ref)
	}
	for _, session := range b.Sessions {
		s.sessions[session.Ref()] = session
	}
	for _, row := range b.Ledger {
		count := row.Count
		row.Count = 0
		s.ledger[row] += count
	}
	s.failed = append(s.failed, b.Failed...)
	s.next = b.Next
	return after
}

func (s *testStore) Position(context.Context) (int64, error) { return s.next, nil }

func (s *testStore) SessionEvents(_ context.Context, spans []store.Span, yield func(*event.Event)) error {
	s.lookups++
	wanted := map[event.SessionKey]store.Span{}
	for _, span := range spans {
		wanted[span.SessionKey] = span
	}
	for i := range s.events {
		e := s.events[i]
		span, ok := wanted[event.SessionKey{WebsiteID: e.WebsiteID, SessionID: e.SessionID, Band: e.BotBand}]
		if ok && e.Type.InSession() && span.From <= e.Timestamp && e.Timestamp <= span.To {
			yield(&e)
			if s.onHistory != nil && s.onHistory() != nil {
				return errTest // with a part of the events handed over
			}
		}
	}
	return nil
}

func (s *testStore) SessionKeys(_ context.Context, from int64, yield func(event.SessionKey)) error {
	for _, e := range s.events {
		if e.Type.InSession() && e.Timestamp >= from {
			yield(event.SessionKey{WebsiteID: e.WebsiteID, SessionID: e.SessionID, Band: e.BotBand})
		}
	}
	return nil
}

var errTest = errors.New("as the test wants it")

// noon is the time of the traffic.
const noon = 1_763_856_000_000

func openLog(t testing.TB) *local.Log {
	t.Helper()
	log, err := local.Open(local.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	return log
}

// traffic makes requests: events of a few visitors, late and doubled ones among them, with their receipts.
type traffic struct {
	r    *rand.Rand
	n    uint64
	sent []event.Event
}

func (f *traffic) event(now int64) event.Event {
	if len(f.sent) > 0 && f.r.IntN(6) == 0 {
		e := f.sent[f.r.IntN(len(f.sent))]
		e.ReceivedAt = now // sent again
		return e
	}
	f.n++
	visitor := f.r.IntN(12)
	late := f.r.Int64N(60_000)
	if f.r.IntN(10) == 0 {
		late = f.r.Int64N(event.LateLimitMillis)
	}
	e := event.Event{
		ID: event.NamedUUID(fmt.Append(nil, f.r.Uint64(), f.n)), WebsiteID: fmt.Sprint("site", visitor%2), Type: event.Type(1 + f.r.IntN(4)),
		Timestamp: now - late, ReceivedAt: now, UserID: fmt.Sprint("u", visitor), SessionID: fmt.Sprint("u", visitor), SampleKey: event.SubjectOf("", fmt.Sprint("u", visitor)).SampleKey,
		Page: fmt.Sprint("/", f.r.IntN(5)), Source: fmt.Sprint("s", f.n), BotScore: uint8(visitor%4) * 25, ScrollDepth: event.NoScroll, Interactive: true,
	}
	e.BotBand = event.Band(e.BotScore)
	f.sent = append(f.sent, e)
	return e
}

// request returns the records of one request: up to 12 events, at times a refused one, always the receipt.
func (f *traffic) request(now int64) []eventlog.Record {
	var records []eventlog.Record
	receipt := event.Receipt{WebsiteID: "site0", ReceivedAt: now, Received: 2}
	receipt.Refused = []event.LedgerRow{{Outcome: event.Filtered, Reason: "too_old", Count: 1}, {Outcome: event.Failed, Reason: "no_type", Count: 1}}
	other := event.Receipt{WebsiteID: "site1", ReceivedAt: now}
	for range f.r.IntN(12) {
		e := f.event(now)
		if e.WebsiteID == "site0" {
			receipt.Received++
		} else {
			other.Received++
		}
		records = append(records, eventlog.Record{Value: e.AppendRecord(nil)})
	}
	failed := event.FailedEvent{WebsiteID: "site0", ReceivedAt: now, Reason: "no_type", Payload: []byte("{}")}
	return append(records, eventlog.Record{Value: failed.AppendRecord(nil)}, eventlog.Record{Value: receipt.AppendRecord(nil)},
		eventlog.Record{Value: other.AppendRecord(nil)}, eventlog.Record{Value: []byte{200, 1, 2}})
}

func appendRecords(t testing.TB, log eventlog.Appender, records []eventlog.Record) {
	t.Helper()
	if err := log.Append(context.Background(), eventlog.RawEvents, records); err != nil {
		t.Fatal(err)
	}
}

// wantEvents returns the events of the log without duplicates, decided naively.
func wantEvents(t *testing.T, log eventlog.Reader) (events []event.Event) {
	t.Helper()
	type id struct {
		site string
		id   event.UUID
	}
	met := map[id]bool{}
	var erasures event.Erasures
	for offset := int64(0); ; {
		entries, err := log.Read(context.Background(), eventlog.RawEvents, 0, offset, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) == 0 { // an event is covered wherever it stands
			return slices.DeleteFunc(events, func(e event.Event) bool { return erasures.Covers(&e) })
		}
		for _, entry := range entries {
			var e event.Event
			if e.DecodeEvent(entry.Value) == nil && !met[id{e.WebsiteID, e.ID}] {
				met[id{e.WebsiteID, e.ID}] = true
				events = append(events, e)
			}
			var erasure event.Erasure
			if erasure.DecodeErasure(entry.Value) == nil {
				erasures.Add(erasure.Erased())
			}
			offset = entry.Offset + 1
		}
	}
}

// check compares the store with what the log says.
func (s *testStore) check(t *testing.T, log eventlog.Reader) {
	t.Helper()
	want := wantEvents(t, log)
	if len(s.events) != len(want) {
		t.Fatalf("%d events are stored, want %d", len(s.events), len(want))
	}
	for i := range want {
		if !reflect.DeepEqual(s.events[i], want[i]) {
			t.Fatalf("event %d: got %+v, want %+v", i, s.events[i], want[i])
		}
	}
	var changes stream.Changes
	operator := stream.NewSessions(0, stream.NothingStored)
	operator.Missing(want)
	operator.Apply(want)
	operator.Settle(&changes)
	if len(changes.Upserts) != len(s.sessions) {
		t.Fatalf("%d sessions are stored, want %d", len(s.sessions), len(changes.Upserts))
	}
	for _, session := range changes.Upserts {
		if !reflect.DeepEqual(s.sessions[session.Ref()], session) {
			t.Fatalf("session: got %+v, want %+v", s.sessions[session.Ref()], session)
		}
	}
	s.checkLedger(t)
}

// checkLedger: per site and minute, what was received is stored, a duplicate, filtered or failed.
func (s *testStore) checkLedger(t *testing.T) {
	t.Helper()
	type place struct {
		site   string
		minute int64
	}
	balance := map[place]int64{}
	for row, count := range s.ledger {
		if row.Outcome == event.Received {
			count = -count
		}
		balance[place{row.WebsiteID, row.Minute}] += count
	}
	for at, left := range balance {
		if left != 0 {
			t.Errorf("the ledger of %+v is off by %d", at, left)
		}
	}
}

func (s *testStore) counted(outcome event.Outcome, reason string) (n int64) {
	for row, count := range s.ledger {
		if row.Outcome == outcome && row.Reason == reason {
			n += count
		}
	}
	return n
}

func options(log *local.Log, s Store) Options {
	return Options{Log: log, Store: s, Dedupe: log.Duplicates(), MaxBatchEvents: 40, MaxBatchBytes: 8 << 10, Tick: time.Millisecond,
		Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return time.UnixMilli(noon) }}
}

// start runs a processor until stop is called.
func start(t *testing.T, options Options) (p *Processor, stop func() error) {
	t.Helper()
	p = New(options)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	return p, func() error {
		cancel()
		return <-done
	}
}

func flush(t *testing.T, p *Processor) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestLogReachesTheStore(t *testing.T) {
	log, s := openLog(t), newTestStore()
	hub := live.New(live.Options{Now: func() int64 { return noon + 200_000 }})
	opts := options(log, s)
	opts.Live = hub
	p, stop := start(t, opts)
	f := &traffic{r: rand.New(rand.NewPCG(1, 1))}
	for i := range 300 {
		appendRecords(t, log, f.request(noon+int64(i)*500))
		if i%100 == 99 {
			flush(t, p)
			s.check(t, log)
		}
	}
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
	if s.counted(event.Duplicate, "") == 0 || s.counted(event.Filtered, "too_old") != 300 || s.counted(event.Failed, "no_type") != 300 || len(s.failed) != 300 {
		t.Errorf("ledger: %v, %d failed", s.ledger, len(s.failed))
	}
	events := int64(0)
	for _, e := range s.events {
		if e.WebsiteID == "site0" && e.Type.Counted() && e.Timestamp >= stream.FirstMinute(noon+200_000) {
			events++
		}
	}
	if got := hub.Realtime("site0", 4).Metrics.Events; got != events || events == 0 {
		t.Errorf("the live view has %d events, want %d", got, events)
	}
	if err := p.WaitFor(context.Background(), 1<<40); !errors.Is(err, errEnded) {
		t.Errorf("WaitFor after the end: %v", err)
	}
}

// TestKills: Run is ended at random points, and a new processor goes on. The index of duplicates and the store are all that stays.
func TestKills(t *testing.T) {
	kills := map[string]int{}
	for seed := range uint64(12) {
		log, s := openLog(t), newTestStore()
		r := rand.New(rand.NewPCG(seed, 5))
		f := &traffic{r: r}
		points := []string{PointRead, PointDeduped, PointStaged, PointCommitting, PointCommitted}
		for round := range 25 {
			for i := range 1 + r.IntN(8) {
				appendRecords(t, log, f.request(noon+int64(round)*400_000+int64(i)*7000))
			}
			opts := options(log, s)
			if round%2 == 0 {
				opts = options(log, &stagingStore{testStore: s})
			}
			opts.MaxKeys = 1 + r.IntN(20)
			point, passes := points[r.IntN(len(points))], r.IntN(3)
			opts.FailPoint = func(name string) error {
				if name == point {
					if passes--; passes < 0 {
						kills[name]++
						return errTest
					}
				}
				return nil
			}
			p, stop := start(t, opts)
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			if err := p.Flush(ctx); err != nil && !errors.Is(err, errTest) {
				t.Fatal(err)
			}
			cancel()
			if err := stop(); !errors.Is(err, errTest) && !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		}
		p, stop := start(t, options(log, s))
		flush(t, p)
		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		s.check(t, log)
	}
	if len(kills) != 5 {
		t.Errorf("only these kills: %v", kills)
	}
}

// TestStoreFailures: errors before and after a commit's effect, and in the middle of a look-up.
func TestStoreFailures(t *testing.T) {
	log, s := openLog(t), newTestStore()
	r := rand.New(rand.NewPCG(9, 9))
	s.onCommit = func() (before, after error) {
		return []error{nil, nil, nil, errTest}[r.IntN(4)], []error{nil, nil, nil, errTest}[r.IntN(4)]
	}
	s.onHistory = func() error {
		if r.IntN(100) == 0 {
			return errTest
		}
		return nil
	}
	opts := options(log, s)
	opts.MaxKeys = 4
	status := &statusLog{}
	opts.Live = status
	p, stop := start(t, opts)
	f := &traffic{r: rand.New(rand.NewPCG(2, 1))}
	for i := range 60 {
		appendRecords(t, log, f.request(noon+int64(i)*500))
	}
	flush(t, p)
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	s.check(t, log)
	if s.lookups == 0 || !status.last || !status.away {
		t.Errorf("%d look-ups, live %+v", s.lookups, status)
	}
}

// TestBacklogIsStagedAndLost: steps of a backlog share a transaction; when it fails they are read again, and the live view counts
// them once.
func TestBacklogIsStagedAndLost(t *testing.T) {
	for seed := range uint64(8) {
		log, s := openLog(t), &stagingStore{testStore: newTestStore()}
		r := rand.New(rand.NewPCG(seed, 11))
		f := &traffic{r: rand.New(rand.NewPCG(seed, 1))}
		for i := range 300 {
			appendRecords(t, log, f.request(noon+int64(i)*500))
		}
		failing := func() error {
			if r.IntN(12) == 0 {
				return errTest
			}
			return nil
		}
		s.onStage = failing
		s.onHistory = func() error { // the store has no room beside what is staged
			if len(s.staged) > 0 {
				return failing()
			}
			return nil
		}
		s.onCommit = func() (before, after error) { return failing(), failing() }
		opts := options(log, s)
		opts.MaxKeys = 4
		hub := live.New(live.Options{Now: func() int64 { return noon + 200_000 }})
		opts.Live = hub
		p, stop := start(t, opts)
		flush(t, p)
		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		s.check(t, log)
		if s.stages < s.commits {
			t.Errorf("%d steps are staged in %d commits", s.stages, s.commits)
		}
		events := int64(0)
		for _, e := range s.events {
			if e.WebsiteID == "site0" && e.Type.Counted() && e.Timestamp >= stream.FirstMinute(noon+200_000) {
				events++
			}
		}
		if got := hub.Realtime("site0", 4).Metrics.Events; got != events || events == 0 {
			t.Errorf("the live view has %d events, want %d", got, events)
		}
	}
}

// statusLog is a Live.
type statusLog struct{ last, away bool }

func (s *statusLog) Apply([]event.Event) {}
func (s *statusLog) SetAvailable(available bool, _ string) {
	s.last, s.away = available, s.away || !available
}

func TestUndecodableRecordsAreKept(t *testing.T) {
	log, s := openLog(t), newTestStore()
	good := event.Event{ID: event.UUID{1}, WebsiteID: "s", Type: event.Pageview, Timestamp: noon, ReceivedAt: noon + 60_000}
	noSite, noType := good, good
	noSite.WebsiteID, noSite.ID, noType.Type = "", event.UUID{2}, 77
	receipt := event.Receipt{WebsiteID: "s", ReceivedAt: noon + 60_000, Received: 3}
	appendRecords(t, log, []eventlog.Record{
		{Value: good.AppendRecord(nil)}, {Value: []byte{byte(event.KindEvent), 0xff}}, {Value: noSite.AppendRecord(nil)}, {Value: noType.AppendRecord(nil)},
		{Value: []byte{byte(event.KindReceipt), 0xff}}, {Value: []byte{byte(event.KindFailed), 0xff}}, {Value: []byte{99}}, {Value: receipt.AppendRecord(nil)},
	})
	p, stop := start(t, options(log, s))
	flush(t, p)
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	rows := slices.SortedFunc(maps.Keys(s.ledger), func(a, b event.LedgerRow) int {
		return cmp.Or(cmp.Compare(a.WebsiteID, b.WebsiteID), cmp.Compare(a.Outcome, b.Outcome))
	})
	got := ""
	for _, row := range rows {
		got += fmt.Sprintf("%q +%ds %s %s %d\n", row.WebsiteID, (row.Minute-noon)/1000, row.Outcome, row.Reason, s.ledger[row])
	}
	want := "\"\" +60s failed undecodable_record 2\n\"s\" +60s received  3\n\"s\" +60s stored  1\n\"s\" +60s failed undecodable_record 1\n"
	if got != want {
		t.Errorf("ledger:\n%swant:\n%s", got, want)
	}
	if len(s.events) != 1 || len(s.failed) != 5 || s.next != 8 {
		t.Errorf("%d events, %d failed, next %d", len(s.events), len(s.failed), s.next)
	}
}

func TestStoreOfAnotherLogIsRefused(t *testing.T) {
	log, s := openLog(t), newTestStore()
	s.next = 5
	err := New(options(log, s)).Run(context.Background())
	if err == nil || err.Error() != "cannot process: the store has seen the log up to 5, but the log ends at 0; they do not belong together" {
		t.Errorf("Run: %v", err)
	}
}

// trimmedLog has lost what is before first.
type trimmedLog struct {
	eventlog.Reader
	first int64
}

func (l trimmedLog) Read(ctx context.Context, topic eventlog.Topic, partition int32, offset int64, maxBytes int) ([]eventlog.Entry, error) {
	if offset < l.first {
		return nil, fmt.Errorf("cannot read: %w", &eventlog.TrimmedError{First: l.first})
	}
	return l.Reader.Read(ctx, topic, partition, offset, maxBytes)
}

func TestProcessingGoesOnBehindWhatTheLogHasLost(t *testing.T) {
	log, s := openLog(t), newTestStore()
	f := &traffic{r: rand.New(rand.NewPCG(4, 4))}
	for i := range 10 {
		appendRecords(t, log, f.request(noon+int64(i)))
	}
	opts := options(log, s)
	opts.Log = trimmedLog{log, 50}
	p, stop := start(t, opts)
	flush(t, p)
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if end, _ := log.End(context.Background(), eventlog.RawEvents, 0); s.next != end || len(s.events) == 0 {
		t.Errorf("%d events, position %d of %d", len(s.events), s.next, end)
	}
}

// TestLiveViewIsToldOfTheEnd: when processing ends by itself, watchers must not take the silence for peace.
func TestLiveViewIsToldOfTheEnd(t *testing.T) {
	log, s := openLog(t), newTestStore()
	f := &traffic{r: rand.New(rand.NewPCG(4, 4))}
	appendRecords(t, log, f.request(noon))
	opts, status := options(log, s), &statusLog{}
	opts.Live = status
	opts.FailPoint = func(string) error { return errTest }
	if err := New(opts).Run(context.Background()); !errors.Is(err, errTest) || !status.away || status.last {
		t.Errorf("Run: %v, live %+v", err, status)
	}
}

// TestFlushDoesNotWaitForTheTick, and without it steps are a tick apart.
func TestFlushDoesNotWaitForTheTick(t *testing.T) {
	log, s := openLog(t), newTestStore()
	opts := options(log, s)
	opts.Tick = time.Hour
	p, stop := start(t, opts)
	f := &traffic{r: rand.New(rand.NewPCG(4, 4))}
	for i := range 20 {
		appendRecords(t, log, f.request(noon+int64(i)))
		flush(t, p)
	}
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	s.check(t, log)
}
