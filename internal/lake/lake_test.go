package lake

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	duck "github.com/duckdb/duckdb-go-bindings"
	"github.com/parquet-go/parquet-go"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/object"
	"github.com/footfall-analytics/footfall/internal/object/objecttest"
)

// start is a day's.
var start = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func day(n int) time.Time { return start.AddDate(0, 0, n) }

func someText(r *rand.Rand) string {
	return [...]string{"", "a", "Straße — naïve", "日本語", "\"quoted\", and 'more'", strings.Repeat("long ", 100), "{}[],:\\", "🦶"}[r.IntN(8)]
}

// randomRow fills every field, at a time of the day n.
func randomRow(r *rand.Rand, n int) Row {
	at := day(n).UnixMilli() + r.Int64N(event.DayMillis)
	row := Row{Topic: "events", Partition: int32(r.IntN(3)), Position: r.Int64()}
	e := &row.Event
	for i := range e.ID {
		e.ID[i] = byte(r.Uint32())
	}
	e.WebsiteID = fmt.Sprintf("site-%d", r.IntN(4))
	e.Type = event.Type(1 + r.IntN(6))
	e.Interactive, e.Timestamp, e.ReceivedAt = r.IntN(2) == 0, at, at+r.Int64N(1_000_000)
	e.SampleKey, e.VisitorCoupon = r.Uint64(), r.Uint32()
	for _, to := range []*string{&e.Name, &e.UserID, &e.SessionID, &e.Page, &e.Hostname, &e.Title, &e.Referrer, &e.Source, &e.Medium, &e.Campaign, &e.Term, &e.Content,
		&e.Channel, &e.IPAddress, &e.Country, &e.Region, &e.City, &e.DeviceType, &e.Browser, &e.BrowserVersion, &e.OS, &e.OSVersion, &e.Screen, &e.Language,
		&e.Category, &e.Action, &e.Label, &e.Currency} {
		*to = someText(r)
	}
	e.BotScore = uint8(r.IntN(101))
	e.BotBand = event.Band(e.BotScore)
	for range r.IntN(4) {
		e.BotReasons = append(e.BotReasons, someText(r))
	}
	e.Value = [...]float64{0, -1.5, math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(1)}[r.IntN(5)]
	e.Revenue, e.TimeOnPage = r.Int64()-math.MaxInt64/2, r.Int64()
	e.ScrollDepth = int16(r.IntN(102) - 1)
	for i := range r.IntN(4) {
		e.Properties = append(e.Properties, event.Property{Key: fmt.Sprintf("key %d", i), Value: someText(r)})
	}
	e.Flags = event.Flags(r.Uint32())
	return row
}

func randomRows(r *rand.Rand, n, days int) []Row {
	rows := make([]Row, n)
	for i := range rows {
		rows[i] = randomRow(r, i%days)
	}
	return rows
}

