package conformance

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
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

var verbs = map[string]bool{"case": true, "site": true, "import": true, "send": true, "reply": true, "query": true, "meta": true, "error": true, "ledger": true, "rollups": true, "realtime": true, "report": true, "change": true, "echo": true}

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
func eventJSON(line, trackingID, domain string, relativeTo *time.Time) (map[string]any, error) {
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
	switch {
	case words[3] == "-": // its key says it, or nothing does
	case words[1] == "event":
		data["name"] = words[3]
	default:
		data["page"] = words[3]
	}
	if relativeTo == nil {
		event["received_at"] = at
	}
	for _, word := range words[4:] {
		if strings.HasPrefix(word, "copies=") || strings.HasPrefix(word, "every=") {
			continue // see expand
		}
		if err := setKey(event, data, context, word); err != nil {
			return nil, fmt.Errorf("%w in %q", err, line)
		}
	}
	if event["tracking_id"] == "DOMAIN" {
		event["tracking_id"] = domain
	}
	return event, nil
}

func setKey(event, data, context map[string]any, word string) error {
	key, value, ok := strings.Cut(word, "=")
	if !ok {
		return fmt.Errorf("%q is no key=value", word)
	}
	if name, ok := strings.CutSuffix(key, "~"); ok { // a text of that many bytes
		n, err := strconv.Atoi(value)
		if err != nil {
			return err
		}
		key, value = name, strings.Repeat("a", n)
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
	case "props": // so many properties
		n, err := strconv.Atoi(value)
		if err != nil {
			return err
		}
		all := map[string]any{}
		for i := range n {
			all[fmt.Sprintf("p%d", i)] = "x"
		}
		data["properties"] = all
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
	case "tracking":
		event["tracking_id"] = value
	case "page", "title", "name", "currency", "category", "label", "action":
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

// expand repeats a line with copies=N as often, each event so much later as every= says, and replaces \uNNNN by the character.
func expand(line string) (lines []string, err error) {
	line = regexp.MustCompile(`\\u[0-9a-f]{4}`).ReplaceAllStringFunc(line, func(text string) string {
		code, _ := strconv.ParseInt(text[2:], 16, 32) // the pattern has let digits through only
		return string(rune(code))
	})
	copies, every := 1, time.Duration(0)
	words := strings.Fields(line)
	for _, word := range words {
		if text, ok := strings.CutPrefix(word, "copies="); ok {
			copies, err = strconv.Atoi(text)
		} else if text, ok := strings.CutPrefix(word, "every="); ok {
			every, err = time.ParseDuration(text)
		}
		if err != nil {
			return nil, err
		}
	}
	if copies == 1 || every == 0 {
		return slices.Repeat([]string{line}, copies), nil
	}
	at, err := parseTime(words[0], nil)
	for i := range copies {
		when := time.UnixMilli(at).UTC().Add(time.Duration(i) * every).Format("2006-01-02T15:04:05.000")
		lines = append(lines, when+strings.TrimPrefix(line, words[0]))
	}
	return lines, err
}

// calendarDay matches D-7@23:59:59.999, the day seven days before today (UTC); M is the first of a month, Y of a year.
var calendarDay = regexp.MustCompile(`^([DMY])(-\d+)?@(.*)$`)

func parseCalendar(parts []string, now time.Time) (int64, error) {
	n := 0
	if parts[2] != "" {
		n, _ = strconv.Atoi(parts[2]) // the pattern has let digits through only
	}
	year, month, day := now.UTC().Date()
	switch parts[1] {
	case "D":
		day += n
	case "M":
		month, day = month+time.Month(n), 1
	default:
		year, month, day = year+n, 1, 1
	}
	clock, err := time.Parse("15:04:05.000", parts[3])
	if err != nil {
		return 0, fmt.Errorf("%q is no time of day such as 10:00:00.000", parts[3])
	}
	into := time.Duration(clock.Hour())*time.Hour + time.Duration(clock.Minute())*time.Minute + time.Duration(clock.Second())*time.Second + time.Duration(clock.Nanosecond())
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Add(into).UnixMilli(), nil
}

// parseTime reads 2026-03-02T10:00:00.000 (UTC), D-7@10:00:00.000, or -5m, -7d+2s when there is a time to count from.
func parseTime(text string, relativeTo *time.Time) (int64, error) {
	if parts := calendarDay.FindStringSubmatch(text); parts != nil {
		return parseCalendar(parts, time.Now())
	}
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
