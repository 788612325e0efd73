package query

import (
	"context"
	"time"
)

// Shared keeps answers for several processes. It must be safe for concurrent use and it is best effort: where it fails, a query is run as
// if there were none. Values are drawn in docs/format/redis.md, "Answers".
type Shared interface {
	// Get returns the answer of a key, nil when there is none.
	Get(ctx context.Context, key string) ([]byte, error)
	// Set keeps the answer of a key.
	Set(ctx context.Context, key string, answer []byte) error
	// Lock makes the caller the one of all processes that finds the answer of a key, until unlock, or until the process dies and a few
	// seconds. mine is false while another is; then unlock is nil.
	Lock(ctx context.Context, key string) (unlock func(), mine bool, err error)
}

// A process that waits for another one's answer looks for it in pauses that grow.
const (
	firstPause = 5 * time.Millisecond
	lastPause  = 100 * time.Millisecond
)

// together finds the answer of a key where it is: with the other processes, or, in one of them, by run.
func (e *Engine) together(ctx context.Context, key string, run func(context.Context) (*result, error)) (*result, error) {
	shared := e.opts.Shared
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		if r, err := e.found(ctx, key); r != nil || err != nil {
			return orRun(ctx, r, run)
		}
		unlock, mine, err := shared.Lock(ctx, key)
		if err != nil {
			return run(ctx)
		}
		if mine {
			defer unlock()
			return e.first(ctx, key, run)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// first runs the query of a key that this process has locked, unless the one that had it before has just found the answer.
func (e *Engine) first(ctx context.Context, key string, run func(context.Context) (*result, error)) (*result, error) {
	if r, err := e.found(ctx, key); r != nil || err != nil {
		return orRun(ctx, r, run)
	}
	r, err := run(ctx)
	if err != nil {
		return nil, err
	}
	if r.passing {
		return r, nil
	}
	if answer, err := r.encode(); err == nil {
		_ = e.opts.Shared.Set(ctx, key, answer) // the others run it themselves
	}
	return r, nil
}

func orRun(ctx context.Context, r *result, run func(context.Context) (*result, error)) (*result, error) {
	if r != nil {
		return r, nil
	}
	return run(ctx)
}

// found returns the shared answer of a key, nil when there is none that can be read.
func (e *Engine) found(ctx context.Context, key string) (*result, error) {
	answer, err := e.opts.Shared.Get(ctx, key)
	if answer == nil || err != nil {
		return nil, err
	}
	r, err := decodeResult(answer)
	if err != nil {
		return nil, nil // of another version: it is written anew
	}
	r.shared = true
	return r, nil
}