// write puts the rows of a day as one file.
func write(t *testing.T, s Store, day time.Time, name string, rows []Row) {
	t.Helper()
	rows = slices.Clone(rows)
	slices.SortFunc(rows, func(a, b Row) int { return compareRows(&a, &b) })
	f := newFileWriter()
	for i := range rows {
		if err := f.add(&rows[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.put(t.Context(), s, fileKey(day.UnixMilli(), name)); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, s Store, key string) (rows []Row) {
	t.Helper()
	err := ReadFile(t.Context(), s, key, func(i int, row *Row) error {
		if i != len(rows) {
			t.Errorf("row %d is numbered %d", len(rows), i)
		}
		rows = append(rows, *row)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func fileKeys(t *testing.T, s Store) (keys []string) {
	t.Helper()
	from, to := Always()
	files, err := Files(t.Context(), s, from, to)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		keys = append(keys, f.Key)
	}
	return keys
}

// stores are a folder and, where it runs, S3.
func stores(t *testing.T, test func(t *testing.T, s Store)) {
	t.Run("folder", func(t *testing.T) { test(t, object.Folder(t.TempDir())) })
	t.Run("s3", func(t *testing.T) { test(t, objecttest.S3(t, os.Getenv("FOOTFALL_TEST_S3"))) })
}

func TestEveryColumnComesBack(t *testing.T) {
	stores(t, func(t *testing.T, s Store) {
		rows := randomRows(rand.New(rand.NewPCG(1, 2)), 3000, 1)
		write(t, s, day(0), "x", rows)
		slices.SortFunc(rows, func(a, b Row) int { return compareRows(&a, &b) })
		got := read(t, s, "events/2026-03-01/x.parquet")
		if len(got) != len(rows) {
			t.Fatalf("%d rows came back, want %d", len(got), len(rows))
		}
		for i := range rows {
			if !reflect.DeepEqual(got[i], rows[i]) {
				t.Fatalf("row %d: got\n%+v\nwant\n%+v", i, got[i], rows[i])
			}
		}
	})
}

// Every field of event.Event is in the file, but for what is not stored.
func TestNoFieldIsForgotten(t *testing.T) {
	row := randomRow(rand.New(rand.NewPCG(9, 9)), 0)
	v := reflect.ValueOf(&row.Event).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.String {
			f.SetString("set")
		}
	}
	row.BotReasons, row.Properties, row.Interactive = []string{"r"}, []event.Property{{Key: "k", Value: "v"}}, true
	s := object.Folder(t.TempDir())
	write(t, s, day(0), "x", []Row{row})
	got := reflect.ValueOf(read(t, s, "events/2026-03-01/x.parquet")[0].Event)
	for i := range got.NumField() {
		if name := got.Type().Field(i).Name; name != "Session" && got.Field(i).IsZero() && !v.Field(i).IsZero() {
			t.Errorf("field %s did not come back", name)
		}
	}
}

// leaves must stand in the order of the schema.
func TestLeavesAreTheSchemas(t *testing.T) {
	paths := schema.Columns()
	if len(paths) != len(leaves) {
		t.Fatalf("%d columns, %d leaves", len(paths), len(leaves))
	}
	for i, path := range paths {
		if got := strings.Join(path, "."); got != leaves[i].name {
			t.Errorf("column %d is %q, leaf %q", i, got, leaves[i].name)
		}
		if leaf, _ := schema.Lookup(path...); leaf.ColumnIndex != i || leaf.Node.Optional() {
			t.Errorf("column %q: index %d, optional %v", path, leaf.ColumnIndex, leaf.Node.Optional())
		}
	}
}

func TestSchemaIsAsDrawn(t *testing.T) {
	want, err := os.ReadFile("testdata/schema.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got := schema.String(); strings.TrimSpace(got) != strings.TrimSpace(string(want)) {
		t.Errorf("the schema has changed; docs/format/parquet.md and its readers know it:\n%s", got)
	}
}

// The bytes of a file depend on its rows alone, and a file says how it is sorted.
func TestFilesAreTheSame(t *testing.T) {
	s, rows := object.Folder(t.TempDir()), randomRows(rand.New(rand.NewPCG(3, 4)), 2000, 1)
	write(t, s, day(0), "a", rows)
	rand.New(rand.NewPCG(5, 6)).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	write(t, s, day(0), "b", rows)
	a, err := readAll(t.Context(), s, "events/2026-03-01/a.parquet")
	if err != nil {
		t.Fatal(err)
	}
	b, err := readAll(t.Context(), s, "events/2026-03-01/b.parquet")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Error("the same rows make two files")
	}
	file, err := parquet.OpenFile(bytes.NewReader(a), int64(len(a)))
	if err != nil {
		t.Fatal(err)
	}
	if sorting := file.Metadata().RowGroups[0].SortingColumns; len(sorting) != 2 || sorting[0].ColumnIdx != 0 || sorting[1].ColumnIdx != 1 || sorting[0].Descending {
		t.Errorf("sorting columns: %+v", sorting)
	}
	if codec := file.Metadata().RowGroups[0].Columns[0].MetaData.Codec.String(); codec != "ZSTD" {
		t.Errorf("compression is %s", codec)
	}
	if version, _ := file.Lookup(formatKey); version != "1" {
		t.Errorf("format %q", version)
	}
}

// DuckDB reads what was written, by its own code.
func TestAnotherReader(t *testing.T) {
	dir := t.TempDir()
	s, rows := object.Folder(dir), randomRows(rand.New(rand.NewPCG(7, 8)), 1000, 1)
	write(t, s, day(0), "x", rows)
	slices.SortFunc(rows, func(a, b Row) int { return compareRows(&a, &b) })
	// Each text by name; numbers as text, to be compared as the printed ones.
	var names []string
	for _, l := range leaves {
		name, _, _ := strings.Cut(l.name, ".")
		switch name {
		case "timestamp", "received_at":
			name = "epoch_ms(" + name + ")::varchar"
		case "bot_reasons", "properties":
			continue
		case "interactive":
			name = "interactive::int::varchar"
		default:
			name += "::varchar"
		}
		names = append(names, name)
	}
	sql := "select " + strings.Join(names, ", ") + ", array_to_string(bot_reasons, '|'), array_to_string(map_keys(properties), '|'), array_to_string(map_values(properties), '|')" +
		" from read_parquet('" + filepath.Join(dir, "events/2026-03-01/x.parquet") + "')"
	out := filepath.Join(dir, "out.csv")
	runDuckDB(t, "copy ("+sql+") to '"+out+"' (format csv, header false, force_quote *)")
	file, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	got, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(rows) {
		t.Fatalf("%d rows, want %d", len(got), len(rows))
	}
	for i := range rows {
		if want := printed(&rows[i]); !slices.Equal(got[i], want) {
			t.Fatalf("row %d: got\n%q\nwant\n%q", i, got[i], want)
		}
	}
}

// runDuckDB runs a statement in an engine of its own: the store's may not reach files.
func runDuckDB(t *testing.T, sql string) {
	t.Helper()
	var db duck.Database
	var conn duck.Connection
	if duck.Open(":memory:", &db) == duck.StateError || duck.Connect(db, &conn) == duck.StateError {
		t.Fatal("cannot start DuckDB")
	}
	defer duck.Close(&db)
	defer duck.Disconnect(&conn)
	var result duck.Result
	defer duck.DestroyResult(&result)
	if duck.Query(conn, sql, &result) == duck.StateError {
		t.Fatal(duck.ResultError(&result))
	}
}

// printed is a row as the statement of TestAnotherReader prints it.
func printed(r *Row) (out []string) {
	for i := range leaves {
		if leaves[i].write == nil {
			continue
		}
		v := leaves[i].write(r)
		switch leaves[i].name {
		case "sample_key":
			out = append(out, fmt.Sprint(v.Uint64()))
		case "visitor_coupon", "flags":
			out = append(out, fmt.Sprint(v.Uint32()))
		case "interactive":
			out = append(out, fmt.Sprint(map[bool]int{true: 1}[v.Boolean()]))
		case "value":
			out = append(out, map[float64]string{0: "0.0", -1.5: "-1.5", math.MaxFloat64: "1.7976931348623157e+308", math.SmallestNonzeroFloat64: "5e-324", math.Inf(1): "inf"}[r.Value])
		default:
			out = append(out, v.String())
		}
	}
	var keys, values []string
	for _, p := range r.Properties {
		keys, values = append(keys, p.Key), append(values, p.Value)
	}
	return append(out, strings.Join(r.BotReasons, "|"), strings.Join(keys, "|"), strings.Join(values, "|"))
}

func TestFilesOfDays(t *testing.T) {
	s := object.Folder(t.TempDir())
	for n := range 40 {
		write(t, s, day(n), "x", []Row{randomRow(rand.New(rand.NewPCG(1, uint64(n))), n)})
	}
	if err := s.Put(t.Context(), "events/README", strings.NewReader("x"), 1); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), "druid/date=2026-03-02/x.json.gz", strings.NewReader("x"), 1); err != nil {
		t.Fatal(err)
	}
	f := func(from, to time.Time, want ...string) {
		t.Helper()
		files, err := Files(t.Context(), s, from, to)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range files {
			got = append(got, f.Key[len(folder):len(folder)+10])
		}
		if !slices.Equal(got, want) {
			t.Errorf("from %v to %v: got %v, want %v", from, to, got, want)
		}
	}
	f(day(0), day(0))
	f(day(0), day(1), "2026-03-01")
	f(day(0).Add(time.Hour), day(0).Add(2*time.Hour), "2026-03-01")
	f(day(29), day(32), "2026-03-30", "2026-03-31", "2026-04-01")
	f(day(100), day(101))
	f(day(1), day(0))
	if got := len(fileKeys(t, s)); got != 40 {
		t.Errorf("%d files", got)
	}
}

func TestForeignFilesAreRefused(t *testing.T) {
	s := object.Folder(t.TempDir())
	for name, body := range map[string]string{"text": "no Parquet at all", "empty": ""} {
		key := fileKey(start.UnixMilli(), name)
		if err := s.Put(t.Context(), key, strings.NewReader(body), int64(len(body))); err != nil {
			t.Fatal(err)
		}
		if err := ReadFile(t.Context(), s, key, func(int, *Row) error { return nil }); err == nil {
			t.Errorf("%s is read", name)
		}
	}
	var body bytes.Buffer
	if err := parquet.Write(&body, []siteColumn{{"a"}}); err != nil {
		t.Fatal(err)
	}
	key := fileKey(start.UnixMilli(), "other")
	if err := s.Put(t.Context(), key, &body, int64(body.Len())); err != nil {
		t.Fatal(err)
	}
	if err := ReadFile(t.Context(), s, key, func(int, *Row) error { return nil }); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("a file without columns: %v", err)
	}
}

