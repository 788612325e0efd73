package clickhouse

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store"
)

// The parts of the store that a proof names.
const (
	partEvents   = "events"
	partSessions = "sessions"
	partFailed   = "failed_events"
	partViews    = "views"
)

var _ store.Eraser = (*Writer)(nil)

// Erase implements store.Eraser for a cluster, where most of what is to go has come, or is yet to come, another way: the erasure is
// written down, failed payloads go, and the position moves. The rest is Store.Forget's.
func (w *Writer) Erase(ctx context.Context, e *event.Erasure, next int64, _ store.Rebuild) (store.Erasing, error) {
	if e.Valid() {
		if err := w.store.noteErasure(ctx, e); err != nil {
			return store.Erasing{}, fmt.Errorf("cannot note erasure %q: %w", e.ID, err)
		}
	}
	return store.Erasing{}, w.Commit(ctx, &store.Batch{Next: next})
}

// noteErasure may be repeated. What is found is written down before it goes: a kill between must not make a proof of nothing.
func (s *Store) noteErasure(ctx context.Context, e *event.Erasure) error {
	if known, err := s.knows(ctx, e.ID); err != nil || known {
		return err
	}
	found, err := s.findFailed(ctx, e)
	if err != nil {
		return err
	}
	noted, err := s.proofs(ctx, e.WebsiteID, e.ID)
	if err != nil {
		return err
	}
	for _, p := range noted[e.ID] {
		if p.Part == partFailed {
			found = max(found, p.Found)
		}
	}
	proof := store.Proof{Part: partFailed, Found: found}
	if err := s.PutProof(ctx, e.ID, proof); err != nil {
		return err
	}
	if found > 0 {
		if err := s.eraseFailed(ctx, e); err != nil {
			return err
		}
	}
	proof.Removed, proof.VerifiedAt = found, s.opts.Clock().UnixMilli()
	if err := s.PutProof(ctx, e.ID, proof); err != nil {
		return err
	}
	kept := e.Erased()
	return s.putNew(ctx, &kept)
}

func (s *Store) putNew(ctx context.Context, e *event.Erased) error {
	for _, part := range s.opts.ProvenElsewhere {
		if err := s.PutProof(ctx, e.ID, store.Proof{Part: part}); err != nil {
			return err
		}
	}
	return s.putErasure(ctx, e, 0)
}

// KeepErased takes over an erasure that another store has applied. What was copied from there before goes by Forget.
func (s *Store) KeepErased(ctx context.Context, e *event.Erased) error {
	known, err := s.knows(ctx, e.ID)
	if err == nil && !known {
		err = s.putNew(ctx, e)
	}
	if err != nil {
		return fmt.Errorf("cannot keep erasure %q: %w", e.ID, err)
	}
	return nil
}

func (s *Store) knows(ctx context.Context, id string) (bool, error) {
	var n uint64
	err := s.writer.QueryRow(ctx, "select count() from erasures where id = {p1:String}", named([]any{id})...).Scan(&n)
	return n > 0, err
}

func (s *Store) putErasure(ctx context.Context, e *event.Erased, appliedAt int64) error {
	keys, digests := subjects(e)
	batch, err := s.writer.PrepareBatch(ctx, "insert into erasures (id, website_id, scope, asked_at, asked_by, before, keys, digests, applied_at)")
	if err != nil {
		return err
	}
	if err := batch.Append(e.ID, e.WebsiteID, string(e.Scope), e.AskedAt, e.AskedBy, e.Before, keys, digests, appliedAt); err != nil {
		_ = batch.Abort()
		return err
	}
	return batch.Send()
}

func subjects(e *event.Erased) (keys []uint64, digests []string) {
	keys, digests = []uint64{}, []string{}
	for _, s := range e.Subjects {
		keys, digests = append(keys, s.SampleKey), append(digests, s.Text())
	}
	return keys, digests
}

// PutProof writes down what became of an erasure in a part of the stores.
func (s *Store) PutProof(ctx context.Context, id string, p store.Proof) error {
	batch, err := s.writer.PrepareBatch(ctx, "insert into erasure_proofs (erasure_id, part, found, removed, remaining, verified_at, at)")
	if err != nil {
		return err
	}
	if err := batch.Append(id, p.Part, p.Found, p.Removed, p.Left, p.VerifiedAt, s.opts.Clock().UnixMilli()); err != nil {
		_ = batch.Abort()
		return err
	}
	return batch.Send()
}

