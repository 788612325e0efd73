package conformance

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/test/harness"
)

var (
	urlFlag = flag.String("url", "", "base URL of a running deployment; empty starts bin/footfall")
	keyFlag = flag.String("key", "", "key of scope admin for all sites, with -url")
	binary  = flag.String("binary", "", "another build of footfall than bin/footfall to start")
	rewrite = flag.Bool("rewrite", false, "write the answers into the cases")
	spread  = flag.Duration("spread", 0, "how long a change of settings may take to reach all processes of the deployment")
	without = flag.String("without", "", "comma list of what the deployment does not have: rollups (long ranges are then read from events), order (between events of different sessions: of two copies of an event that differ in their session, either may be the first)")
)

// has reports whether the deployment has something; it has what -without does not name.
func has(what string) bool { return !slices.Contains(strings.Split(*without, ","), what) }

// hasRollups reports whether rollups answer long ranges; answers are the same without.
func hasRollups() bool { return has("rollups") }

// patience bounds every wait on a condition.
const patience = 90 * time.Second

func TestConformance(t *testing.T) {
	d := open(t)
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	t.Run("cases", func(t *testing.T) { // returns when all have
		for _, path := range paths {
			f, err := parseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) { runFile(t, d, f, path) })
		}
	})
	if d.server != nil {
		d.server.Run("audit")
	}
}

func runFile(t *testing.T, d *deployment, f *file, path string) {
	if !*rewrite {
		t.Parallel() // each case has a site of its own
	}
	answers := map[int][]string{}
	for _, c := range f.cases {
		t.Run(c.name, func(t *testing.T) {
			if !*rewrite {
				t.Parallel()
			}
			(&runner{t: t, d: d, path: path, answers: answers}).run(c)
		})
	}
	if *rewrite {
		f.rewrite(t, answers)
	}
}

// deployment is what the cases are put to.
type deployment struct {
	url, key string
	run      string // makes domains unique
	sites    atomic.Int64
	server   *harness.Server // nil with -url
}

func open(t *testing.T) *deployment {
	d := &deployment{url: strings.TrimSuffix(*urlFlag, "/"), key: *keyFlag, run: fmt.Sprint(time.Now().UnixNano())}
	if d.url != "" {
		return d
	}
	build := *binary
	if build == "" {
		build = harness.Binary(t)
	}
	server := harness.StartBinary(t, build, t.TempDir())
	d.server = server
	var key struct{ Key string }
	if err := json.Unmarshal([]byte(server.Run("key", "add", "--site", "*", "--scope", "admin", "--json")), &key); err != nil {
		t.Fatal(err)
	}
	d.url, d.key = server.URL, key.Key
	return d
}

// patiently asks again where the answer is that there is none now: engines that share a small machine may be slow, and answers are
// what is checked. It is said each time. A server of the suite's own has nothing to wait for.
func (d *deployment) patiently(t *testing.T, ask func() (int, []byte)) (status int, answer []byte) {
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Second) {
		status, answer = ask()
		if status != http.StatusServiceUnavailable || d.server != nil || time.Now().After(deadline) {
			return status, answer
		}
		t.Logf("asked again after %d %s", status, answer)
	}
}

// runner runs one case.
type runner struct {
	t       *testing.T
	d       *deployment
	path    string
	answers map[int][]string // line of a step -> what was answered, for -rewrite
	site    struct {
		WebsiteID  string `json:"website_id"`
		TrackingID string `json:"tracking_id"`
		Domain     string `json:"domain"`
	}
	key      string
	expected int64 // events sent so far, for the wait on the ledger
	reply    []byte
	status   int
	answer   []byte
}

func (r *runner) run(c testCase) {
	if len(c.steps) == 0 || c.steps[0].verb != "site" {
		c.steps = append([]step{{line: c.line, verb: "site"}}, c.steps...)
	}
	for i, s := range c.steps {
		r.step(s)
		refused := (s.verb == "query" || s.verb == "report") && r.status != 200
		if refused && (i+1 == len(c.steps) || c.steps[i+1].verb != "error") {
			r.fatalf(s, "%s failed: %d %s", s.verb, r.status, r.answer)
		}
	}
}

func (r *runner) step(s step) {
	r.t.Helper()
	switch s.verb {
	case "site":
		r.setSite(s)
	case "import", "send":
		r.send(s)
	case "reply":
		r.same(s, "reply", canonical(json.RawMessage(s.rest)), canonical(r.reply))
	case "query":
		r.query(s)
	case "meta", "echo":
		r.meta(s)
	case "change":
		r.change(s)
	case "report":
		r.report(s)
	case "error":
		r.failure(s)
	case "ledger":
		from, to, _ := strings.Cut(strings.ReplaceAll(s.rest, "D@", time.Now().UTC().Format(time.DateOnly)), " ")
		l := r.ledger(from, to)
		r.rows(s, []string{fmt.Sprint(l.Received, l.Stored, l.Duplicate, sum(l.Filtered), sum(l.Failed))})
	case "rollups":
		r.awaitRollups(s)
	case "realtime":
		r.realtime(s)
	}
}

