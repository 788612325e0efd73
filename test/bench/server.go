package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// server is a process under measurement.
type server struct {
	cmd      *exec.Cmd
	url, dir string
	tracking string
	website  string
	key      string
	ready    time.Duration
}

func startBare() (*server, error) {
	addr := freeAddr()
	return launch(&server{cmd: exec.Command(self(), "-bare", addr), url: "http://" + addr}, "/")
}

// startFootfall runs the binary on dir (a new one when ""), with a site and a key.
func startFootfall(dir string, environ ...string) (*server, error) {
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "footfall-bench"); err != nil {
			return nil, err
		}
	}
	addr := freeAddr()
	s := &server{cmd: exec.Command(*binary, "serve", "--data", dir, "--listen", addr), url: "http://" + addr, dir: dir}
	s.cmd.Env = append(append(os.Environ(), "FOOTFALL_OPS_LISTEN=off"), environ...)
	if _, err := launch(s, "/readyz"); err != nil {
		return nil, err
	}
	return s, s.addSite()
}

func launch(s *server, path string) (*server, error) {
	begin := time.Now()
	s.cmd.Stderr = os.Stderr
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	for time.Since(begin) < 60*time.Second {
		if resp, err := http.Get(s.url + path); err == nil {
			resp.Body.Close()
			if resp.StatusCode < 400 {
				s.ready = time.Since(begin)
				return s, nil
			}
		}
		time.Sleep(time.Millisecond)
	}
	return nil, fmt.Errorf("%s was not ready", s.cmd.Path)
}

func (s *server) addSite() error {
	out, err := exec.Command(*binary, "site", "add", "bench.example", "--json", "--data", s.dir).Output()
	if err != nil && s.website == "" { // the site may be there from an earlier run
		return s.addKey()
	}
	var site struct {
		WebsiteID  string `json:"website_id"`
		TrackingID string `json:"tracking_id"`
	}
	if err := json.Unmarshal(out, &site); err != nil {
		return err
	}
	s.website, s.tracking = site.WebsiteID, site.TrackingID
	return s.addKey()
}

func (s *server) addKey() error {
	out, err := exec.Command(*binary, "key", "add", "--site", "bench.example", "--json", "--data", s.dir).Output()
	if err != nil {
		return fmt.Errorf("key add: %w", err)
	}
	var key struct{ Key string }
	s.tracking = "bench.example"
	s.website = "bench.example"
	err = json.Unmarshal(out, &key)
	s.key = key.Key
	return err
}

func (s *server) stop() {
	_ = s.cmd.Process.Signal(os.Interrupt)
	_ = s.cmd.Wait()
}

// cpu returns user + system time so far.
func (s *server) cpu() time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+2:]))
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// memory returns the resident set in MiB, without the pages of the binary's own file where the kernel tells them apart.
func (s *server) memory() (rss, anon float64) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kib, _ := strconv.ParseFloat(fields[1], 64)
		switch fields[0] {
		case "VmRSS:":
			rss = kib / 1024
		case "RssAnon:":
			anon = kib / 1024
		}
	}
	return rss, anon
}

func freeAddr() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	return l.Addr().String()
}