// entriesOf are the rows as records of a topic, with other kinds between.
func entriesOf(rows []Row, partition int32) (entries []eventlog.Entry) {
	for i := range rows {
		entries = append(entries, eventlog.Entry{Partition: partition, Offset: int64(2*i) << 12, Value: rows[i].AppendRecord(nil)},
			eventlog.Entry{Partition: partition, Offset: int64(2*i+1) << 12, Value: event.Tick{At: rows[i].ReceivedAt}.AppendRecord(nil)})
	}
	return entries
}

func TestArchiveSplitsAndRepeats(t *testing.T) {
	stores(t, func(t *testing.T, s Store) {
		rows := randomRows(rand.New(rand.NewPCG(11, 12)), 500, 3)
		entries := append(entriesOf(rows, 2), eventlog.Entry{Partition: 2, Offset: 9999 << 12, Value: []byte{byte(event.KindEvent), 0xff}})
		a := NewArchive(ArchiveOptions{Store: s})
		insert := a.Insert(eventlog.Events)
		for range 2 { // the second time changes nothing
			if err := insert(t.Context(), "events-2-0-99", entries); err != nil {
				t.Fatal(err)
			}
		}
		if want := []string{"events/2026-03-01/events-2-0-99.parquet", "events/2026-03-02/events-2-0-99.parquet", "events/2026-03-03/events-2-0-99.parquet"}; !slices.Equal(fileKeys(t, s), want) {
			t.Errorf("files %q, want %q", fileKeys(t, s), want)
		}
		if got := a.Undecodable.Load(); got != 2 {
			t.Errorf("%d undecodable records, want 1 each time", got)
		}
		want := map[event.UUID]Row{}
		for i := range rows {
			row := rows[i]
			row.Topic, row.Partition, row.Position = "events", 2, int64(2*i)<<12
			want[row.ID] = row
		}
		seen := 0
		for _, key := range fileKeys(t, s) {
			got := read(t, s, key)
			if !slices.IsSortedFunc(got, func(a, b Row) int { return compareRows(&a, &b) }) {
				t.Errorf("%s is not sorted", key)
			}
			for _, row := range got {
				seen++
				if !reflect.DeepEqual(row, want[row.ID]) {
					t.Fatalf("got\n%+v\nwant\n%+v", row, want[row.ID])
				}
			}
		}
		if seen != len(rows) {
			t.Errorf("%d rows, want %d", seen, len(rows))
		}
		if err := insert(t.Context(), "events-2-99-100", entriesOf(nil, 2)); err != nil {
			t.Error(err)
		}
	})
}

