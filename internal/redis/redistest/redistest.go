// Package redistest gives tests of the parts in Redis what they need: a client with keys of its own on a running Redis, a Redis of
// their own that they may kill, and a log in memory with several partitions. It may import eventlog and internal/redis.
package redistest

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"go.uber.org/goleak"

	"github.com/footfall-analytics/footfall/internal/redis"
)

// Names of the environment variables whose values the tests hand in.
const (
	Address = "FOOTFALL_TEST_REDIS"        // host:port of a running Redis; keys of a random prefix are made and removed
	Binary  = "FOOTFALL_TEST_REDIS_BINARY" // redis-server, for tests that kill one; else it is looked for in PATH
)

// Open returns a client whose keys are the test's alone and are removed at its end. Without an address the test is skipped.
func Open(t testing.TB, address string) *redis.Client {
	t.Helper()
	if address == "" {
		t.Skipf("%s is not set: host:port of a Redis to test with", Address)
	}
	client := open(t, address, "test:"+rand.Text()+":")
	if _, err := client.Conn(); err != nil {
		t.Fatalf("no redis at %s", address)
	}
	t.Cleanup(func() {
		if err := client.RemoveMatching(context.Background(), "*"); err != nil {
			t.Errorf("keys are left: %v", err)
		}
		_ = client.Close()
	})
	return client
}

func open(t testing.TB, address, prefix string) *redis.Client {
	t.Helper()
	client, err := redis.Open(redis.Options{Addresses: []string{address}, Prefix: prefix})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// Server is a Redis of the test's own, which keeps nothing on disk.
type Server struct {
	Address string
	t       testing.TB
	binary  string
	dir     string
	args    []string
	process *exec.Cmd
}

// StartServer starts a Redis that ends with the test. Without a program the test is skipped.
func StartServer(t testing.TB, binary string) *Server { return startServer(t, binary) }

func startServer(t testing.TB, binary string, args ...string) *Server {
	t.Helper()
	if binary == "" {
		found, err := exec.LookPath("redis-server")
		if err != nil {
			t.Skipf("there is no redis-server in PATH, and %s is not set", Binary)
		}
		binary = found
	}
	s := &Server{Address: freeAddress(t), t: t, binary: binary, dir: t.TempDir(), args: args}
	s.Start()
	t.Cleanup(func() {
		if s.process != nil {
			s.Kill()
		}
	})
	return s
}

// freeAddress returns one that nobody listens at. The bus of a cluster's node listens at a port that is greater by 10,000.
func freeAddress(t testing.TB) string {
	t.Helper()
	for {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_ = listener.Close()
		if at := listener.Addr().(*net.TCPAddr); at.Port < 55_000 {
			return at.String()
		}
	}
}

// Start starts the server again, empty, at its address, and returns when it answers.
func (s *Server) Start() {
	s.t.Helper()
	_, port, _ := net.SplitHostPort(s.Address)
	var said bytes.Buffer
	args := []string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", s.dir, "--unixsocket", filepath.Join(s.dir, "s")}
	s.process = exec.Command(s.binary, append(args, s.args...)...)
	s.process.Stdout, s.process.Stderr = &said, &said
	if err := s.process.Start(); err != nil {
		s.t.Fatal(err)
	}
	for range 200 {
		conn, err := s.connect()
		if err == nil {
			conn.Close()
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	s.t.Fatalf("redis-server does not answer: %s", said.String())
}

func (s *Server) connect() (rueidis.Client, error) {
	return rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{s.Address}, DisableCache: true, ForceSingleClient: true})
}

// Kill ends the server at once.
func (s *Server) Kill() {
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
	s.process = nil
}

// Open returns a client of the server; the test's end closes it.
func (s *Server) Open() *redis.Client {
	client := open(s.t, s.Address, "")
	s.t.Cleanup(func() { _ = client.Close() })
	return client
}

// Eventually waits until ok returns true.
func Eventually(t testing.TB, within time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatal(fmt.Sprint("not within ", within, ": ", what))
}

// Main runs the tests of a package and fails when they leave goroutines behind. One of the library's sleeps for a second and
// then ends by itself.
func Main(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*call).DelayDo.func1"))
}

// Signal sends the server's process a signal.
func (s *Server) Signal(signal os.Signal) error { return s.process.Process.Signal(signal) }
