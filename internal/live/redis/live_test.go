package redis_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/live"
	liveredis "github.com/footfall-analytics/footfall/internal/live/redis"
	"github.com/footfall-analytics/footfall/internal/redis"
	"github.com/footfall-analytics/footfall/internal/redis/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

const (
	eventPartitions  = 3
	metricPartitions = 2
)

// cluster is a log, a role process and role web on one Redis, with a clock of their own.
type cluster struct {
	client *redis.Client
	log    *redistest.Log
	now    int64
	writer *liveredis.Writer
	hub    *liveredis.Hub
}

// newCluster starts a writer and a hub. The clock does not move, so that two views of the same events are alike.
func newCluster(t *testing.T, client *redis.Client, log *redistest.Log, now int64) *cluster {
	t.Helper()
	c := &cluster{client: client, log: log, now: now}
	c.writer, _ = startWriter(t, client, log, now)
	c.hub, _ = startHub(t, client, now)
	redistest.Eventually(t, 20*time.Second, "the hub is available", c.hub.Available)
	return c
}

func startWriter(t *testing.T, client *redis.Client, log *redistest.Log, now int64) (*liveredis.Writer, func()) {
	t.Helper()
	writer, err := liveredis.NewWriter(liveredis.WriterOptions{
		Client: client, Log: log, Events: liveredis.Partitions{Count: eventPartitions}, Metrics: liveredis.Partitions{Count: metricPartitions},
		Linger: 5 * time.Millisecond, Now: func() int64 { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return writer, start(t, writer.Run)
}

func startHub(t *testing.T, client *redis.Client, now int64) (*liveredis.Hub, func()) {
	t.Helper()
	hub := liveredis.NewHub(liveredis.HubOptions{Client: client, Now: func() int64 { return now }, Tick: 20 * time.Millisecond})
	return hub, start(t, hub.Run)
}

// start runs a part until the returned function is called, or the test ends.
func start(t testing.TB, run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	}()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return stop
}

// add appends events to topic events, each to the partition of its session.
func (c *cluster) add(events []event.Event) { add(c.log, events) }

func add(log *redistest.Log, events []event.Event) {
	var records [eventPartitions][][]byte
	for i := range events {
		p := events[i].SampleKey % eventPartitions
		records[p] = append(records[p], events[i].AppendRecord(nil))
	}
	for p, values := range records {
		if len(values) > 0 {
			log.Append(eventlog.Events, int32(p), values...)
		}
	}
}

// randomEvents returns events of a site: all types, bands, late and too late ones, visitors with several bands.
func randomEvents(r *rand.Rand, site string, n int, now int64) []event.Event {
	events := make([]event.Event, n)
	for i := range events {
		score := uint8(r.IntN(101))
		if r.IntN(2) == 0 {
			score = 0
		}
		e := event.Event{
			ID: event.NamedUUID([]byte(fmt.Sprint(site, i, r.Uint64()))), WebsiteID: site, Type: event.Type(1 + r.IntN(6)), Interactive: true,
			Timestamp: now - r.Int64N(40*60_000), ReceivedAt: now, UserID: fmt.Sprint("u", r.IntN(80)), Page: fmt.Sprint("/", r.IntN(30)),
			Title: "Title", Source: []string{"", "Google", "Bing"}[r.IntN(3)], Country: []string{"", "DE", "FR", "AT"}[r.IntN(4)],
			DeviceType: "mobile", Browser: "Firefox", BotScore: score, BotBand: event.Band(score), ScrollDepth: event.NoScroll,
		}
		if r.IntN(3) == 0 {
			e.Timestamp = now - r.Int64N(6*60_000)
		}
		e.SampleKey = r.Uint64()>>60*0x9e3779b97f4a7c15 + uint64(len(e.UserID))
		e.SessionID = e.UserID
		if r.IntN(2) == 0 {
			e.Session = &event.SessionInfo{StartedAt: now, Events: uint32(r.IntN(9)), EntryPage: "/", Source: "ChatGPT"}
		}
		events[i] = e
	}
	return events
}

func text(t *testing.T, v any) string {
	t.Helper()
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// same waits until the hub shows what an embedded one does, for all thresholds.
func same(t *testing.T, hub *liveredis.Hub, embedded *live.Hub, sites []string) {
	t.Helper()
	for _, site := range sites {
		for threshold := range uint8(5) {
			want, got := text(t, embedded.Realtime(site, threshold)), ""
			for end := time.Now().Add(15 * time.Second); time.Now().Before(end) && got != want; time.Sleep(20 * time.Millisecond) {
				got = text(t, hub.Realtime(site, threshold))
			}
			if got != want {
				t.Fatalf("site %s, threshold %d:\n got %s\nwant %s", site, threshold, got, want)
			}
		}
	}
}

// noon is a start of a minute, near the clock of the machine: Redis' own expiries must not come between.
func noon() int64 { return time.Now().UnixMilli() / 60_000 * 60_000 }

func embeddedHub(now int64) *live.Hub {
	return live.New(live.Options{Now: func() int64 { return now }})
}

func TestSameAsEmbedded(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r, now := rand.New(rand.NewPCG(seed, 7)), noon()
			c := newCluster(t, redistest.Open(t, os.Getenv(redistest.Address)), redistest.NewLog(), now)
			embedded, sites := embeddedHub(now), []string{"a", "b}c", "d"}
			for range 4 { // the second and later rounds come to a site that is followed
				for _, site := range sites {
					events := randomEvents(r, site, 1+r.IntN(900), now)
					embedded.Apply(events)
					c.add(events)
				}
				same(t, c.hub, embedded, sites)
			}
			same(t, c.hub, embedded, []string{"nobody"})
			late, _ := startHub(t, c.client, now)
			redistest.Eventually(t, 10*time.Second, "a second web process", late.Available)
			same(t, late, embedded, sites)
		})
	}
}

