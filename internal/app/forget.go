package app

import (
	"context"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/lake"
	"github.com/footfall-analytics/footfall/internal/store"
	"github.com/footfall-analytics/footfall/internal/stream"
)

// partArchive is the part of a proof that is the lake's.
const partArchive = "archive"

// provenElsewhere are the parts of a proof that the event store does not know of.
func provenElsewhere(archived bool) []string {
	if archived {
		return []string{partArchive}
	}
	return nil
}

// prover keeps the proofs of an archive beside those of the store.
type prover interface {
	erasureStore
	PutProof(ctx context.Context, id string, p store.Proof) error
}

// eraseFromArchive takes what applied erasures cover out of the files, and looks again until there is nothing of it. ready says of which
// the archive has all that there was.
func eraseFromArchive(ctx context.Context, files lake.Store, proofs prover, now func() int64, ready func(*store.ErasureReport) bool) error {
	reports, err := proofs.Erasures(ctx, "")
	if err != nil {
		return err
	}
	for i := range reports {
		r := &reports[i]
		for _, p := range r.Proofs {
			if p.Part != partArchive || p.VerifiedAt > 0 || r.AppliedAt == 0 || !ready(r) {
				continue
			}
			if err := eraseOne(ctx, files, proofs, now, r.Erased, p); err != nil {
				return err
			}
		}
	}
	return nil
}

func eraseOne(ctx context.Context, files lake.Store, proofs prover, now func() int64, e event.Erased, p store.Proof) error {
	for p.VerifiedAt == 0 {
		done, err := lake.Erase(ctx, files, &e)
		if err != nil {
			return err
		}
		rows := int64(0)
		for _, n := range done.Rows {
			rows += n
		}
		p.Found, p.Removed = p.Found+rows, p.Removed+rows
		if rows == 0 {
			p.VerifiedAt = now()
		}
		if err := proofs.PutProof(ctx, e.ID, p); err != nil {
			return err
		}
	}
	return nil
}

func nowMillis() int64 { return time.Now().UnixMilli() }

// eraseArchive does so for the nightly archive, which may not be written meanwhile.
func (e *embedded) eraseArchive(ctx context.Context) error {
	if e.cfg.Archive.To == "" {
		return nil
	}
	files, err := openArchive(&e.cfg.S3, e.cfg.Archive.To)
	if err != nil {
		return err
	}
	e.exports.running.Lock()
	defer e.exports.running.Unlock()
	return eraseFromArchive(ctx, files, e.store, nowMillis, func(*store.ErasureReport) bool { return true })
}

// forgetEvery is how often it is looked for erasures that are due.
const forgetEvery = 5 * time.Second

// forget applies erasures as soon as all that they cover is in the store. The process that has topic imports does it, alone.
func (c *cluster) forget(ctx context.Context) {
	every := time.NewTicker(forgetEvery)
	defer every.Stop()
	for {
		fresh, err := c.freshAt(ctx)
		if err == nil && fresh > 0 {
			err = c.store.Forget(ctx, fresh, stream.SessionsOf, nil)
		}
		if err != nil && ctx.Err() == nil {
			c.logger.Error("erasures wait", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
	}
}

// forgetArchive does the same to the lake, which is slower: files of all days are looked through.
func (c *cluster) forgetArchive(ctx context.Context) {
	if c.cfg.S3.Endpoint == "" {
		return
	}
	every := time.NewTicker(proveEvery)
	defer every.Stop()
	for {
		if err := c.eraseArchive(ctx); err != nil && ctx.Err() == nil {
			c.logger.Error("erasures wait for the archive", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
	}
}

func (c *cluster) eraseArchive(ctx context.Context) error {
	files, err := openArchive(&c.cfg.S3, s3Scheme)
	if err != nil {
		return err
	}
	fresh, err := c.leastFresh(ctx, map[string][]eventlog.Topic{archiveGroup: archived[:]})
	if err != nil {
		return err
	}
	return eraseFromArchive(ctx, files, c.store, nowMillis, func(r *store.ErasureReport) bool { return r.AskedAt+archiveSlack <= fresh })
}

// archiveSlack is how long a request with an event may be under way, in ms: it bears the time at which it began.
const archiveSlack = 30_000
