package stream

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
)

var rewrite = flag.Bool("rewrite", false, "write what the operator does into the cases")

// TestSessionCases runs testdata/sessions/*.txt. A case is a line "# what it shows", batches of events with what each
// changes, and the sessions that are left.
//
//	event:   TIME TYPE id=N [page=] [user=] [source=] [band=] [key=] [engaged=MS] [revenue=N] [currency=] [auto]
//	change:  - START            a session is withdrawn
//	         + SESSION          a session is new or other than before
//	left:    = SESSION
//
// TIME is DAY.HH:MM:SS.mmm of January 2026.
func TestSessionCases(t *testing.T) {
	files, err := filepath.Glob("testdata/sessions/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got := runCases(t, string(text))
		if *rewrite {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if got != string(text) {
			t.Errorf("%s: got\n%s", file, firstDifference(got, string(text)))
		}
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			return fmt.Sprintf("line %d: %s\nwant:   %s", i+1, g[i], strings.Join(w[i:min(i+1, len(w))], ""))
		}
	}
	return "too few lines"
}

// runCases runs the events of a file and returns it with the outcomes as they are.
func runCases(t *testing.T, text string) string {
	var out strings.Builder
	var batch []event.Event
	m, s := &memory{}, (*Sessions)(nil)
	apply := func() {
		if len(batch) == 0 {
			return
		}
		changes, err := m.step(s, batch)
		if err != nil {
			t.Error(err)
		}
		writeChanges(&out, changes)
		batch = nil
	}
	finish := func() {
		apply()
		writeLeft(t, &out, m)
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "#"):
			if s != nil {
				finish()
				out.WriteString("\n")
			}
			m, s = &memory{sessions: map[event.SessionRef]event.Session{}}, NewSessions(0, NothingStored)
			fmt.Fprintln(&out, line)
		case line == "" || strings.ContainsAny(line[:1], "-+="):
			apply() // the changes stand where they happened; they are written anew
		default:
			fmt.Fprintln(&out, line)
			batch = append(batch, parseCase(t, line))
		}
	}
	finish()
	return out.String()
}

func parseCase(t *testing.T, line string) event.Event {
	words := strings.Fields(line)
	at, err := time.Parse("2006-01.02.15:04:05.000", "2026-01."+words[0])
	kind, ok := event.ParseType(words[1])
	if err != nil || !ok {
		t.Fatalf("case line %q: %v", line, err)
	}
	e := event.Event{Timestamp: at.UnixMilli(), Type: kind, WebsiteID: "site", SessionID: "k", Interactive: true, UserID: "u"}
	for _, word := range words[2:] {
		name, value, _ := strings.Cut(word, "=")
		n, _ := strconv.ParseInt(value, 10, 64)
		set, ok := map[string]func(){
			"id": func() { e.ID[0] = byte(n) }, "page": func() { e.Page = value }, "user": func() { e.UserID = value }, "source": func() { e.Source = value },
			"band": func() { e.BotBand = uint8(n) }, "key": func() { e.SessionID = value }, "engaged": func() { e.TimeOnPage = n },
			"revenue": func() { e.Revenue = n }, "currency": func() { e.Currency = value }, "auto": func() { e.Interactive = false },
		}[name]
		if !ok {
			t.Fatalf("case line %q: unknown %q", line, name)
		}
		set()
	}
	for _, c := range e.UserID {
		e.SampleKey = e.SampleKey<<8 | uint64(c)
	}
	return e
}

func writeChanges(out *strings.Builder, changes Changes) {
	for _, ref := range changes.Withdrawals {
		fmt.Fprintln(out, "-", caseTime(ref.Start), keyText(ref.SessionKey))
	}
	for _, s := range changes.Upserts {
		fmt.Fprintln(out, "+", sessionText(s))
	}
	if len(changes.Withdrawals)+len(changes.Upserts) == 0 {
		fmt.Fprintln(out, "- nothing")
	}
}

func writeLeft(t *testing.T, out *strings.Builder, m *memory) {
	compareSessions(t, 0, len(m.events), m.sessions, recomputeSessions(m.events))
	var lines []string
	for _, s := range m.sessions {
		lines = append(lines, sessionText(s))
	}
	slices.SortFunc(lines, cmp.Compare)
	for _, line := range lines {
		fmt.Fprintln(out, "=", line)
	}
}

func caseTime(ms int64) string { return time.UnixMilli(ms).UTC().Format("02.15:04:05.000") }

func keyText(key event.SessionKey) string { return fmt.Sprintf("%s/%d", key.SessionID, key.Band) }

func sessionText(s event.Session) string {
	text := fmt.Sprintf("%s..%s %s chain=%s pageviews=%d events=%d duration=%d bounce=%v engaged=%d entry=%s exit=%s user=%s source=%s",
		caseTime(s.Start), caseTime(s.End), keyText(s.SessionKey), caseTime(s.ChainStart), s.Pageviews, s.Events, s.Duration(), s.Bounce(), s.EngagedMs,
		s.EntryPage, s.ExitPage, s.UserID, s.Source)
	if s.RevenueEvents > 0 {
		text += fmt.Sprintf(" revenue=%d*%d%s", s.RevenueEvents, s.Revenue, s.Currency)
	}
	if s.Visitors != nil {
		text += fmt.Sprintf(" visitors=%d", len(s.Visitors))
	}
	return text
}
