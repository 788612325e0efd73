package conformance

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// step is one directive of a case with the lines below it. line is where it stands, counted from 0.
type step struct {
	line   int
	verb   string
	rest   string   // what follows the verb; for a query with its continuation lines
	events []string // of import and send
	want   []string // of query, ledger and realtime: the lines after "= "
	end    int      // the line behind the step's last
}

type testCase struct {
	name  string
	line  int
	steps []step
}

// file is a testdata file: its lines as they stand, so that a rewrite keeps everything else.
type file struct {
	path  string
	lines []string
	cases []testCase
}

var verbs = map[string]bool{"case": true, "site": true, "import": true, "send": true, "reply": true, "query": true, "meta": true, "error": true, "ledger": true, "rollups": true, "realtime": true}

func parseFile(path string) (*file, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f := &file{path: path, lines: strings.Split(strings.TrimRight(string(text), "\n"), "\n")}
	for i, line := range f.lines {
		if err := f.add(i, line); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, i+1, err)
		}
	}
	return f, nil
}

func (f *file) add(i int, line string) error {
	if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
		return nil
	}
	verb, rest, _ := strings.Cut(line, " ")
	if verb == "case" {
		f.cases = append(f.cases, testCase{name: rest, line: i})
		return nil
	}
	if len(f.cases) == 0 {
		return fmt.Errorf("%q stands before the first case", line)
	}
	c := &f.cases[len(f.cases)-1]
	if verbs[verb] {
		c.steps = append(c.steps, step{line: i, verb: verb, rest: rest, end: i + 1})
		return nil
	}
	if len(c.steps) == 0 {
		return fmt.Errorf("%q belongs to no step", line)
	}
	last := &c.steps[len(c.steps)-1]
	last.end = i + 1
	switch {
	case verb == "=":
		last.want = append(last.want, rest)
	case strings.HasPrefix(line, "  ") && last.verb == "query":
		last.rest += " " + strings.TrimSpace(line)
	case last.verb == "import" || last.verb == "send":
		last.events = append(last.events, line)
	default:
		return fmt.Errorf("%q is no directive", line)
	}
	return nil
}

// eventJSON turns an event line into an event of docs/format/ingest.md.
func eventJSON(line, trackingID string, relativeTo *time.Time) (map[string]any, error) {
	words, err := split(line)
	if err != nil || len(words) < 4 {
		return nil, fmt.Errorf("an event line is TIME TYPE USER PLACE [key=value ...]: %q", line)
	}
	at, err := parseTime(words[0], relativeTo)
	if err != nil {
		return nil, err
	}
	data, context := map[string]any{"timestamp": at}, map[string]any{"user_agent": agents[defaultAgent], "ip": "198.51.100.7", "hostname": "example.com"}
	event := map[string]any{"type": words[1], "tracking_id": trackingID, "data": data, "context": context}
	if words[2] != "-" {
		event["user_id"] = words[2]
	}
	if words[1] == "event" {
		data["name"] = words[3]
	} else {
		data["page"] = words[3]
	}
	if relativeTo == nil {
		event["received_at"] = at
	}
	for _, word := range words[4:] {
		if err := setKey(event, data, context, word); err != nil {
			return nil, fmt.Errorf("%w in %q", err, line)
		}
	}
	return event, nil
}

func setKey(event, data, context map[string]any, word string) error {
	key, value, ok := strings.Cut(word, "=")
	if !ok {
		return fmt.Errorf("%q is no key=value", word)
	}
	if name, ok := strings.CutPrefix(key, "prop."); ok {
		props, _ := data["properties"].(map[string]any)
		if props == nil {
			props = map[string]any{}
			data["properties"] = props
		}
		props[name] = value
		return nil
	}
	switch key {
	case "id":
		event["id"] = value
	case "session":
		event["session_id"] = value
	case "received":
		at, err := parseTime(value, nil)
		if err != nil {
			return err
		}
		event["received_at"] = at
	case "page", "title", "currency", "category", "label":
		data[key] = value
	case "ref":
		data["referrer"] = value
	case "revenue":
		data[key] = value
	case "value", "time_on_page", "scroll_depth":
		number, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return err
		}
		data[key] = number
	case "interactive":
		data[key] = value == "true"
	case "ua":
		if alias, ok := agents[value]; ok {
			value = alias
		}
		context["user_agent"] = value
	case "url", "ip", "screen", "hostname":
		context[key] = value
	case "lang":
		context["language"] = value
	case "webdriver":
		context[key] = value == "true"
	default:
		return fmt.Errorf("unknown key %q", key)
	}
	return nil
}

// parseTime reads 2026-03-02T10:00:00.000 (UTC), or -5m, -7d+2s when there is a time to count from.
func parseTime(text string, relativeTo *time.Time) (int64, error) {
	if relativeTo == nil {
		at, err := time.Parse("2006-01-02T15:04:05.000", text)
		if err != nil {
			return 0, fmt.Errorf("%q is no time such as 2026-03-02T10:00:00.000", text)
		}
		return at.UnixMilli(), nil
	}
	sum := time.Duration(0)
	for _, part := range strings.FieldsFunc(strings.ReplaceAll(strings.ReplaceAll(text, "-", " -"), "+", " +"), unicode.IsSpace) {
		days, isDays := strings.CutSuffix(part, "d")
		if isDays {
			n, err := strconv.Atoi(days)
			if err != nil {
				return 0, err
			}
			sum += time.Duration(n) * 24 * time.Hour
			continue
		}
		d, err := time.ParseDuration(part)
		if err != nil {
			return 0, err
		}
		sum += d
	}
	return relativeTo.Add(sum).UnixMilli(), nil
}

// split cuts a line at spaces, but not inside double quotes, which it removes.
func split(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	quoted, any := false, false
	for _, r := range line {
		switch {
		case r == '"':
			quoted, any = !quoted, true
		case r == ' ' && !quoted:
			if any {
				words = append(words, word.String())
			}
			word.Reset()
			any = false
		default:
			word.WriteRune(r)
			any = true
		}
	}
	if quoted {
		return nil, fmt.Errorf("a quote is not closed in %q", line)
	}
	if any {
		words = append(words, word.String())
	}
	return words, nil
}

// rowText writes a result row as it stands behind "= ".
func rowText(dimensions, metrics []json.RawMessage, comparison []json.RawMessage) string {
	var words []string
	for _, part := range [][]json.RawMessage{dimensions, metrics, comparison} {
		for _, value := range part {
			words = append(words, canonical(value))
		}
	}
	return strings.Join(words, " ")
}

// canonical writes a JSON value with sorted keys and without spaces between tokens.
func canonical(raw json.RawMessage) string {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return string(raw)
	}
	out, err := json.Marshal(v)
	if err != nil {
		return string(raw)
	}
	return string(out)
}
