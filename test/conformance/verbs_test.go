package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// delivery is how a block of events is sent.
type delivery struct {
	path     string
	relative *time.Time // of send: what times count from
	key      string
	header   http.Header
	sentAt   string // the client's clock, as -1h
	whole    bool   // in one request, however many; the reply may be a refusal
}

func (r *runner) deliveryOf(s step) (d delivery, together bool) {
	d = delivery{path: "/v1/import", key: r.key, header: http.Header{}}
	if s.verb == "send" {
		now := time.Now()
		d.path, d.relative = "/v1/events", &now
	}
	for _, word := range strings.Fields(s.rest) {
		switch key, value, _ := strings.Cut(word, "="); key {
		case "together":
			together = true
		case "gpc":
			d.header.Set("Sec-GPC", "1")
		case "dnt":
			d.header.Set("DNT", "1")
		case "keyless":
			d.key = ""
		case "agent":
			d.header.Set("User-Agent", agents[value])
		case "whole":
			d.whole = true
		case "sent_at":
			d.sentAt = value
		default:
			r.fatalf(s, "unknown word %q", word)
		}
	}
	return d, together
}

func (r *runner) send(s step) {
	d, together := r.deliveryOf(s)
	var all []any
	for _, text := range s.events {
		lines, err := expand(text)
		if err != nil {
			r.fatalf(s, "%v", err)
		}
		for _, line := range lines {
			event, err := eventJSON(line, r.site.TrackingID, r.site.Domain, d.relative)
			if err != nil {
				r.fatalf(s, "%v", err)
			}
			all = append(all, event)
		}
	}
	limit := 500
	if d.whole {
		limit = len(all)
	}
	for batch := range slices.Chunk(all, limit) {
		if r.post(s, d, batch) {
			r.expected += int64(len(batch))
		}
	}
	if !together {
		r.settle(s)
	}
}

// post sends one request. It returns false where it was refused as a whole, which the case must expect.
func (r *runner) post(s step, d delivery, events []any) bool {
	var body any = events
	if d.sentAt != "" {
		at, err := parseTime(d.sentAt, d.relative)
		if err != nil {
			r.fatalf(s, "%v", err)
		}
		body = map[string]any{"events": events, "sent_at": at}
	}
	raw, err := json.Marshal(body)
	if err != nil {
		r.fatalf(s, "%v", err)
	}
	req, err := http.NewRequest("POST", r.d.url+d.path, bytes.NewReader(raw))
	if err != nil {
		r.fatalf(s, "%v", err)
	}
	req.Header = d.header.Clone()
	req.Header.Set("Content-Type", "application/json")
	if d.key != "" {
		req.Header.Set("Authorization", "Bearer "+d.key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.fatalf(s, "%v", err)
	}
	defer resp.Body.Close()
	if r.reply, err = io.ReadAll(resp.Body); err != nil {
		r.fatalf(s, "%v", err)
	}
	if resp.StatusCode != 200 && !d.whole {
		r.fatalf(s, "status %d: %s", resp.StatusCode, r.reply)
	}
	r.status, r.answer = resp.StatusCode, r.reply
	return resp.StatusCode == 200
}

// meta compares keys of the last answer's meta (echo: of its query) with words, or one key with the line behind it.
func (r *runner) meta(s step) {
	var reply struct{ Meta, Query map[string]json.RawMessage }
	r.decode(s, r.answer, &reply)
	from := map[string]map[string]json.RawMessage{"meta": reply.Meta, "echo": reply.Query}[s.verb]
	if !strings.Contains(s.rest, "=") {
		r.rows(s, []string{canonical(from[s.rest])})
		return
	}
	for _, word := range strings.Fields(s.rest) {
		key, want, _ := strings.Cut(word, "=")
		got := strings.Trim(canonical(from[key]), `"`)
		if got == "" {
			got = "absent"
		}
		if key == "source" && !hasRollups() {
			want = "events"
		}
		r.same(s, s.verb+" "+key, want, got)
	}
}

// change compares the changes in percent of the last answer, a row each.
func (r *runner) change(s step) {
	var reply struct {
		Results []struct {
			Comparison struct{ Change []json.RawMessage }
		}
	}
	r.decode(s, r.answer, &reply)
	rows := []string{}
	for _, row := range reply.Results {
		rows = append(rows, rowText(row.Comparison.Change, nil, nil))
	}
	r.rows(s, rows)
}

// report compares the rows of a report: the dimensions, then the metrics, in the order of the reply.
func (r *runner) report(s step) {
	var reply struct {
		Dimensions, Metrics []string
		Rows                []map[string]json.RawMessage
		TotalRows           int `json:"total_rows"`
	}
	r.status, r.answer = r.d.patiently(r.t, func() (int, []byte) { return r.get("/api/v1/sites/" + r.site.WebsiteID + "/report?" + s.rest) })
	if r.status != 200 {
		return // an error line must follow
	}
	r.decode(s, r.answer, &reply)
	rows := []string{}
	for _, row := range reply.Rows {
		var values []json.RawMessage
		for _, name := range slices.Concat(reply.Dimensions, reply.Metrics) {
			values = append(values, row[name])
		}
		rows = append(rows, rowText(values, nil, nil))
	}
	r.rows(s, append(rows, fmt.Sprint(reply.TotalRows)))
}

func (r *runner) get(path string) (int, []byte) {
	req, err := http.NewRequest("GET", r.d.url+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+r.key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, answer
}
