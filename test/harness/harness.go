// Package harness starts the real binary for tests and speaks to it as its users do: over HTTP and by its commands.
package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Browser is the user agent of every request that tests send.
const Browser = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"

// patience is how long a condition may take on a busy machine before a test gives up.
const patience = 60 * time.Second

// Binary returns bin/footfall of this checkout, built by `make build`.
func Binary(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
	}
	path := filepath.Join(dir, "bin", "footfall")
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("no binary at bin/footfall: run `make build` first (%v)", err)
	}
	return path
}

// Server is one running `footfall serve`.
type Server struct {
	t      testing.TB
	binary string
	args   []string
	Dir    string // data directory
	URL    string // as http://127.0.0.1:PORT
	OpsURL string // operations listener
	cmd    *exec.Cmd
	output *lockedBuffer
	done   chan error
	// Started is the time from the start of the process to the first 200 of /readyz.
	Started time.Duration
}

// Start runs `footfall serve` on a fresh directory and free ports, waits until it is ready, and ends it with the test.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return StartIn(t, t.TempDir(), args...)
}

// StartIn is Start on an existing data directory.
func StartIn(t testing.TB, dir string, args ...string) *Server {
	t.Helper()
	return StartBinary(t, Binary(t), dir, args...)
}

// StartBinary is StartIn with another build of footfall.
func StartBinary(t testing.TB, binary, dir string, args ...string) *Server {
	t.Helper()
	listen, ops := freePort(t), freePort(t)
	s := &Server{t: t, binary: binary, Dir: dir, URL: "http://" + listen, OpsURL: "http://" + ops}
	s.args = append([]string{"serve", "--data", dir, "--listen", listen, "--ops-listen", ops}, args...)
	s.start()
	t.Cleanup(s.Kill)
	return s
}

func (s *Server) start() {
	s.t.Helper()
	begin := time.Now()
	s.output = &lockedBuffer{}
	s.cmd = exec.Command(s.binary, s.args...)
	s.cmd.Stdout, s.cmd.Stderr = s.output, s.output
	if err := s.cmd.Start(); err != nil {
		s.t.Fatalf("cannot start the server: %v", err)
	}
	s.done = make(chan error, 1)
	go func(cmd *exec.Cmd, done chan error) { done <- cmd.Wait(); close(done) }(s.cmd, s.done)
	s.waitReady()
	s.Started = time.Since(begin)
}

func (s *Server) waitReady() {
	s.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		resp, err := http.Get(s.URL + "/readyz")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case err := <-s.done:
			s.t.Fatalf("the server ended before it was ready: %v\n%s", err, s.output)
		default:
		}
	}
	s.t.Fatalf("the server was not ready after %v\n%s", patience, s.output)
}

// PID returns the process id of the server.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Output returns what the server has printed.
func (s *Server) Output() string { return s.output.String() }

// Kill ends the server with SIGKILL, as a crash would, and waits for it. It does nothing when it has ended.
func (s *Server) Kill() { s.signal(syscall.SIGKILL) }

// Stop ends the server with SIGTERM and returns how it exited.
func (s *Server) Stop() error { return s.signal(syscall.SIGTERM) }

func (s *Server) signal(sig syscall.Signal) error {
	_ = s.cmd.Process.Signal(sig)
	select {
	case err := <-s.done:
		return err
	case <-time.After(patience):
		_ = s.cmd.Process.Kill()
		return fmt.Errorf("the server did not end within %v after %v", patience, sig)
	}
}

// Restart starts the server again on the same directory and ports.
func (s *Server) Restart() {
	s.t.Helper()
	s.start()
}

// Run runs a command of the binary on the server's directory and returns its standard output; it fails the test unless
// the exit status is 0.
func (s *Server) Run(args ...string) string {
	s.t.Helper()
	out, errOut, code := s.TryRun("", args...)
	if code != 0 {
		s.t.Fatalf("footfall %s: exit status %d\n%s%s", strings.Join(args, " "), code, out, errOut)
	}
	return out
}

// TryRun runs a command with the given standard input and returns both outputs and the exit status.
func (s *Server) TryRun(stdin string, args ...string) (stdout, stderr string, code int) {
	s.t.Helper()
	return Command(s.t, s.binary, stdin, append(args, "--data", s.Dir)...)
}

// Command runs the binary with args.
func Command(t testing.TB, binary, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	var out, errOut bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errOut
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("footfall %s: %v", strings.Join(args, " "), err)
	}
	return out.String(), errOut.String(), cmd.ProcessState.ExitCode()
}

// Site is what `site add` and `key add` give.
type Site struct {
	WebsiteID  string `json:"website_id"`
	TrackingID string `json:"tracking_id"`
	Domain     string `json:"-"`
	Key        string `json:"-"`
}

// AddSite adds a site and a key for it by the commands.
func (s *Server) AddSite(domain, timezone string) Site {
	s.t.Helper()
	var site Site
	s.runJSON(&site, "site", "add", domain, "--timezone", timezone, "--json")
	var key struct{ Key string }
	s.runJSON(&key, "key", "add", "--site", domain, "--json")
	site.Domain, site.Key = domain, key.Key
	return site
}

func (s *Server) runJSON(into any, args ...string) {
	s.t.Helper()
	out := s.Run(args...)
	if err := json.Unmarshal([]byte(out), into); err != nil {
		s.t.Fatalf("footfall %s: output is not the JSON expected: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// Do sends a request and returns status and body. A key is sent as a bearer token when it is not "".
func Do(t testing.TB, method, url, key string, body []byte) (int, []byte) {
	t.Helper()
	status, answer, err := Try(method, url, key, body)
	if err != nil {
		t.Fatal(err)
	}
	return status, answer
}

// Try is Do for callers that outlive a killed server.
func Try(method, url, key string, body []byte) (int, []byte, error) {
	req, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", Browser) // a program's own would make its events those of a bot
	req.Header.Set("Accept-Language", "en")
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// Eventually calls ok until it returns "", and fails with its last answer when patience ends.
func Eventually(t testing.TB, what string, ok func() string) {
	t.Helper()
	last := ""
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if last = ok(); last == "" {
			return
		}
	}
	t.Fatalf("%s: %s", what, last)
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