// naive counts with everything in memory.
func naive(rows []Row, from, to time.Time) map[SiteDay]int64 {
	seen := slices.Clone(rows)
	slices.SortFunc(seen, func(a, b Row) int { return compareRank(a.rank(), b.rank()) })
	type key struct {
		site string
		id   event.UUID
	}
	kept, counts := map[key]int64{}, map[SiteDay]int64{}
	for i := range seen {
		row := &seen[i]
		at, k := dayOf(row.Timestamp), key{row.WebsiteID, row.ID}
		if at < from.UnixMilli()-event.DayMillis || at >= to.UnixMilli()+event.DayMillis {
			continue // not looked at
		}
		if last, ok := kept[k]; ok && row.ReceivedAt-last <= event.LateLimitMillis {
			continue
		}
		kept[k] = row.ReceivedAt
		if from.UnixMilli() <= at && at < to.UnixMilli() {
			counts[SiteDay{row.WebsiteID, at}]++
		}
	}
	return counts
}

func TestCountsDropRepeatedIDs(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	s, rows := object.Folder(t.TempDir()), randomRows(r, 600, 6)
	for range 400 { // again: on the same day, on another, received earlier or later, of another site
		row := rows[r.IntN(len(rows))]
		row.Position = r.Int64()
		row.Timestamp += int64(r.IntN(5)-2) * event.DayMillis
		row.ReceivedAt += r.Int64N(1000) - 500 + int64(r.IntN(3))*(event.LateLimitMillis-200)
		if r.IntN(10) == 0 {
			row.WebsiteID = "another"
		}
		rows = append(rows, row)
	}
	for n := -2; n < 9; n++ {
		var files [3][]Row
		for _, row := range rows {
			if dayOf(row.Timestamp) == day(n).UnixMilli() {
				k := r.IntN(3)
				files[k] = append(files[k], row)
			}
		}
		for k, rows := range files {
			if len(rows) > 0 {
				write(t, s, day(n), fmt.Sprint("f", k), rows)
			}
		}
	}
	for _, days := range [][2]int{{-2, 9}, {0, 1}, {2, 4}, {20, 30}} {
		got, err := Counts(t.Context(), s, day(days[0]), day(days[1]))
		if err != nil {
			t.Fatal(err)
		}
		if want := naive(rows, day(days[0]), day(days[1])); !reflect.DeepEqual(got, want) {
			t.Errorf("days %v: got %v, want %v", days, got, want)
		}
	}
}

