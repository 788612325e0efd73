package app

import (
	"context"
	"slices"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/lake"
	"github.com/footfall-analytics/footfall/internal/store"
	"github.com/footfall-analytics/footfall/internal/store/clickhouse"
	"github.com/footfall-analytics/footfall/internal/stream"
)

// The parts of a proof that are the lake's and Druid's.
const (
	partArchive = "archive"
	partRollups = "rollups"
)

// provenElsewhere are the parts of a proof that the event store does not know of.
func provenElsewhere(archived, rolled bool) (parts []string) {
	if archived {
		parts = append(parts, partArchive)
	}
	if rolled {
		parts = append(parts, partRollups)
	}
	return parts
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

// rollupProver knows which days an erasure took events from, and whether their rollups have been made anew since.
type rollupProver interface {
	prover
	ErasedDays(ctx context.Context, id string) ([]time.Time, error)
	DayStates(ctx context.Context, from, to time.Time) ([]clickhouse.DayState, error)
	Kept(ctx context.Context) (store.Kept, error)
}

// proveRollups notes how many of the days that applied erasures took events from have been made anew without them. Rollups of days whose
// events are past their retention stay; those of a day that had not ended were not made yet.
func proveRollups(ctx context.Context, proofs rollupProver, now time.Time) error {
	reports, err := proofs.Erasures(ctx, "")
	if err != nil {
		return err
	}
	for i := range reports {
		r := &reports[i]
		at := slices.IndexFunc(r.Proofs, func(p store.Proof) bool { return p.Part == partRollups })
		if at < 0 || r.AppliedAt == 0 || r.Proofs[at].VerifiedAt > 0 && r.AskedAt+rollupWatch < now.UnixMilli() {
			continue
		}
		if err := proveRollupsOf(ctx, proofs, r, r.Proofs[at], now); err != nil {
			return err
		}
	}
	return nil
}

// rollupWatch is how long an erasure may take more events, which came late: as long as the log keeps what it was given, in ms.
const rollupWatch = 9 * event.DayMillis

func proveRollupsOf(ctx context.Context, proofs rollupProver, r *store.ErasureReport, before store.Proof, now time.Time) error {
	days, err := proofs.ErasedDays(ctx, r.ID)
	if err != nil {
		return err
	}
	all, err := proofs.Kept(ctx)
	if err != nil {
		return err
	}
	kept, open := all.Of(r.WebsiteID), time.UnixMilli(r.AppliedAt).UTC().Truncate(24*time.Hour)
	days = slices.DeleteFunc(days, func(day time.Time) bool { return day.Before(kept) || !day.Before(open) })
	if int64(len(days)) < before.Found { // notes are kept for a month: what was said of these days stands
		return nil
	}
	p := store.Proof{Part: partRollups, Found: int64(len(days)), VerifiedAt: before.VerifiedAt}
	if len(days) > 0 {
		states, err := proofs.DayStates(ctx, slices.MinFunc(days, time.Time.Compare), slices.MaxFunc(days, time.Time.Compare).Add(24*time.Hour))
		if err != nil {
			return err
		}
		for i := range states {
			d := &states[i]
			if d.WebsiteID == r.WebsiteID && d.Changes != d.Rolled && slices.ContainsFunc(days, d.Day.Equal) {
				p.Left++
			}
		}
	}
	p.Removed = p.Found - p.Left
	switch {
	case p.Left > 0:
		p.VerifiedAt = 0
	case p.VerifiedAt == 0 || p.Found != before.Found:
		p.VerifiedAt = now.UnixMilli()
	}
	if p == before {
		return nil
	}
	return proofs.PutProof(ctx, r.ID, p)
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

// again calls do at once and then at each interval, until ctx ends. What fails is logged as what waits, and tried at the next.
func (c *cluster) again(ctx context.Context, interval time.Duration, waits string, do func(context.Context) error) {
	every := time.NewTicker(interval)
	defer every.Stop()
	for {
		if err := do(ctx); err != nil && ctx.Err() == nil {
			c.logger.Error(waits, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
	}
}

// forgetEvery is how often it is looked for erasures that are due.
const forgetEvery = 5 * time.Second

// forget applies erasures when all that they cover is in the store. The process that has topic imports does it, alone.
func (c *cluster) forget(ctx context.Context) error {
	fresh, err := c.freshAt(ctx)
	if err == nil && fresh > 0 {
		err = c.store.Forget(ctx, fresh, stream.SessionsOf, nil)
	}
	return err
}

const (
	mendEvery = 10 * time.Minute
	// mendBack is how much further back than another told last a process that begins to lead looks, in ms.
	mendBack = event.DayMillis
)

// mendSeams returns what joins visits of which the stream took the younger part and the processor of imports the older one, once the
// stream is done with them. told is the tick up to which the processor of imports was when it was last told.
func (c *cluster) mendSeams(told int64) func(context.Context) error {
	settled := func(tick int64) int64 {
		return tick - int64(c.cfg.Cluster.StreamDays)*event.DayMillis - clickhouse.SeamsSettle.Milliseconds()
	}
	from := settled(told) - mendBack
	return func(ctx context.Context) error {
		fresh, err := c.freshAt(ctx)
		if err != nil || fresh == 0 {
			return err
		}
		to := settled(fresh)
		mended, err := c.store.MendSeams(ctx, max(from, 2*event.DayMillis), to, stream.SessionsOf)
		if err == nil {
			from = to
		}
		if mended > 0 {
			c.logger.Info("visits that an import had in two parts are whole", "visits", mended)
		}
		return err
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
