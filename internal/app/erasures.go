package app

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/footfall-analytics/footfall/internal/api"
	"github.com/footfall-analytics/footfall/internal/collect"
	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store"
)

var _ api.Erasures = (*erasures)(nil)

// erasureStore knows what has been applied.
type erasureStore interface {
	Erasures(ctx context.Context, websiteID string) ([]store.ErasureReport, error)
}

// erasures puts requests to forget into the log by way of the door, and lists them: those that the store does not have yet too.
type erasures struct {
	door      *collect.Handler
	store     erasureStore
	logMillis int64
	// settle waits a moment for what was asked to be applied; nil: nothing here could say so.
	settle func(context.Context) error

	mu    sync.Mutex
	asked []event.Erased // here, and perhaps not in the store yet; bounded by maxAsked
}

const (
	// maxAsked is how many requests that are on their way are shown.
	maxAsked = 1000
	// settleTime is how long an answer waits for an erasure to be applied.
	settleTime = 5 * time.Second
)

// Erase implements api.Erasures.
func (x *erasures) Erase(ctx context.Context, site *event.Site, f collect.Forget) (store.ErasureReport, error) {
	e, err := x.door.Erase(ctx, site, f)
	if err != nil {
		return store.ErasureReport{}, err
	}
	asked := store.ErasureReport{Erased: e.Erased()}
	x.mu.Lock()
	x.asked = append(x.asked, asked.Erased)
	x.asked = x.asked[max(0, len(x.asked)-maxAsked):]
	x.mu.Unlock()
	if x.settle == nil {
		return asked, nil
	}
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	if err := x.settle(ctx); err != nil {
		return asked, nil // it is in the log: a list will tell when it is done
	}
	reports, err := x.Erasures(ctx, site.WebsiteID)
	if at := slices.IndexFunc(reports, func(r store.ErasureReport) bool { return r.ID == e.ID }); err == nil && at >= 0 {
		return reports[at], nil
	}
	return asked, nil
}

// Erasures implements api.Erasures.
func (x *erasures) Erasures(ctx context.Context, websiteID string) ([]store.ErasureReport, error) {
	reports, err := x.store.Erasures(ctx, websiteID)
	if err != nil {
		return nil, err
	}
	applied := map[string]bool{}
	for i := range reports {
		applied[reports[i].ID] = true
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.asked = slices.DeleteFunc(x.asked, func(e event.Erased) bool { return applied[e.ID] })
	for _, e := range x.asked {
		if e.WebsiteID == websiteID {
			reports = append(reports, store.ErasureReport{Erased: e})
		}
	}
	slices.SortStableFunc(reports, func(a, b store.ErasureReport) int { return cmp.Compare(b.AskedAt, a.AskedAt) })
	return reports, nil
}

// LogMillis implements api.Erasures.
func (x *erasures) LogMillis() int64 { return x.logMillis }

// proveEvery is how often erasures that are not verified are looked at again.
const proveEvery = time.Minute

// prove verifies what a kill or a failure has left unverified.
func (e *embedded) prove(ctx context.Context) error {
	every := time.NewTicker(proveEvery)
	defer every.Stop()
	for {
		if err := e.store.VerifyErasures(ctx); err != nil && ctx.Err() == nil {
			e.logger.Error("erasures are not verified", "error", err)
		}
		if err := e.eraseArchive(ctx); err != nil && ctx.Err() == nil {
			e.logger.Error("erasures wait for the archive", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
		case <-e.unproven:
		}
	}
}

// erased makes what is in memory forget with the store.
func (e *embedded) erased(ctx context.Context, erasure *event.Erasure, keys []event.SessionKey) {
	select {
	case e.unproven <- struct{}{}:
	default: // it will look anyway
	}
	if err := e.hub.Remake(ctx, e.store, erasure.WebsiteID); err != nil && !errors.Is(err, context.Canceled) {
		e.logger.Warn("the live view of a site starts empty", "error", err)
	}
	if erasure.Scope == event.EraseSite {
		e.sessions.Forget(erasure.WebsiteID, nil)
		return
	}
	ids := slices.Clone(erasure.Visitors)
	for _, key := range keys {
		ids = append(ids, key.SessionID)
	}
	e.sessions.Forget(erasure.WebsiteID, ids)
}
