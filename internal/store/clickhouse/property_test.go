package clickhouse

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
)

// Random histories, whose later batches are late events and withdraw sessions: after each of them random questions get
// the same answers from both engines, short and long, whether DuckDB reads events or rollups.
func TestAnswersEqualDuckDB(t *testing.T) {
	all := questions()
	for seed := range uint64(3) {
		p := newPair(t)
		h := newHistory(100+seed, historyStart.Add(-13*24*time.Hour), 20*24*time.Hour)
		site := &event.Site{WebsiteID: "s", Threshold: uint8(1 + seed%3), Timezone: []string{"Europe/Berlin", "Australia/Lord_Howe", "America/New_York"}[seed%3]}
		for range 3 {
			p.insert(t, h.batch(120))
			p.compareAnswers(t, site, h, all, 12)
			if err := p.duck.BuildRollups(context.Background(), site, historyNow.UnixMilli()); err != nil {
				t.Fatal(err)
			}
			p.compareAnswers(t, site, h, all, 12)
		}
	}
}

func (p *pair) compareAnswers(t *testing.T, site *event.Site, h *history, bodies []string, n int) {
	t.Helper()
	p.click.stale()
	click, duck := engineOf(t, p.click.Source()), engineOf(t, p.duck.Source())
	for range n {
		body := pick(h.r, bodies...)
		got, err := click.Query(context.Background(), site, []byte(body))
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		want, err := duck.Query(context.Background(), site, []byte(body))
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if g, w := asJSON(t, got.Results), asJSON(t, want.Results); g != w {
			t.Errorf("%s\nClickHouse (%s): %s\nDuckDB (%s): %s", body, got.Meta.Source, g, want.Meta.Source, w)
		}
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// source is what both engines are to the query engine.
type source interface {
	query.Source
	query.Catalog
}

func engineOf(t *testing.T, s source) *query.Engine {
	t.Helper()
	engine, err := query.New(query.Options{Source: s, Catalog: s, Clock: func() time.Time { return historyNow }})
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

// Texts of any kind reach the engine as they are.
func TestHostileTexts(t *testing.T) {
	s := openTest(t)
	texts := []string{"", "'", `"`, "`", `\`, `\\`, `\'`, "' or 1 = 1 --", "{p1:String}", "?", "$1", "@p1", "%", "_", `\N`, "NULL", "a\\nb", "größe ☃ 💥", "\u2028", "İΣ", ";", "/* */", "--", "#"}
	var events []event.Event
	for i, text := range texts {
		events = append(events, event.Event{ID: event.UUID{byte(i + 1)}, WebsiteID: "s", Type: event.Pageview, Timestamp: historyStart.UnixMilli(), ReceivedAt: historyStart.UnixMilli(),
			UserID: "u", SessionID: "u", Page: text, ScrollDepth: event.NoScroll, Properties: []event.Property{{Key: text + "k", Value: text}}})
	}
	if err := s.InsertEvents(context.Background(), "it's \\ a token", events, Provenance{}); err != nil {
		t.Fatal(err)
	}
	f := func(text string, want int64, column query.Column, op string) {
		t.Helper()
		part := query.Part{View: query.ViewEvents, WebsiteID: "s", Threshold: 4, Ranges: []query.Range{{From: 0, To: latest}}, Measures: []query.Measure{query.EventCount},
			Where: &query.Predicate{Op: op, Column: &column, Values: []string{text}}}
		if got := rowsOf(t, s.Source(), part); len(got) != 1 || got[0] != fmt.Sprintf("events %d ", want) {
			t.Errorf("%s %q: %v", op, text, got)
		}
	}
	for _, text := range texts {
		f(text, 1, query.Column{Table: query.EventsTable, Name: "page"}, "in")
		if text != "" {
			f(text, 1, query.Column{Table: query.EventsTable, Name: text + "k", Property: true}, "in")
		}
	}
	f("ö", 1, query.Column{Table: query.EventsTable, Name: "page"}, "contains")
	f("x' or '1'='1", 0, query.Column{Table: query.EventsTable, Name: "page"}, "in")
}
