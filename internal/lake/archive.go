package lake

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
)

// ArchiveOptions of an Archive. Store is needed.
type ArchiveOptions struct {
	Store  Store
	Logger *slog.Logger
}

// Archive puts ranges of topics into the lake. It is safe for concurrent use.
type Archive struct {
	options ArchiveOptions
	// Events, Files and Undecodable count what the ranges put, each range once, and the records that could not be decoded and are not in the lake.
	Events, Files, Undecodable atomic.Int64
}

// NewArchive returns an archive.
func NewArchive(o ArchiveOptions) *Archive {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return &Archive{options: o}
}

// Insert returns what puts ranges of a topic: load.Insert. The token names the files: the same range replaces its own.
func (a *Archive) Insert(topic eventlog.Topic) func(ctx context.Context, token string, entries []eventlog.Entry) error {
	return func(ctx context.Context, token string, entries []eventlog.Entry) error {
		refs, undecodable := a.sort(entries)
		events, files := len(refs), 0
		for len(refs) > 0 {
			n := 1
			for n < len(refs) && dayOf(refs[n].timestamp) == dayOf(refs[0].timestamp) {
				n++
			}
			if err := a.put(ctx, topic, token, entries, refs[:n]); err != nil {
				return err
			}
			refs, files = refs[n:], files+1
		}
		a.Events.Add(int64(events))
		a.Files.Add(int64(files))
		a.Undecodable.Add(int64(undecodable))
		return nil
	}
}

// ref is an entry that holds an event, with what orders it. The events themselves stay encoded: a range is some 100,000 of them.
type ref struct {
	at                 int // in entries, which stand in the order of the log
	site               string
	timestamp, receipt int64
	id                 event.UUID
}

// compareRefs is the order of days, and in each of them that of compareRows.
func compareRefs(a, b ref) int {
	return cmp.Or(cmp.Compare(dayOf(a.timestamp), dayOf(b.timestamp)), strings.Compare(a.site, b.site), cmp.Compare(a.timestamp, b.timestamp),
		bytes.Compare(a.id[:], b.id[:]), cmp.Compare(a.receipt, b.receipt), cmp.Compare(a.at, b.at))
}

func (a *Archive) sort(entries []eventlog.Entry) (refs []ref, undecodable int) {
	refs = make([]ref, 0, len(entries))
	sites := map[string]string{}
	for i := range entries {
		if event.RecordKind(entries[i].Value) != event.KindEvent {
			continue
		}
		var e event.Event
		if err := e.DecodeEvent(entries[i].Value); err != nil {
			undecodable++
			a.options.Logger.Error("a record of a topic cannot be decoded, and is not archived", "partition", entries[i].Partition, "position", entries[i].Offset, "error", err)
			continue
		}
		site, known := sites[e.WebsiteID]
		if !known {
			site = strings.Clone(e.WebsiteID) // the texts of an event share one buffer
			sites[site] = site
		}
		refs = append(refs, ref{at: i, site: site, timestamp: e.Timestamp, receipt: e.ReceivedAt, id: e.ID})
	}
	slices.SortFunc(refs, compareRefs)
	return refs, undecodable
}

// put makes the file of one day.
func (a *Archive) put(ctx context.Context, topic eventlog.Topic, name string, entries []eventlog.Entry, refs []ref) error {
	file := newFileWriter()
	for i := range refs {
		entry := &entries[refs[i].at]
		row := Row{Topic: string(topic), Partition: entry.Partition, Position: entry.Offset}
		if err := row.DecodeEvent(entry.Value); err != nil {
			return fmt.Errorf("BUG: an event cannot be decoded a second time: %w", err)
		}
		if err := file.add(&row); err != nil {
			return err
		}
	}
	return file.put(ctx, a.options.Store, fileKey(dayOf(refs[0].timestamp), name))
}
