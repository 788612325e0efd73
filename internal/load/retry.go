package load

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/footfall-analytics/footfall/internal/eventlog"
)

// Waits between tries.
const (
	firstRetry = 50 * time.Millisecond
	lastRetry  = 5 * time.Second
)

// retry calls try until it succeeds, or ctx ends, or the log is closed: nothing is ever skipped. fault is told +1 when it begins
// to fail and -1 when that is over.
func retry(ctx context.Context, logger *slog.Logger, what string, fault func(change int, reason string), try func() error) error {
	faulty := false
	defer func() {
		if faulty {
			fault(-1, "")
		}
	}()
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		err := try()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || errors.Is(err, eventlog.ErrClosed) || errors.Is(err, eventlog.ErrFenced) {
			return fmt.Errorf("cannot %s: %w", what, err)
		}
		if !faulty {
			faulty = true
			fault(+1, "processing cannot "+what)
		}
		logger.Error("processing waits", "cannot", what, "error", err, "retry_in", wait)
		select {
		case <-ctx.Done():
			return fmt.Errorf("cannot %s: %w", what, err)
		case <-time.After(wait):
		}
	}
}
