// Package e2e uses the built binary as its users do.
package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/test/harness"
)

// commands runs the commands on one data directory, with or without a server behind it.
type commands struct {
	t   *testing.T
	dir string
}

func (c commands) try(stdin string, args ...string) (stdout, stderr string, code int) {
	c.t.Helper()
	return harness.Command(c.t, harness.Binary(c.t), stdin, append(args, "--data", c.dir)...)
}

func (c commands) json(into any, stdin string, args ...string) {
	c.t.Helper()
	out, errOut, code := c.try(stdin, args...)
	if code != 0 {
		c.t.Fatalf("footfall %s: status %d: %s%s", strings.Join(args, " "), code, out, errOut)
	}
	dec := json.NewDecoder(strings.NewReader(out))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		c.t.Fatalf("footfall %s: %v in %q", strings.Join(args, " "), err, out)
	}
	if dec.More() {
		c.t.Errorf("footfall %s: standard output has more than JSON: %q", strings.Join(args, " "), out)
	}
}

func TestCommandsWithoutAServer(t *testing.T) {
	testCommands(t, commands{t, t.TempDir()})
}

func TestCommandsWhileAServerRuns(t *testing.T) {
	testCommands(t, commands{t, harness.Start(t).Dir})
}

func testCommands(t *testing.T, c commands) {
	var site struct {
		WebsiteID  string `json:"website_id"`
		TrackingID string `json:"tracking_id"`
	}
	c.json(&site, "", "site", "add", "Example.com", "--timezone", "Europe/Berlin", "--json")
	if site.WebsiteID == "" || site.TrackingID == "" || site.WebsiteID == site.TrackingID {
		t.Errorf("site: %+v", site)
	}
	var key struct {
		Key string `json:"key"`
	}
	c.json(&key, "", "key", "add", "--site", "example.com", "--json")
	if !strings.HasPrefix(key.Key, "ff_") {
		t.Errorf("key: %q", key.Key)
	}
	if out, errOut, code := c.try("correct horse battery\n", "user", "add", "a@example.com"); code != 0 || !strings.Contains(out, "a@example.com") {
		t.Errorf("user add: %d %s%s", code, out, errOut)
	}
	query := fmt.Sprintf(`{"site_id":%q,"metrics":["visitors"],"date_range":"7d"}`, site.WebsiteID)
	file := filepath.Join(t.TempDir(), "query.json")
	if err := os.WriteFile(file, []byte(query), 0o600); err != nil {
		t.Fatal(err)
	}
	var answers [2]struct {
		Results []struct {
			Metrics    []float64 `json:"metrics"`
			Dimensions []string  `json:"dimensions"`
		} `json:"results"`
		Meta  json.RawMessage `json:"meta"`
		Query json.RawMessage `json:"query"`
	}
	c.json(&answers[0], query, "query", "-")
	c.json(&answers[1], "", "query", file)
	for _, a := range answers {
		if len(a.Results) != 1 || a.Results[0].Metrics[0] != 0 {
			t.Errorf("query: %+v", a)
		}
	}
	var audit struct {
		Clean bool `json:"clean"`
	}
	out, _, code := c.try("", "audit", "--json")
	if err := json.Unmarshal([]byte(out), &audit); err != nil || !audit.Clean || code != 0 {
		t.Errorf("audit: %d %q %v", code, out, err)
	}
}

