package redistest

import (
	"context"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/footfall-analytics/footfall/internal/redis"
)

// OpenCluster starts three nodes of a Redis cluster, without replicas, and returns a client of them.
func OpenCluster(t testing.TB, binary string) *redis.Client {
	t.Helper()
	const nodes, slots = 3, 16384
	var servers [nodes]*Server
	for i := range servers {
		servers[i] = startServer(t, binary, "--cluster-enabled", "yes")
		low, high := i*slots/nodes, (i+1)*slots/nodes-1
		servers[i].do(t, "CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(low), strconv.Itoa(high))
		servers[i].do(t, "CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
	}
	for _, s := range servers[1:] {
		host, port, _ := net.SplitHostPort(servers[0].Address)
		s.do(t, "CLUSTER", "MEET", host, port)
	}
	for _, s := range servers {
		Eventually(t, 30*time.Second, "the cluster is whole", func() bool {
			info := s.do(t, "CLUSTER", "INFO")
			return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3")
		})
	}
	client, err := redis.Open(redis.Options{Addresses: []string{servers[0].Address, servers[1].Address}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	conn, err := client.Conn()
	if err != nil {
		t.Fatal(err)
	}
	if conn.Mode() != rueidis.ClientModeCluster {
		t.Fatalf("the client's mode is %q", conn.Mode())
	}
	return client
}

// do runs a command on this node and returns its reply as text.
func (s *Server) do(t testing.TB, words ...string) string {
	t.Helper()
	conn, err := s.connect()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	reply, err := conn.Do(context.Background(), conn.B().Arbitrary(words...).Build()).ToString()
	if err != nil {
		t.Fatalf("%v: %v", words, err)
	}
	return reply
}