// Scan keeps of an id what the event store keeps: the first, and one that is received more than the late limit after it.
func TestScanKeepsTheWindow(t *testing.T) {
	s := object.Folder(t.TempDir())
	base := randomRow(rand.New(rand.NewPCG(15, 16)), 0)
	again := func(position, receivedAfter int64) Row {
		row := base
		row.Position, row.ReceivedAt = position, base.ReceivedAt+receivedAfter
		return row
	}
	write(t, s, day(0), "a", []Row{again(1, 0), again(2, event.LateLimitMillis), again(4, 2*event.LateLimitMillis)})
	write(t, s, day(0), "b", []Row{again(3, event.LateLimitMillis+1), again(5, 2*event.LateLimitMillis+2)})
	var got []int64
	from, to := Always()
	if err := Scan(t.Context(), s, from, to, func(row *Row) error {
		got = append(got, row.Position)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if want := []int64{1, 3, 5}; !slices.Equal(got, want) {
		t.Errorf("positions %v, want %v", got, want)
	}
}

// Ids are dealt to as many passes as memory asks for.
func TestRepeatsInPasses(t *testing.T) {
	s, r := object.Folder(t.TempDir()), rand.New(rand.NewPCG(17, 18))
	rows := randomRows(r, 3000, 1)
	write(t, s, day(0), "a", rows)
	write(t, s, day(0), "b", rows[:1000])
	files, err := Files(t.Context(), s, day(0), day(1))
	if err != nil {
		t.Fatal(err)
	}
	for _, most := range []int{passRows, 700, 100} {
		found, err := findRepeatsIn(t.Context(), s, files, most)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for file := range files {
			for index := range 3000 {
				if found.has(file, index) {
					n++
				}
			}
		}
		if n != 1000 {
			t.Errorf("at most %d ids at once: %d repeats, want 1000", most, n)
		}
	}
}

func TestRewrite(t *testing.T) {
	stores(t, func(t *testing.T, s Store) {
		rows := randomRows(rand.New(rand.NewPCG(19, 20)), 900, 3)
		byDay := func(n int) (of []Row) {
			for _, row := range rows {
				if dayOf(row.Timestamp) == day(n).UnixMilli() {
					of = append(of, row)
				}
			}
			return of
		}
		var lone []Row
		for n := range 3 {
			write(t, s, day(n), "a", byDay(n))
			for _, row := range byDay(n) {
				if row.WebsiteID == "site-1" && len(lone) <= n {
					lone = append(lone, row)
					write(t, s, day(n), "lone", []Row{row})
				}
			}
		}
		untouched, err := readAll(t.Context(), s, "events/2026-03-03/a.parquet")
		if err != nil {
			t.Fatal(err)
		}
		gone := func(row *Row) bool { return row.WebsiteID == "site-1" }
		got, err := Rewrite(t.Context(), s, day(0), day(2), gone)
		if err != nil {
			t.Fatal(err)
		}
		want := Rewritten{Files: 4, Deleted: 2, Rows: map[SiteDay]int64{}}
		for n := range 2 {
			for _, row := range byDay(n) {
				if gone(&row) {
					want.Rows[SiteDay{"site-1", day(n).UnixMilli()}]++
				}
			}
			want.Rows[SiteDay{"site-1", day(n).UnixMilli()}]++ // the lone one
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
		for n := range 2 {
			left := read(t, s, fileKey(day(n).UnixMilli(), "a"))
			rest := slices.DeleteFunc(byDay(n), func(r Row) bool { return gone(&r) })
			slices.SortFunc(rest, func(a, b Row) int { return compareRows(&a, &b) })
			if !reflect.DeepEqual(left, rest) {
				t.Errorf("day %d: %d rows are left, want %d", n, len(left), len(rest))
			}
		}
		if body, err := readAll(t.Context(), s, "events/2026-03-03/a.parquet"); err != nil || !bytes.Equal(body, untouched) {
			t.Errorf("a day outside was touched: %v", err)
		}
		again, err := Rewrite(t.Context(), s, day(0), day(2), gone)
		if err != nil || again.Files != 0 || len(again.Rows) != 0 {
			t.Errorf("a second time: %+v, %v", again, err)
		}
	})
}

// failing is a store whose puts fail.
type failing struct{ Store }

var errAway = errors.New("away")

func (failing) Put(context.Context, string, io.Reader, int64) error { return errAway }

func TestRewriteThatFailsChangesNothing(t *testing.T) {
	s := object.Folder(t.TempDir())
	rows := randomRows(rand.New(rand.NewPCG(21, 22)), 100, 1)
	write(t, s, day(0), "a", rows)
	if _, err := Rewrite(t.Context(), failing{s}, day(0), day(1), func(r *Row) bool { return r.WebsiteID == "site-1" }); !errors.Is(err, errAway) {
		t.Fatalf("got %v", err)
	}
	if got := read(t, s, fileKeys(t, s)[0]); len(got) != len(rows) {
		t.Errorf("%d rows are left of %d", len(got), len(rows))
	}
}