func TestRefusedCommandsSayWhy(t *testing.T) {
	c := commands{t, harness.Start(t).Dir}
	c.try("", "site", "add", "example.com")
	f := func(want string, code int, stdin string, args ...string) {
		t.Helper()
		out, errOut, got := c.try(stdin, args...)
		if got != code || !strings.Contains(errOut, want) || out != "" {
			t.Errorf("footfall %s: status %d, stdout %q, stderr %q; want %d and %q", strings.Join(args, " "), got, out, errOut, code, want)
		}
	}
	f("exists", 1, "", "site", "add", "example.com", "--json")
	f("timezone", 1, "", "site", "add", "other.com", "--timezone", "Mars/Base", "--json")
	f("domain", 1, "", "site", "add", "not a domain", "--json")
	f("unknown.com", 1, "", "key", "add", "--site", "unknown.com", "--json")
	f("scope", 1, "", "key", "add", "--site", "example.com", "--scope", "everything", "--json")
	f("password", 1, "short\n", "user", "add", "a@example.com")
	f("metrics", 1, `{"site_id":"example.com","metrics":["colour"],"date_range":"7d"}`, "query", "-")
	f("JSON", 1, `{`, "query", "-")
	f("no such file", 1, "", "query", "/nowhere.json")
	f("example.com", 1, `{"site_id":"nowhere.example.com","metrics":["visitors"],"date_range":"7d"}`, "query", "-")
}

func TestUsage(t *testing.T) {
	bin := harness.Binary(t)
	if _, errOut, code := harness.Command(t, bin, "", "dance"); code != 2 || !strings.Contains(errOut, "dance") {
		t.Errorf("unknown command: %d %s", code, errOut)
	}
	if out, _, code := harness.Command(t, bin, "", "--help"); code != 0 || !strings.Contains(out, "serve") {
		t.Errorf("help: %d %s", code, out)
	}
	if out, _, code := harness.Command(t, bin, "", "version"); code != 0 || strings.TrimSpace(out) == "" {
		t.Errorf("version: %d %q", code, out)
	}
	if _, errOut, code := harness.Command(t, bin, "", "serve", "--data", t.TempDir(), "--listen", "nonsense"); code != 1 || !strings.Contains(errOut, "listen") {
		t.Errorf("bad address: %d %s", code, errOut)
	}
}

// TestAnEventIsInTheNextAnswer sends an event and asks within a second, again and again: the cache must not hide it.
func TestAnEventIsInTheNextAnswer(t *testing.T) {
	server := harness.Start(t)
	site := server.AddSite("fresh.example", "UTC")
	query := []byte(fmt.Sprintf(`{"site_id":%q,"metrics":["pageviews"],"date_range":"24h"}`, site.WebsiteID))
	for n := 1; n <= 5; n++ {
		event := fmt.Sprintf(`[{"type":"pageview","tracking_id":%q,"data":{"page":"/%d"}}]`, site.TrackingID, n)
		if status, answer := harness.Do(t, "POST", server.URL+"/v1/events", "", []byte(event)); status != http.StatusOK {
			t.Fatalf("%d %s", status, answer)
		}
		acknowledged := time.Now()
		time.Sleep(time.Second - time.Since(acknowledged))
		_, answer := harness.Do(t, "POST", server.URL+"/api/v2/query", site.Key, query)
		if want := fmt.Sprintf(`"metrics":[%d]`, n); !strings.Contains(string(answer), want) {
			t.Errorf("a second after event %d: %s", n, answer)
		}
	}
}

// TestStopAndStartKeepsEverything ends the server politely and starts it again.
func TestStopAndStartKeepsEverything(t *testing.T) {
	server := harness.Start(t)
	site := server.AddSite("stop.example", "UTC")
	event := fmt.Sprintf(`[{"type":"pageview","tracking_id":%q,"data":{"page":"/a"}}]`, site.TrackingID)
	harness.Do(t, "POST", server.URL+"/v1/events", "", []byte(event))
	if err := server.Stop(); err != nil {
		t.Errorf("the server did not end well: %v\n%s", err, server.Output())
	}
	server.Restart()
	query := []byte(`{"site_id":"stop.example","metrics":["pageviews","visitors"],"date_range":"24h"}`)
	harness.Eventually(t, "the event is there", func() string {
		_, answer := harness.Do(t, "POST", server.URL+"/api/v2/query", site.Key, query)
		if !strings.Contains(string(answer), `"metrics":[1,1]`) {
			return string(answer)
		}
		return ""
	})
}