func (r *runner) fatalf(s step, format string, args ...any) {
	r.t.Helper()
	r.t.Fatalf("%s:%d: %s", r.path, s.line+1, fmt.Sprintf(format, args...))
}

func (r *runner) same(s step, what, want, got string) {
	r.t.Helper()
	if want != got {
		r.t.Errorf("%s:%d: %s\n got %s\nwant %s", r.path, s.line+1, what, got, want)
	}
}

// rows compares the lines behind "=", or keeps the answer for -rewrite.
func (r *runner) rows(s step, got []string) {
	r.t.Helper()
	if *rewrite {
		r.answers[s.line] = got
		return
	}
	want := make([]string, len(s.want))
	for i, line := range s.want {
		want[i] = canonicalRow(line)
	}
	r.same(s, s.verb+" "+s.rest, strings.Join(want, "\n     "), strings.Join(got, "\n     "))
}

// canonicalRow rewrites a line of JSON values, so that 1.0 and 1 are the same.
func canonicalRow(line string) string {
	dec := json.NewDecoder(strings.NewReader(line))
	var words []string
	for dec.More() {
		var v json.RawMessage
		if err := dec.Decode(&v); err != nil {
			return line
		}
		words = append(words, canonical(v))
	}
	return strings.Join(words, " ")
}

func (r *runner) call(s step, method, path string, body any, key string) []byte {
	r.t.Helper()
	var raw []byte
	if body != nil {
		raw, _ = json.Marshal(body)
	}
	ask := func() (int, []byte) { return harness.Do(r.t, method, r.d.url+path, key, raw) }
	status, answer := 0, []byte(nil)
	if method == "GET" || strings.HasPrefix(path, "/api/v2/") { // what changes nothing
		status, answer = r.d.patiently(r.t, ask)
	} else {
		status, answer = ask()
	}
	if status/100 != 2 {
		r.fatalf(s, "%s %s: status %d: %s", method, path, status, answer)
	}
	return answer
}

func (r *runner) setSite(s step) {
	settings := map[string]any{}
	for _, word := range strings.Fields(s.rest) {
		key, value, _ := strings.Cut(word, "=")
		settings[key] = setting(key, value)
	}
	if r.site.WebsiteID == "" {
		domain := fmt.Sprintf("case-%s-%d.example", r.d.run, r.d.sites.Add(1))
		var made struct{ Site json.RawMessage }
		r.decode(s, r.call(s, "POST", "/api/v1/sites", map[string]any{"domain": domain, "timezone": or(settings["timezone"], "UTC")}, r.d.key), &made)
		r.decode(s, made.Site, &r.site)
		var key struct{ Key string }
		r.decode(s, r.call(s, "POST", "/api/v1/sites/"+r.site.WebsiteID+"/keys", map[string]any{"name": "case", "scopes": []string{"stats", "ingest", "import"}}, r.d.key), &key)
		r.key = key.Key
	}
	if len(settings) > 0 {
		r.call(s, "PUT", "/api/v1/sites/"+r.site.WebsiteID, settings, r.d.key)
	}
	time.Sleep(*spread)
}

// setting is the value of a word of a site line.
func setting(key, value string) any {
	switch key {
	case "threshold":
		return json.Number(value)
	case "hostnames", "query_keys":
		return strings.Split(value, ",")
	case "ignore_signals":
		return value == "true"
	}
	return value
}

func or(v any, fallback string) any {
	if v == nil {
		return fallback
	}
	return v
}

func (r *runner) decode(s step, raw []byte, into any) {
	r.t.Helper()
	if err := json.Unmarshal(raw, into); err != nil {
		r.fatalf(s, "cannot read the reply: %v: %s", err, raw)
	}
}

// settle waits until the ledger says what became of every event sent so far.
func (r *runner) settle(s step) {
	r.t.Helper()
	r.await(s, func() string {
		l := r.ledger("2000-01-01", time.Now().AddDate(0, 0, 2).Format(time.DateOnly))
		if done := l.Stored + l.Duplicate + sum(l.Filtered) + sum(l.Failed); l.Received != r.expected || done != r.expected {
			return fmt.Sprintf("%d sent, ledger %+v", r.expected, l)
		} else if known := r.known(s); known != l.Stored {
			return fmt.Sprintf("%d stored, the status knows of %d", l.Stored, known)
		}
		return ""
	})
	r.awaitFresh(s, time.Now().UnixMilli())
}

// awaitFresh waits until a query says that all which was acknowledged before that time is counted: sessions may follow their
// events.
func (r *runner) awaitFresh(s step, at int64) {
	r.t.Helper()
	r.await(s, func() string {
		status, raw := r.ask(s, `{"metrics":["events"],"date_range":"day"}`)
		var reply struct {
			Meta struct {
				FreshAt int64 `json:"fresh_at"`
			}
		}
		if r.decode(s, raw, &reply); status != 200 || reply.Meta.FreshAt < at {
			return fmt.Sprintf("%d ms behind: %d %s", at-reply.Meta.FreshAt, status, raw)
		}
		return ""
	})
}

