package redis_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/redis/redistest"
)

// TestRedisCluster: sites whose keys stand on several nodes, and a loss of all of them.
func TestRedisCluster(t *testing.T) {
	client, now := redistest.OpenCluster(t, os.Getenv(redistest.Binary)), noon()
	c := newCluster(t, client, redistest.NewLog(), now)
	embedded, r := embeddedHub(now), rand.New(rand.NewPCG(6, 6))
	var sites []string
	for i := range 12 {
		sites = append(sites, fmt.Sprint("site", i))
	}
	more := func() {
		for _, site := range sites {
			events := randomEvents(r, site, 60, now)
			embedded.Apply(events)
			c.add(events)
		}
	}
	more()
	same(t, c.hub, embedded, sites)
	w := startWatch(t, c.hub, "site3")
	more()
	same(t, c.hub, embedded, sites)
	c.addMetric(event.Metric{WebsiteID: "site3", Start: now, Pageviews: [4]uint64{5}, Events: [4]uint64{6}, EmittedAt: now})
	redistest.Eventually(t, 10*time.Second, "a window", func() bool { return w.has(`"pageviews":5,"events":6`) })

	conn, err := client.Conn()
	if err != nil {
		t.Fatal(err)
	}
	if len(conn.Nodes()) != 3 {
		t.Fatalf("%d nodes", len(conn.Nodes()))
	}
	events, _ := c.writer.Replays()
	before := events.Counters().Rebuilds.Load()
	for _, node := range conn.Nodes() {
		if err := node.Do(t.Context(), node.B().Flushall().Build()).Error(); err != nil {
			t.Fatal(err)
		}
	}
	redistest.Eventually(t, rebuilt, "the loss is noticed", func() bool { return events.Counters().Rebuilds.Load() == before+eventPartitions })
	more()
	fresh, _ := startHub(t, client, now)
	redistest.Eventually(t, rebuilt, "a new hub is available", fresh.Available)
	same(t, fresh, embedded, sites)
	same(t, c.hub, embedded, sites)
}