func TestReplayChangesNothing(t *testing.T) {
	client, log, now := redistest.Open(t, os.Getenv(redistest.Address)), redistest.NewLog(), noon()
	r := rand.New(rand.NewPCG(1, 2))
	embedded := embeddedHub(now)
	hub, _ := startHub(t, client, now)
	var stop func()
	for range 5 {
		events := randomEvents(r, "a", 500, now)
		embedded.Apply(events)
		add(log, events)
		_, stop = startWriter(t, client, log, now)
		redistest.Eventually(t, 20*time.Second, "available", hub.Available)
		same(t, hub, embedded, []string{"a"})
		stop()
		back(t, client, int64(r.IntN(3))<<13) // killed between a batch and its position, and cut differently the next time
	}
	fresh, _ := startHub(t, client, now)
	_, _ = startWriter(t, client, log, now)
	redistest.Eventually(t, 20*time.Second, "a new hub is available", fresh.Available)
	same(t, fresh, embedded, []string{"a"})
}

// back moves all positions of events back, as if the last batches had been written without them.
func back(t *testing.T, client *redis.Client, by int64) {
	t.Helper()
	conn, err := client.Conn()
	if err != nil {
		t.Fatal(err)
	}
	for p := range eventPartitions {
		field := fmt.Sprint("events/", p)
		at, err := conn.Do(t.Context(), conn.B().Hget().Key(client.Key("position")).Field(field).Build()).AsInt64()
		if err != nil {
			t.Fatal(err)
		}
		set := conn.B().Hset().Key(client.Key("position")).FieldValue().FieldValue(field, redis.Decimal(max(0, at-by))).Build()
		if err := conn.Do(t.Context(), set).Error(); err != nil {
			t.Fatal(err)
		}
	}
}

// watch collects the messages of a subscription by type.
type watch struct {
	mu       sync.Mutex
	types    string
	messages []string
	sub      *live.Subscription
}

func startWatch(t *testing.T, hub *liveredis.Hub, site string) *watch {
	t.Helper()
	sub, err := hub.Subscribe(site, 2)
	if err != nil {
		t.Fatal(err)
	}
	w := &watch{sub: sub}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for message := range sub.Messages() {
			var m struct{ Type string }
			_ = json.Unmarshal(message, &m)
			w.mu.Lock()
			w.types += m.Type + " "
			w.messages = append(w.messages, string(message))
			w.mu.Unlock()
		}
	}()
	t.Cleanup(func() { sub.Close(); <-done })
	return w
}

func (w *watch) has(part string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Contains(strings.Join(w.messages, "\n"), part)
}

func (w *watch) seen() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.messages, "\n")
}