// known returns how many events planners know of: they learn of a commit a moment after it.
func (r *runner) known(s step) int64 {
	var status struct{ Events int64 }
	r.decode(s, r.call(s, "GET", "/api/v1/sites/"+r.site.WebsiteID+"/status", nil, r.key), &status)
	return status.Events
}

func (r *runner) await(s step, ok func() string) {
	r.t.Helper()
	last := ""
	pause := 25 * time.Millisecond
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(pause) {
		if last = ok(); last == "" {
			return
		}
		pause = min(pause*5/4, 500*time.Millisecond)
	}
	r.fatalf(s, "not within %v: %s", patience, last)
}

type ledger struct {
	Received, Stored, Duplicate int64
	Filtered, Failed            map[string]int64
}

func sum(m map[string]int64) (n int64) {
	for _, v := range m {
		n += v
	}
	return n
}

func (r *runner) ledger(from, to string) ledger {
	var reply struct{ Ledger ledger }
	body := map[string]any{"site_id": r.site.WebsiteID, "metrics": []string{"events"}, "date_range": []string{from, to}}
	raw := r.call(step{}, "POST", "/api/v2/explain", body, r.key)
	if err := json.Unmarshal(raw, &reply); err != nil {
		r.t.Fatalf("cannot read the ledger: %v: %s", err, raw)
	}
	return reply.Ledger
}

type queryReply struct {
	Results []struct {
		Dimensions, Metrics []json.RawMessage
		Comparison          struct{ Metrics []json.RawMessage }
	}
	Meta map[string]json.RawMessage
}

func (r *runner) ask(s step, text string) (status int, answer []byte) {
	r.t.Helper()
	var body map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		r.fatalf(s, "the query is no JSON: %v", err)
	}
	body["site_id"], _ = json.Marshal(r.site.WebsiteID)
	raw, _ := json.Marshal(body)
	return r.d.patiently(r.t, func() (int, []byte) { return harness.Do(r.t, "POST", r.d.url+"/api/v2/query", r.key, raw) })
}

func (r *runner) query(s step) {
	r.status, r.answer = r.ask(s, s.rest)
	if r.status != 200 {
		return // an error line may follow; rows would not compare
	}
	var reply queryReply
	r.decode(s, r.answer, &reply)
	rows := []string{}
	for _, result := range reply.Results {
		rows = append(rows, rowText(result.Dimensions, result.Metrics, result.Comparison.Metrics))
	}
	r.rows(s, rows)
}

func (r *runner) failure(s step) {
	status, text, _ := strings.Cut(s.rest, " ")
	if fmt.Sprint(r.status) != status || !strings.Contains(string(r.answer), text) {
		r.t.Errorf("%s:%d: got %d %s, want %s", r.path, s.line+1, r.status, r.answer, s.rest)
	}
	r.status = 200
}

// awaitRollups waits until the plan of a query over the days reads rollups alone. It asks for the plan, since an answer may
// be cached from before: it is the same.
func (r *runner) awaitRollups(s step) {
	if !hasRollups() {
		return
	}
	from, to, _ := strings.Cut(s.rest, " ")
	body := map[string]any{"site_id": r.site.WebsiteID, "metrics": []string{"visitors"}, "date_range": []string{from, to}}
	r.await(s, func() string {
		raw := r.call(s, "POST", "/api/v2/explain", body, r.key)
		var reply struct{ Source string }
		if r.decode(s, raw, &reply); reply.Source != "rollups" {
			return "the plan reads " + reply.Source
		}
		return ""
	})
}

func (r *runner) realtime(s step) {
	get := func() string {
		raw := json.RawMessage(r.call(s, "GET", "/api/v1/sites/"+r.site.WebsiteID+"/realtime", nil, r.key))
		for _, key := range strings.Split(s.rest, ".") {
			var object map[string]json.RawMessage
			r.decode(s, raw, &object)
			raw = object[key]
		}
		return canonical(raw)
	}
	if *rewrite {
		r.rows(s, []string{get()})
		return
	}
	r.await(s, func() string { // live figures follow within 2 s
		if got := get(); len(s.want) != 1 || got != canonicalRow(s.want[0]) {
			return fmt.Sprintf("%s is %s, want %v", s.rest, got, s.want)
		}
		return ""
	})
}

// rewrite puts the answers into the file.
func (f *file) rewrite(t *testing.T, answers map[int][]string) {
	skip := map[int]bool{}
	after := map[int][]string{} // printed behind this line
	for _, c := range f.cases {
		for _, s := range c.steps {
			got, ok := answers[s.line]
			if !ok {
				continue
			}
			last := s.line
			for i := s.line + 1; i < s.end; i++ {
				if strings.HasPrefix(f.lines[i], "=") {
					skip[i] = true
				} else if strings.HasPrefix(f.lines[i], "  ") {
					last = i
				}
			}
			after[last] = got
		}
	}
	var out strings.Builder
	for i, line := range f.lines {
		if !skip[i] {
			out.WriteString(line + "\n")
		}
		for _, row := range after[i] {
			out.WriteString("= " + row + "\n")
		}
	}
	if err := os.WriteFile(f.path, []byte(out.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
