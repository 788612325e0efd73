package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// panel is one query of the overview.
type panel struct {
	name       string
	metrics    []string
	dimensions []string
}

var panels = []panel{
	{"top", []string{"visitors", "visits", "pageviews", "views_per_visit", "bounce_rate", "visit_duration", "events"}, nil},
	{"graph", []string{"visitors"}, []string{"time:day"}},
	{"pages", []string{"visitors", "pageviews"}, []string{"event:page"}},
	{"entry pages", []string{"visitors", "visits"}, []string{"visit:entry_page"}},
	{"exit pages", []string{"visitors", "visits"}, []string{"visit:exit_page"}},
	{"sources", []string{"visitors"}, []string{"visit:source"}},
	{"channels", []string{"visitors"}, []string{"visit:channel"}},
	{"countries", []string{"visitors"}, []string{"visit:country"}},
	{"devices", []string{"visitors"}, []string{"visit:device"}},
	{"browsers", []string{"visitors"}, []string{"visit:browser"}},
	{"os", []string{"visitors"}, []string{"visit:os"}},
	{"events", []string{"visitors", "events"}, []string{"event:name"}},
}

// answer is what is printed of a reply.
type answer struct {
	Meta struct {
		Source string  `json:"source"`
		Cached bool    `json:"cached"`
		TookMs float64 `json:"took_ms"`
	} `json:"meta"`
	Results []json.RawMessage `json:"results"`
}

// benchQueries fills a store with -events events of 30 days, or takes that in -data, and asks what the overview asks.
func benchQueries() error {
	dir := *data
	if dir == "" {
		var err error
		if dir, err = fillStore(); err != nil {
			return err
		}
	}
	s, err := startFootfall(dir)
	if err != nil {
		return err
	}
	defer s.stop()
	fmt.Printf("%s: restart to ready %v\n", dir, s.ready.Round(time.Millisecond))
	printSize(s.dir, int64(*events))
	for round := range 3 {
		if err := s.overview("30d", 10+round); err != nil {
			return err
		}
	}
	if err := s.overview("30d", 12); err != nil {
		return err
	}
	for round := range 2 {
		if err := s.overview("7d", 10+round); err != nil {
			return err
		}
	}
	rss, anon := s.memory()
	fmt.Printf("memory %.0f MiB resident, %.0f MiB of it its own\n", rss, anon)
	return nil
}

// fillStore imports -events events and waits for their rollups.
func fillStore() (dir string, err error) {
	ops := freeAddr()
	s, err := startFootfall("", "FOOTFALL_OPS_LISTEN="+ops)
	if err != nil {
		return "", err
	}
	defer s.stop()
	begin := time.Now()
	if err := history(s, *events); err != nil {
		return "", err
	}
	perEvent := func() float64 { return float64(s.cpu().Microseconds()) / float64(*events) }
	acked, ackedCPU := time.Since(begin), perEvent()
	if err := drained(ops); err != nil {
		return "", err
	}
	stored, storedCPU := time.Since(begin), perEvent()
	if err := s.awaitRollups(); err != nil {
		return "", err
	}
	fmt.Printf("%d events of 30 days: all acknowledged after %v and %.1f us CPU an event, stored after %v and %.1f, rolled up after %v and %.1f\n",
		*events, acked.Round(time.Second), ackedCPU, stored.Round(time.Second), storedCPU, time.Since(begin).Round(time.Second), perEvent())
	return s.dir, nil
}

// overview asks every panel once; another limit makes another cache key.
func (s *server) overview(dateRange string, limit int) error {
	cpu, text := s.cpu(), ""
	slowest, source, cached := time.Duration(0), "", 0
	for _, p := range panels {
		begin := time.Now()
		a, err := s.ask(p, dateRange, limit)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		took := time.Since(begin)
		slowest, source = max(slowest, took), a.Meta.Source
		if a.Meta.Cached {
			cached++
		}
		text += fmt.Sprintf(" %s %.1f", p.name, float64(took.Microseconds())/1000)
	}
	fmt.Printf("%s from %s (%d of %d cached): CPU %v together, slowest panel %v; ms:%s\n", dateRange, source, cached, len(panels), s.cpu()-cpu, slowest.Round(100*time.Microsecond), text)
	return nil
}

func (s *server) ask(p panel, dateRange any, limit int) (*answer, error) {
	var a answer
	return &a, s.put(p, dateRange, limit, "/api/v2/query", &a)
}

// put puts a panel's question to a path and reads the reply.
func (s *server) put(p panel, dateRange any, limit int, path string, into any) error {
	query := map[string]any{"site_id": s.website, "date_range": dateRange, "metrics": p.metrics, "pagination": map[string]int{"limit": limit}}
	if p.dimensions != nil {
		query["dimensions"] = p.dimensions
	}
	body, err := json.Marshal(query)
	if err != nil {
		return err
	}
	req, err := http.NewRequest("POST", s.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d: %s %v", resp.StatusCode, raw, err)
	}
	return json.Unmarshal(raw, into)
}

// awaitRollups waits until the 30 days are answered from rollups alone. It asks for the plan: answers from millions of events would cost
// more than what is measured.
func (s *server) awaitRollups() error {
	for deadline := time.Now().Add(10 * time.Minute); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		var plan struct{ Source string }
		if err := s.put(panels[0], "30d", 100, "/api/v2/explain", &plan); err != nil {
			return err
		} else if plan.Source == "rollups" {
			return nil
		}
	}
	return fmt.Errorf("the rollups were not built")
}
