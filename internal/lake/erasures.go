package lake

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/object"
)

// The list of erasures stands beside the events: docs/format/parquet.md, "Erasure".
const (
	erasuresFolder = "erasures/"
	erasureSuffix  = ".json"
)

// erasedFile is the form of an entry of the list.
type erasedFile struct {
	ID        string          `json:"id"`
	WebsiteID string          `json:"website_id"`
	Scope     string          `json:"scope"`
	AskedAt   int64           `json:"asked_at"`
	AskedBy   string          `json:"asked_by"`
	Before    int64           `json:"before"`
	Subjects  []erasedSubject `json:"subjects"`
}

type erasedSubject struct {
	SampleKey uint64 `json:"sample_key,string"`
	Digest    string `json:"digest"`
}

// Erase puts the erasure into the list and takes what it covers out of all files. It may be repeated: when it is done without finding a
// row, and nobody has written old events since, there is none.
func Erase(ctx context.Context, store Store, e *event.Erased) (Rewritten, error) {
	if err := putErasure(ctx, store, e); err != nil {
		return Rewritten{}, fmt.Errorf("cannot note erasure %q in the lake: %w", e.ID, err)
	}
	from, until := Always()
	return Rewrite(ctx, store, from, until, func(row *Row) bool { return e.Covers(&row.Event) })
}

func putErasure(ctx context.Context, store Store, e *event.Erased) error {
	file := erasedFile{ID: e.ID, WebsiteID: e.WebsiteID, Scope: string(e.Scope), AskedAt: e.AskedAt, AskedBy: e.AskedBy, Before: e.Before, Subjects: []erasedSubject{}}
	for _, s := range e.Subjects {
		file.Subjects = append(file.Subjects, erasedSubject{s.SampleKey, s.Text()})
	}
	text, err := json.Marshal(file)
	if err != nil {
		return err
	}
	return store.Put(ctx, erasuresFolder+e.ID+erasureSuffix, bytes.NewReader(text), int64(len(text)))
}

// Erasures returns the list. What it covers is to be left out by whoever reads events: an archiver writes what it is given.
func Erasures(ctx context.Context, store Store) (list []event.Erased, err error) {
	var keys []string
	err = store.List(ctx, erasuresFolder, func(o object.Object) error {
		if strings.HasSuffix(o.Key, erasureSuffix) {
			keys = append(keys, o.Key)
		}
		return nil
	})
	for _, key := range keys {
		if err == nil {
			var e event.Erased
			e, err = readErasure(ctx, store, key)
			list = append(list, e)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the erasures of the lake: %w", err)
	}
	return list, nil
}

func readErasure(ctx context.Context, store Store, key string) (e event.Erased, err error) {
	body, err := store.Get(ctx, key)
	if err != nil {
		return e, err
	}
	defer func() { _ = body.Close() }()
	var file erasedFile
	if err := json.NewDecoder(body).Decode(&file); err != nil {
		return e, fmt.Errorf("%q: %w", key, err)
	}
	e = event.Erased{ID: file.ID, WebsiteID: file.WebsiteID, Scope: event.ErasureScope(file.Scope), AskedAt: file.AskedAt, AskedBy: file.AskedBy, Before: file.Before}
	for _, s := range file.Subjects {
		e.Subjects = append(e.Subjects, event.ParseSubject(s.SampleKey, s.Digest))
	}
	return e, nil
}
