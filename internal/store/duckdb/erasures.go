package duckdb

import (
	"context"
	"fmt"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store"
)

// Erasures returns the erasures of a site with their proofs, the latest first.
func (s *Store) Erasures(ctx context.Context, websiteID string) (reports []store.ErasureReport, err error) {
	err = s.Read(ctx, func(r *Reader) error {
		err := eachRow(ctx, r, erasedSQL, []any{websiteID}, func(c *Chunk, i int) {
			reports = append(reports, store.ErasureReport{Erased: readErased(c, i), AppliedAt: c.Int64s(8)[i]})
		})
		for i := range reports {
			if err == nil {
				reports[i].Proofs, err = readProofs(ctx, r, reports[i].ID)
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the erasures of site %q: %w", websiteID, err)
	}
	return reports, nil
}

func readProofs(ctx context.Context, r *Reader, id string) (proofs []store.Proof, err error) {
	sql := "select part, found, removed, remaining, verified_at from erasure_proofs where erasure_id = ? order by part"
	err = eachRow(ctx, r, sql, []any{id}, func(c *Chunk, i int) {
		proofs = append(proofs, store.Proof{Part: c.Text(0, i), Found: c.Int64s(1)[i], Removed: c.Int64s(2)[i], Left: c.Int64s(3)[i], VerifiedAt: c.Int64s(4)[i]})
	})
	return proofs, err
}

// KeepErased takes over an erasure that another store has applied: nothing of it is here.
func (s *Store) KeepErased(ctx context.Context, e *event.Erased) error {
	s.write.Lock()
	defer s.write.Unlock()
	keys, digests := subjects(e)
	now := s.opts.Clock().UnixMilli()
	err := s.writer.exec(ctx, "insert or ignore into erasures values (?, ?, ?, ?, ?, ?, ?, ?, ?)", e.ID, e.WebsiteID, string(e.Scope), e.AskedAt, e.AskedBy, e.Before, keys, digests, now)
	for _, part := range []string{partEvents, partSessions} {
		if err == nil {
			err = s.writer.exec(ctx, "insert into erasure_proofs values (?, ?, 0, 0, 0, 0)", e.ID, part)
		}
	}
	if err != nil {
		return fmt.Errorf("cannot keep erasure %q: %w", e.ID, err)
	}
	return nil
}

// PutProof writes down what became of an erasure in a part that somebody else sees to.
func (s *Store) PutProof(ctx context.Context, id string, p store.Proof) error {
	s.write.Lock()
	defer s.write.Unlock()
	sql := "update erasure_proofs set found = ?, removed = ?, remaining = ?, verified_at = ? where erasure_id = ? and part = ?"
	if err := s.writer.exec(ctx, sql, p.Found, p.Removed, p.Left, p.VerifiedAt, id, p.Part); err != nil {
		return fmt.Errorf("cannot write down the proof of erasure %q: %w", id, err)
	}
	return nil
}

// VerifyErasures looks, on a snapshot of its own, for what unverified erasures should have removed, and writes down what it has found.
func (s *Store) VerifyErasures(ctx context.Context) error {
	var open []event.Erased
	sql := "select * from (" + erasedSQL + ") where id in (select erasure_id from erasure_proofs where verified_at = 0 and part in ('events', 'sessions'))"
	err := s.Select(ctx, sql, []any{""}, func(c *Chunk) error {
		for i := range c.Rows() {
			open = append(open, readErased(c, i))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot read the erasures that are not verified: %w", err)
	}
	for i := range open {
		if err := s.verify(ctx, &open[i]); err != nil {
			return fmt.Errorf("cannot verify erasure %q: %w", open[i].ID, err)
		}
	}
	return nil
}

// sessionsLeftSQL counts sessions of the visitors, or of the site, that no stored event of theirs bears out. %s: the visitors
const sessionsLeftSQL = `select count(*)
from (select * from sessions where website_id = $1 and %s) as left_over
where not exists (
    select 1
    from events
    where events.website_id = left_over.website_id
        and events.session_id = left_over.session_id
        and events.bot_band = left_over.bot_band
        and events.timestamp between left_over.chain_start and left_over.session_end
        and events.sample_key = left_over.sample_key
)`

func (s *Store) verify(ctx context.Context, e *event.Erased) error {
	args, ofVisitor := []any{e.WebsiteID}, "true"
	if e.Scope != event.EraseSite {
		keys, digests := subjects(e)
		args, ofVisitor = append(args, keys, digests), visitorIn("$2", "$3")
	}
	left := map[string]int64{}
	err := s.Read(ctx, func(r *Reader) error {
		count := func(part, sql string, args []any) error {
			return eachRow(ctx, r, sql, args, func(c *Chunk, i int) { left[part] = c.Int64s(0)[i] })
		}
		if err := count(partEvents, "select count(*) from events where "+covered(e.Scope), coveredArgs(e)); err != nil {
			return err
		}
		return count(partSessions, fmt.Sprintf(sessionsLeftSQL, ofVisitor), args)
	})
	if err != nil {
		return err
	}
	s.write.Lock()
	defer s.write.Unlock()
	for part, n := range left {
		at := s.opts.Clock().UnixMilli()
		if n > 0 {
			at = 0
		}
		if err := s.writer.exec(ctx, "update erasure_proofs set remaining = ?, verified_at = ? where erasure_id = ? and part = ?", n, at, e.ID, part); err != nil {
			return err
		}
	}
	return nil
}
