package druid

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	deploy "github.com/footfall-analytics/footfall/deploy/druid"
	"github.com/footfall-analytics/footfall/internal/query"
)

// MaxDays is the most days that one Replacement may have.
const MaxDays = 31

// Replacement are the rows that whole days of a datasource shall have.
type Replacement struct {
	Datasource string
	From, To   time.Time // UTC days, half open
	// URIs are read by Druid: gzip JSON lines as docs/format/druid.md draws them. They must be good for as long as the task may
	// take (Options.TaskTime). Rows outside the days are an error. Without any the days are emptied.
	URIs []string
}

// ErrFailed is wrapped by the error of a task that has failed or that took too long. The old rows are what queries see.
var ErrFailed = errors.New("the task failed")

func (r *Replacement) check() error {
	days := r.To.Sub(r.From) / (24 * time.Hour)
	whole := func(t time.Time) bool { return t.Equal(t.UTC().Truncate(24 * time.Hour)) }
	if r.Datasource != PageViews && r.Datasource != Sources {
		return fmt.Errorf("there is no datasource %q", r.Datasource)
	}
	if days < 1 || days > MaxDays || !whole(r.From) || !whole(r.To) {
		return fmt.Errorf("%s to %s are not 1 to %d whole days", r.From.Format(time.RFC3339), r.To.Format(time.RFC3339), MaxDays)
	}
	return nil
}

func (r *Replacement) interval() string {
	return r.From.UTC().Format(time.RFC3339) + "/" + r.To.UTC().Format(time.RFC3339)
}

// Replace gives days other rows, all at once: queries see the old ones until they see the new ones. It returns when they do. After
// an error the old rows are there, or, where only the waiting failed, the new ones: it may be called again in any case.
func (s *Store) Replace(ctx context.Context, r Replacement) error {
	if err := s.replace(ctx, &r); err != nil {
		return fmt.Errorf("cannot replace %s of %s: %w", r.interval(), r.Datasource, err)
	}
	return nil
}

func (s *Store) replace(ctx context.Context, r *Replacement) error {
	if err := r.check(); err != nil {
		return err
	}
	timed, cancel := context.WithTimeout(ctx, s.opts.TaskTime)
	defer cancel()
	id := "footfall_" + s.opts.Prefix + r.Datasource + "_" + r.From.UTC().Format("20060102") + "_" + newID()
	spec, err := deploy.Task(r.Datasource, deploy.Fill{ID: id, Prefix: s.opts.Prefix, Interval: r.interval(), URIs: r.URIs})
	if err != nil {
		return err
	}
	err = s.coordinate(timed, http.MethodPost, "/druid/indexer/v1/task", spec, nil)
	if err == nil {
		err = s.finished(timed, id)
	}
	if err != nil {
		err = s.shut(ctx, id, err)
	}
	if err == nil && len(r.URIs) > 0 {
		err = s.complete(timed, id)
	}
	if err == nil {
		err = s.visible(timed, r)
	}
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: more than %s: %w", ErrFailed, s.opts.TaskTime, err)
	}
	return err
}

// The pauses between two looks at what Druid is doing.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = time.Second
)

// pauses returns a function that waits, longer each time; it fails when ctx ends.
func pauses(ctx context.Context) func() error {
	pause := firstPause
	return func() error {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		pause = min(pause*3/2, lastPause)
		select {
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// taskStatus is what the overlord says of a task.
type taskStatus struct {
	Status struct {
		StatusCode string `json:"statusCode"`
		ErrorMsg   string `json:"errorMsg"`
	} `json:"status"`
}

func (s *Store) status(ctx context.Context, id string) (*taskStatus, error) {
	var status taskStatus
	err := s.coordinate(ctx, http.MethodGet, "/druid/indexer/v1/task/"+url.PathEscape(id)+"/status", nil, &status)
	return &status, err
}

// finished waits until the task has succeeded. An overlord that is away for a while is waited for.
func (s *Store) finished(ctx context.Context, id string) error {
	for pause := pauses(ctx); ; {
		status, err := s.status(ctx, id)
		switch {
		case err != nil && !errors.Is(err, query.ErrUnavailable):
			return err
		case err == nil && status.Status.StatusCode == "SUCCESS":
			return nil
		case err == nil && status.Status.StatusCode == "FAILED":
			return fmt.Errorf("%w: %s", ErrFailed, status.Status.ErrorMsg)
		}
		if stopped := pause(); stopped != nil {
			return errors.Join(stopped, err)
		}
	}
}

// shutTime is how long a task that shall end may take to do so.
const shutTime = 30 * time.Second

// shut ends a task that was given up for a cause, which it returns; nil when the task turns out to have succeeded after all.
func (s *Store) shut(ctx context.Context, id string, cause error) error {
	if errors.Is(cause, ErrFailed) {
		return cause
	}
	asked := ctx
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutTime)
	defer cancel()
	path := "/druid/indexer/v1/task/" + url.PathEscape(id) + "/shutdown"
	if err := s.coordinate(ctx, http.MethodPost, path, nil, nil); err != nil {
		return fmt.Errorf("%w (and the task cannot be shut down: %w)", cause, err)
	}
	err := s.finished(ctx, id)
	if err == nil && asked.Err() == nil && !errors.Is(cause, context.DeadlineExceeded) {
		return nil
	}
	return cause
}

// complete sees that the task took all the rows that it read.
func (s *Store) complete(ctx context.Context, id string) error {
	var reports map[string]struct {
		Payload struct {
			RowStats struct {
				BuildSegments struct {
					ThrownAway  int64 `json:"thrownAway"`
					Unparseable int64 `json:"unparseable"`
				} `json:"buildSegments"`
			} `json:"rowStats"`
		} `json:"payload"`
	}
	if err := s.coordinate(ctx, http.MethodGet, "/druid/indexer/v1/task/"+url.PathEscape(id)+"/reports", nil, &reports); err != nil {
		return fmt.Errorf("cannot read the report of task %s: %w", id, err)
	}
	stats, ok := reports["ingestionStatsAndErrors"]
	if !ok {
		return fmt.Errorf("cannot read the report of task %s: it says nothing of rows", id)
	}
	if built := stats.Payload.RowStats.BuildSegments; built.ThrownAway+built.Unparseable > 0 {
		return fmt.Errorf("%d rows lie outside the days or cannot be read", built.ThrownAway+built.Unparseable)
	}
	return nil
}