func TestMessages(t *testing.T) {
	now := noon()
	c := newCluster(t, redistest.Open(t, os.Getenv(redistest.Address)), redistest.NewLog(), now)
	c.add([]event.Event{{WebsiteID: "a", Type: event.Pageview, Timestamp: now - 60_000, SampleKey: 1, Page: "/old"}})
	redistest.Eventually(t, 10*time.Second, "the first event", func() bool { return *c.hub.Realtime("a", 2).CurrentVisitors == 1 })
	w := startWatch(t, c.hub, "a")
	redistest.Eventually(t, 5*time.Second, "hello", func() bool {
		return w.has(`"type":"hello"`) && w.has(`"pages":[{"value":"/old","visitors":1}]`)
	})
	c.add([]event.Event{{WebsiteID: "a", Type: event.Pageview, Timestamp: now, SampleKey: 2, Page: "/new"}})
	c.addMetric(event.Metric{WebsiteID: "a", Start: now, Pageviews: [4]uint64{5, 1}, Events: [4]uint64{6, 1}, Visitors: [4]uint64{3, 4, 4, 4}, EmittedAt: now + 2})
	c.addMetric(event.Metric{WebsiteID: "a", Start: now, Pageviews: [4]uint64{1}, Events: [4]uint64{1}, EmittedAt: now + 1}) // older
	for _, part := range []string{
		`{"type":"current","visitors":2}`, fmt.Sprintf(`{"type":"minute","start":%d,"active_users":1,"pageviews":1,"events":1}`, now),
		fmt.Sprintf(`{"type":"metrics","start":%d,"pageviews":6,"events":7,"active_visitors":4,"open":true}`, now), `"type":"totals"`, `"page":"/new"`,
	} {
		redistest.Eventually(t, 10*time.Second, part+" in\n"+w.seen(), func() bool { return w.has(part) })
	}
	if w.has(`"pageviews":1,"events":1,"active_visitors":0`) {
		t.Errorf("an older row was sent:\n%s", w.seen())
	}
	c.addMetric(event.Metric{WebsiteID: "a", Start: now, Pageviews: [4]uint64{7}, Events: [4]uint64{7}, EmittedAt: now + 3})
	redistest.Eventually(t, 10*time.Second, "the next row", func() bool { return w.has(`"pageviews":7,"events":7,`) })
}

func (c *cluster) addMetric(m event.Metric) {
	c.log.Append(eventlog.Metrics, int32(len(m.WebsiteID)%metricPartitions), m.AppendRecord(nil))
}

func TestSlowWatcherIsDroppedAndComesBack(t *testing.T) {
	now := noon()
	c := newCluster(t, redistest.Open(t, os.Getenv(redistest.Address)), redistest.NewLog(), now)
	slow, err := c.hub.Subscribe("a", 2)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	for i := uint64(0); slow.Err() == nil && i < 2000; i++ {
		c.add([]event.Event{{WebsiteID: "a", Type: event.Pageview, Timestamp: now, SampleKey: i, Page: "/"}})
		time.Sleep(10 * time.Millisecond)
	}
	if !errors.Is(slow.Err(), live.ErrTooSlow) {
		t.Fatalf("the slow watcher: %v", slow.Err())
	}
	again := startWatch(t, c.hub, "a")
	redistest.Eventually(t, 5*time.Second, "hello", func() bool { return again.has(`"type":"hello"`) && again.has(`"available":true`) })
}

func TestUnwatchedSitesAreForgotten(t *testing.T) {
	client, now := redistest.Open(t, os.Getenv(redistest.Address)), time.Now().UnixMilli()
	startWriter(t, client, redistest.NewLog(), now)
	hub := liveredis.NewHub(liveredis.HubOptions{Client: client, Keep: 50 * time.Millisecond})
	start(t, hub.Run)
	redistest.Eventually(t, 20*time.Second, "available", hub.Available)
	sub, err := hub.Subscribe("watched", 2)
	if err != nil {
		t.Fatal(err)
	}
	if s := hub.Realtime("asked", 2); !s.Available {
		t.Errorf("asked: %+v", s)
	}
	redistest.Eventually(t, 10*time.Second, "the other one is forgotten", func() bool { return hub.Sites() == 1 })
	sub.Close()
	redistest.Eventually(t, 10*time.Second, "all are forgotten", func() bool { return hub.Sites() == 0 })
}

// TestOldThingsGo: streams are cut, visitors leave, windows end.
func TestOldThingsGo(t *testing.T) {
	client, log, now := redistest.Open(t, os.Getenv(redistest.Address)), redistest.NewLog(), noon()
	for i := range 400 { // a window every ten seconds for 66 minutes
		m := event.Metric{WebsiteID: "a", Start: now - int64(i)*10_000, EmittedAt: now}
		log.Append(eventlog.Metrics, 0, m.AppendRecord(nil))
	}
	writer, _ := startWriter(t, client, log, now)
	_, metrics := writer.Replays()
	redistest.Eventually(t, 20*time.Second, "written", func() bool { return metrics.Counters().Records.Load() == 400 })
	conn, err := client.Conn()
	if err != nil {
		t.Fatal(err)
	}
	n, err := conn.Do(t.Context(), conn.B().Hlen().Key(client.SiteKey("w", "a")).Build()).AsInt64()
	if err != nil || n != 217 {
		t.Errorf("%d windows, %v", n, err)
	}
	ttl, err := conn.Do(t.Context(), conn.B().Pttl().Key(client.SiteKey("w", "a")).Build()).AsInt64()
	if err != nil || ttl <= 0 || ttl > 36*60_000 {
		t.Errorf("expires in %d ms, %v", ttl, err)
	}
}
