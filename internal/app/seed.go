package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/footfall-analytics/footfall/internal/account"
	"github.com/footfall-analytics/footfall/internal/demo"
	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
)

// demoDomain is the site that --demo adds. RFC 2606 keeps the name free.
const demoDomain = "demo.example"

const demoSeed = 1

// demoSite returns the demo site, nil before it is added.
func (a *App) demoSite() *event.Site {
	site, ok := a.accounts.ByID(demoDomain)
	if !ok {
		return nil
	}
	return site
}

func (a *App) demoTrackingID() string {
	if site := a.demoSite(); site != nil {
		return site.TrackingID
	}
	return ""
}

// seedDemo adds the demo site and its traffic. The traffic is a function of the moment it was begun, which a file keeps: a seeding
// that was cut short is done again, and what was stored already are duplicates.
func (a *App) seedDemo(ctx context.Context) {
	begin := time.Now()
	n, err := a.seed(ctx)
	if err != nil && ctx.Err() == nil {
		a.logger.Error("the demo traffic is not complete", "error", err)
		return
	}
	if n > 0 {
		a.logger.Info("the demo traffic is in", "events", n, "took", time.Since(begin).Round(time.Millisecond))
	}
}

func (a *App) seed(ctx context.Context) (events int, err error) {
	site := a.demoSite()
	if site == nil {
		if site, err = a.accounts.AddSite(ctx, account.NewSite{Domain: demoDomain, Timezone: "UTC", Demo: true}); err != nil {
			return 0, err
		}
	}
	marker := a.cfg.Path("demo")
	began, done, err := readMarker(marker)
	if err != nil || done {
		return 0, err
	}
	if began == 0 {
		began = time.Now().UnixMilli()
		if err := writeMarker(marker, began, false); err != nil {
			return 0, err
		}
	}
	if events, err = a.importTraffic(ctx, site, began); err != nil {
		return events, err
	}
	return events, writeMarker(marker, began, true)
}

// seedWorkers is how many batches are on their way into the log at a time: they share a sync.
const seedWorkers = 4

// importTraffic hands the made-up traffic to the door in batches, as any importer would.
func (a *App) importTraffic(ctx context.Context, site *event.Site, now int64) (events int, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	batches := make(chan []byte, seedWorkers)
	var workers sync.WaitGroup
	for range seedWorkers {
		workers.Go(func() {
			for body := range batches {
				if err := a.importBatch(ctx, site, body); err != nil {
					cancel(err)
				}
			}
		})
	}
	events, err = batchTraffic(site, now, func(body []byte) error {
		batches <- body
		return context.Cause(ctx)
	})
	close(batches)
	workers.Wait()
	return events, errors.Join(err, context.Cause(ctx))
}

// batchTraffic yields the traffic as bodies of the most events that the door takes at a time.
func batchTraffic(site *event.Site, now int64, yield func(body []byte) error) (events int, err error) {
	body, count := []byte{'['}, 0
	flush := func() error {
		if count == 0 {
			return nil
		}
		full := body
		full[len(full)-1] = ']'
		body, events, count = make([]byte, 1, cap(full)), events+count, 0
		body[0] = '['
		return yield(full)
	}
	err = demo.Generate(demo.Options{Seed: demoSeed, Now: now, TrackingID: site.TrackingID}, func(e *demo.Event) error {
		body = append(e.AppendJSON(body), ',')
		if count++; count < event.MaxBatchEvents {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	return events, err
}

func (a *App) importBatch(ctx context.Context, site *event.Site, body []byte) error {
	for {
		reply, err := a.door.ImportBatch(ctx, site, body)
		if errors.Is(err, eventlog.ErrFull) && ctx.Err() == nil {
			time.Sleep(100 * time.Millisecond)
			continue
		}
		if err == nil && len(reply.Rejected) > 0 {
			return fmt.Errorf("the door refuses made-up traffic: %s", reply.Rejected[0].Reason)
		}
		return err
	}
}

// readMarker reads when the seeding began and whether it is done; 0 when it has not begun.
func readMarker(path string) (began int64, done bool, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("cannot read how far the demo is: %w", err)
	}
	first, rest, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	began, err = strconv.ParseInt(first, 10, 64)
	if err != nil {
		return 0, false, fmt.Errorf("cannot read how far the demo is: %w", err)
	}
	return began, rest == "done", nil
}

func writeMarker(path string, began int64, done bool) error {
	text := strconv.FormatInt(began, 10)
	if done {
		text += " done"
	}
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		return fmt.Errorf("cannot note how far the demo is: %w", err)
	}
	return nil
}
