package lake

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/migrate"
)

// Source is the event store of an embedded installation.
type Source interface {
	// Days returns what each UTC day of each site holds, of one snapshot.
	Days(ctx context.Context) (map[migrate.Day]migrate.Tallies, error)
	// Events calls yield for each event of a UTC day of a site, of one snapshot, by time and id. The event is yield's until it
	// returns; its texts stay.
	Events(ctx context.Context, day migrate.Day, yield func(*event.Event) error) error
}

// ExportOptions of an export. Source and Store are needed.
type ExportOptions struct {
	Source Source
	Store  Store
	// Days from From on that begin before To; the zero values are no bounds.
	From, To time.Time
	Sites    []string // their website_ids; none: all
	// Changed leaves out the days that the archive holds as they are.
	Changed  bool
	FileRows int // the most of a file; 0: 500,000
	// Progress is told after every day of a site that was written.
	Progress func(Exported)
}

// Exported is how far an export is, or what it has done.
type Exported struct {
	Days    int   `json:"days"` // of sites, that are written
	Of      int   `json:"of"`   // days to write
	Events  int64 `json:"events"`
	Files   int   `json:"files"`
	Bytes   int64 `json:"bytes"`
	Removed int   `json:"removed"` // files of an earlier export
	Same    int   `json:"same"`    // days that were left out because nothing has changed
}

// Export writes the days of a store to the lake. A day of a site is put under names of its own state; then the files of an earlier
// state go: a reader meanwhile sees ids twice, never a day that lacks some. After an error it may be called again.
func Export(ctx context.Context, o ExportOptions) (Exported, error) {
	o.FileRows = cmp.Or(o.FileRows, 500_000)
	if o.Progress == nil {
		o.Progress = func(Exported) {}
	}
	x := &exporter{ExportOptions: o}
	held, err := o.Source.Days(ctx)
	if err != nil {
		return x.done, err
	}
	maps.DeleteFunc(held, func(day migrate.Day, t migrate.Tallies) bool { return t.Events.Rows == 0 || !x.wants(day) })
	if err := x.list(ctx, held); err != nil {
		return x.done, err
	}
	days := slices.SortedFunc(maps.Keys(held), func(a, b migrate.Day) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), strings.Compare(a.WebsiteID, b.WebsiteID))
	})
	if o.Changed {
		days = slices.DeleteFunc(days, func(day migrate.Day) bool { return x.complete(day, held[day]) })
	}
	x.done.Of, x.done.Same = len(days), len(held)-len(days)
	for _, day := range days {
		if err := x.day(ctx, day, stateOf(held[day])); err != nil {
			return x.done, fmt.Errorf("cannot export %s of site %q: %w", date(day.Start), day.WebsiteID, err)
		}
	}
	return x.done, nil
}

// exporter is one call of Export.
type exporter struct {
	ExportOptions
	present map[string][]string // names of files by day and site: see exportPrefix
	done    Exported
}

func (x *exporter) wants(day migrate.Day) bool {
	switch {
	case len(x.Sites) > 0 && !slices.Contains(x.Sites, day.WebsiteID):
		return false
	case !x.From.IsZero() && day.Start < x.From.UnixMilli():
		return false
	}
	return x.To.IsZero() || day.Start < x.To.UnixMilli()
}

// stateOf names what a day of a site holds: it changes with every event that comes or goes.
func stateOf(t migrate.Tallies) string {
	var text []byte
	text = strconv.AppendInt(text, t.Events.Rows, 10)
	text = strconv.AppendUint(append(text, ' '), t.Events.Mark, 10)
	return fmt.Sprintf("%016x", xxhash.Sum64(text))
}

// The names of export files: docs/format/parquet.md.
func exportPrefix(websiteID string) string { return "export." + siteName(websiteID) + "." }

func exportName(websiteID, state string, n int) string {
	return fmt.Sprintf("%s%s.%05d", exportPrefix(websiteID), state, n)
}

func exportLast(websiteID, state string, n int) string {
	return exportName(websiteID, state, n) + ".last"
}

// list notes the export files that are there.
func (x *exporter) list(ctx context.Context, held map[migrate.Day]migrate.Tallies) error {
	x.present = map[string][]string{}
	if len(held) == 0 {
		return nil
	}
	first, last := int64(1<<62), int64(-1<<62)
	for day := range held {
		first, last = min(first, day.Start), max(last, day.Start)
	}
	files, err := Files(ctx, x.Store, time.UnixMilli(first), time.UnixMilli(last+1))
	for _, file := range files {
		if parts := strings.SplitN(file.name(), ".", 3); len(parts) == 3 && parts[0] == "export" {
			at := date(file.Day) + parts[1]
			x.present[at] = append(x.present[at], file.name())
		}
	}
	return err
}

func (x *exporter) files(day migrate.Day) []string {
	return x.present[date(day.Start)+siteName(day.WebsiteID)]
}

// complete reports whether the archive holds the day in this state: its last file is put last, and tells how many there are.
func (x *exporter) complete(day migrate.Day, t migrate.Tallies) bool {
	files, state := x.files(day), stateOf(t)
	return len(files) > 0 && slices.Contains(files, exportLast(day.WebsiteID, state, len(files)-1))
}

// day writes one day of a site.
func (x *exporter) day(ctx context.Context, day migrate.Day, state string) error {
	file, n, kept := newFileWriter(), 0, map[string]bool{}
	put := func(name string) error {
		x.done.Events += file.rows
		body, err := file.close()
		if err != nil {
			return err
		}
		kept[name] = true
		x.done.Files++
		x.done.Bytes += int64(len(body))
		file, n = newFileWriter(), n+1
		return putBytes(ctx, x.Store, fileKey(day.Start, name), body)
	}
	position := int64(0)
	err := x.Source.Events(ctx, day, func(e *event.Event) error {
		if file.rows >= int64(x.FileRows) {
			if err := put(exportName(day.WebsiteID, state, n)); err != nil {
				return err
			}
		}
		row := Row{Event: *e, Topic: string(eventlog.RawEvents), Position: position}
		position++
		return file.add(&row)
	})
	if err != nil {
		return err
	}
	if file.rows > 0 {
		if err := put(exportLast(day.WebsiteID, state, n)); err != nil {
			return err
		}
	}
	if err := x.remove(ctx, day, kept); err != nil {
		return err
	}
	x.done.Days++
	x.Progress(x.done)
	return nil
}

// remove deletes the files of the day's earlier states.
func (x *exporter) remove(ctx context.Context, day migrate.Day, kept map[string]bool) error {
	var old []string
	for _, name := range x.files(day) {
		if !kept[name] {
			old = append(old, fileKey(day.Start, name))
		}
	}
	x.done.Removed += len(old)
	if len(old) == 0 {
		return nil
	}
	return x.Store.Delete(ctx, old...)
}