// failedWith is the condition on payloads: $3 are the ids, as they are and as JSON writes them; none for a site.
const failedWith = `website_id = {p1:String} and received_at < fromUnixTimestamp64Milli({p2:Int64}, 'UTC')
	and (empty({p3:Array(String)}) or arrayExists(id -> position(payload, id) > 0, {p3:Array(String)}))`

func failedArgs(e *event.Erasure) []any {
	ids := []string{}
	for _, id := range e.Visitors {
		written, _ := json.Marshal(id) // a string always has a JSON form
		ids = append(ids, id, string(written[1:len(written)-1]))
	}
	return named([]any{e.WebsiteID, clampTime(e.Before), ids})
}

// findFailed counts the payloads that hold an id of the visitors, or all of the site.
func (s *Store) findFailed(ctx context.Context, e *event.Erasure) (found int64, err error) {
	err = s.writer.QueryRow(ctx, "select toInt64(count()) from failed_events where "+failedWith, failedArgs(e)...).Scan(&found)
	return found, err
}

// eraseFailed deletes them.
func (s *Store) eraseFailed(ctx context.Context, e *event.Erasure) error {
	return s.mutate(ctx, "alter table failed_events delete where "+failedWith, failedArgs(e))
}

// mutate runs a mutation and waits until all of it is done.
func (s *Store) mutate(ctx context.Context, sql string, args []any) error {
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"mutations_sync": 2}))
	return because(ctx, s.writer.Exec(ctx, sql, args...))
}

const erasedSQL = `select id, website_id, scope, asked_at, asked_by, before, keys, digests, applied_at
from erasures final
where {p1:String} = '' or website_id = {p1:String}
order by asked_at desc, id`

// Erased implements store.Eraser.
func (w *Writer) Erased(ctx context.Context, yield func(event.Erased)) error {
	return w.store.eachErasure(ctx, "", func(r store.ErasureReport) { yield(r.Erased) })
}

func (s *Store) eachErasure(ctx context.Context, websiteID string, yield func(store.ErasureReport)) error {
	err := eachOn(ctx, s.writer, erasedSQL, []any{websiteID}, func(scan scanner) error {
		var r store.ErasureReport
		var scope string
		var keys []uint64
		var digests []string
		err := scan(&r.ID, &r.WebsiteID, &scope, &r.AskedAt, &r.AskedBy, &r.Before, &keys, &digests, &r.AppliedAt)
		r.Scope = event.ErasureScope(scope)
		for i, key := range keys {
			r.Subjects = append(r.Subjects, event.ParseSubject(key, digests[i]))
		}
		yield(r)
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot read the erasures: %w", err)
	}
	return nil
}

const proofsSQL = `select erasure_id, part, found, removed, remaining, verified_at
from erasure_proofs final
where {p1:String} = '' and {p2:String} = '' or erasure_id = {p2:String} or erasure_id in (select id from erasures where website_id = {p1:String})
order by erasure_id, part`

// Erasures returns the erasures of a site with their proofs, the latest first.
func (s *Store) Erasures(ctx context.Context, websiteID string) (reports []store.ErasureReport, err error) {
	if err = s.eachErasure(ctx, websiteID, func(r store.ErasureReport) { reports = append(reports, r) }); err != nil {
		return nil, err
	}
	proofs, err := s.proofs(ctx, websiteID, "")
	for i := range reports {
		reports[i].Proofs = proofs[reports[i].ID]
	}
	return reports, err
}

// proofs returns those of a site's erasures and of the one of that id, which may not be noted yet; of all where both are empty.
func (s *Store) proofs(ctx context.Context, websiteID, id string) (map[string][]store.Proof, error) {
	proofs := map[string][]store.Proof{}
	err := eachOn(ctx, s.writer, proofsSQL, []any{websiteID, id}, func(scan scanner) error {
		var id string
		var p store.Proof
		err := scan(&id, &p.Part, &p.Found, &p.Removed, &p.Left, &p.VerifiedAt)
		proofs[id] = append(proofs[id], p)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the proofs of erasures: %w", err)
	}
	return proofs, nil
}

// ErasedDays returns the days (UTC) of the events that an erasure has taken, in order. They are known for a month.
func (s *Store) ErasedDays(ctx context.Context, id string) (days []time.Time, err error) {
	const sql = "select distinct intDiv(hour, 86400) * 86400 as day from erasure_notes where erasure_id = {p1:String} order by day"
	err = eachOn(ctx, s.writer, sql, []any{id}, func(scan scanner) error {
		var day int64
		err := scan(&day)
		days = append(days, time.Unix(day, 0).UTC())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the days of erasure %q: %w", id, err)
	}
	return days, nil
}
