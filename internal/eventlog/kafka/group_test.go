package kafka

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/footfall-analytics/footfall/internal/eventlog"
)

func TestProgressText(t *testing.T) {
	p := eventlog.Progress{Next: 7<<frameBits | 3, To: 9 << frameBits, Fresh: 1_700_000_000_000}
	if got := decodeProgress(7, encodeProgress(p)); got != p {
		t.Errorf("got %+v, want %+v", got, p)
	}
	moved := eventlog.Progress{Next: 5 << frameBits, To: 5 << frameBits}
	for _, metadata := range []string{"", "by hand", encodeProgress(p), "next=x to=y"} {
		if got := decodeProgress(5, metadata); got != moved {
			t.Errorf("%q: got %+v, want %+v", metadata, got, moved)
		}
	}
}

// testBroker returns the broker of tests and a prefix of its own.
func testBroker(t *testing.T) (broker, prefix string) {
	broker = os.Getenv("FOOTFALL_TEST_KAFKA")
	if broker == "" {
		t.Skip("FOOTFALL_TEST_KAFKA (host:port) is not set")
	}
	return broker, fmt.Sprintf("test-%d-", time.Now().UnixNano())
}

const groupPartitions = 4

func openTestGroup(t *testing.T, broker, prefix string) *Group {
	g, err := OpenGroup(GroupOptions{Brokers: []string{broker}, Prefix: prefix, Name: "work", Topics: []eventlog.Topic{eventlog.Events}, SessionTimeout: 6 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// Two processes of one group share the partitions, never both have one, and what one has committed the other goes on from.
func TestGroupSharesPartitions(t *testing.T) {
	broker, prefix := testBroker(t)
	client, err := kgo.NewClient(kgo.SeedBrokers(broker))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	if _, err := admin.CreateTopic(t.Context(), groupPartitions, 1, nil, prefix+string(eventlog.Events)); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = admin.DeleteTopics(context.Background(), prefix+string(eventlog.Events)) }()

	var mu sync.Mutex
	owner, counts := map[int32]string{}, map[int32]int64{}
	member := func(name string, g *Group) func(context.Context, eventlog.Claim) error {
		return func(ctx context.Context, c eventlog.Claim) error {
			mu.Lock()
			if other := owner[c.Partition]; other != "" {
				t.Errorf("partition %d belongs to %s and %s", c.Partition, other, name)
			}
			owner[c.Partition] = name
			mu.Unlock()
			defer func() {
				mu.Lock()
				delete(owner, c.Partition)
				mu.Unlock()
			}()
			p, err := g.Progress(ctx, c)
			for err == nil && ctx.Err() == nil {
				p = eventlog.Progress{Next: p.Next + 5000, To: p.Next + 6000}
				if err = g.Commit(ctx, c, p); err == nil {
					mu.Lock()
					if p.Next != counts[c.Partition]+5000 {
						t.Errorf("partition %d: %s goes from %d to %d", c.Partition, name, counts[c.Partition], p.Next)
					}
					counts[c.Partition] = p.Next
					mu.Unlock()
				}
				time.Sleep(20 * time.Millisecond)
			}
			if errors.Is(err, context.Canceled) { // the commit may have been made
				if p, err := g.Progress(context.Background(), c); err == nil {
					mu.Lock()
					counts[c.Partition] = p.Next
					mu.Unlock()
				}
				return nil
			}
			return err
		}
	}
	shares := func() (all int, of map[string]int) {
		mu.Lock()
		defer mu.Unlock()
		of = map[string]int{}
		for _, name := range owner {
			of[name]++
		}
		return len(owner), of
	}
	await := func(what string, ok func() bool) {
		t.Helper()
		for deadline := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				_, of := shares()
				t.Fatalf("%s: not within two minutes; shares %v", what, of)
			}
		}
	}
	run := func(name string) (stop func()) {
		g := openTestGroup(t, broker, prefix)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); _ = g.Run(ctx, member(name, g)) }()
		return func() { cancel(); <-done; _ = g.Close() }
	}
	stopA := run("a")
	await("a has all", func() bool { _, of := shares(); return of["a"] == groupPartitions })
	stopB := run("b")
	await("both have half", func() bool { _, of := shares(); return of["a"] == 2 && of["b"] == 2 })
	stopA()
	await("b has all", func() bool { _, of := shares(); return of["b"] == groupPartitions })
	stopB()
	all, err := ReadProgress(t.Context(), admin, prefix, "work", eventlog.Events)
	if err != nil || len(all) != groupPartitions {
		t.Fatalf("%v, %v", all, err)
	}
	for claim, p := range all {
		if p.Next != counts[claim.Partition] || p.To != p.Next+1000 {
			t.Errorf("partition %d: %+v, want %d", claim.Partition, p, counts[claim.Partition])
		}
	}
}

// A member that the group does not know any more cannot commit.
func TestGroupFences(t *testing.T) {
	broker, prefix := testBroker(t)
	client, err := kgo.NewClient(kgo.SeedBrokers(broker))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	if _, err := admin.CreateTopic(t.Context(), 1, 1, nil, prefix+string(eventlog.Events)); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = admin.DeleteTopics(context.Background(), prefix+string(eventlog.Events)) }()
	g := openTestGroup(t, broker, prefix)
	defer g.Close()
	has := make(chan eventlog.Claim, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go g.Run(ctx, func(ctx context.Context, c eventlog.Claim) error { has <- c; <-ctx.Done(); return nil })
	claim := <-has
	if err := g.Commit(t.Context(), claim, eventlog.Progress{Next: 8192, To: 8192}); err != nil {
		t.Fatal(err)
	}
	member, _ := g.client.GroupMetadata()
	leave := kmsg.NewPtrLeaveGroupRequest() // the broker forgets the member, as it does after its session timeout
	leave.Group, leave.Members = prefix+"work", []kmsg.LeaveGroupRequestMember{{MemberID: member}}
	if _, err := leave.RequestWith(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	if err := g.Commit(t.Context(), claim, eventlog.Progress{Next: 12288, To: 12288}); !errors.Is(err, eventlog.ErrFenced) {
		t.Errorf("got %v", err)
	}
	if p, err := g.Progress(t.Context(), claim); err != nil || p.Next != 8192 {
		t.Errorf("got %+v, %v", p, err)
	}
}
