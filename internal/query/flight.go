package query

import (
	"context"
	"sync"
)

// flights makes callers that ask the same at the same time wait for one run. The run goes on while one of them waits.
type flights struct {
	mu      sync.Mutex
	running map[string]*flight
}

type flight struct {
	done    chan struct{}
	waiters int
	cancel  context.CancelFunc
	result  *result
	err     error
}

func newFlights() *flights { return &flights{running: map[string]*flight{}} }

// do returns what run returns; run gets a context that ends when no caller waits any more.
func (fs *flights) do(ctx context.Context, key string, run func(context.Context) (*result, error)) (*result, error) {
	fs.mu.Lock()
	f := fs.running[key]
	if f == nil {
		f = &flight{done: make(chan struct{})}
		var inner context.Context
		inner, f.cancel = context.WithCancel(context.WithoutCancel(ctx))
		fs.running[key] = f
		go fs.fly(inner, key, f, run)
	}
	f.waiters++
	fs.mu.Unlock()
	select {
	case <-f.done:
		return f.result, f.err
	case <-ctx.Done():
		fs.leave(key, f)
		return nil, ctx.Err()
	}
}

func (fs *flights) fly(ctx context.Context, key string, f *flight, run func(context.Context) (*result, error)) {
	f.result, f.err = run(ctx)
	f.cancel()
	fs.mu.Lock()
	if fs.running[key] == f {
		delete(fs.running, key)
	}
	fs.mu.Unlock()
	close(f.done)
}

// leave ends a run that nobody waits for; whoever asks next starts another.
func (fs *flights) leave(key string, f *flight) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f.waiters--; f.waiters == 0 {
		f.cancel()
		if fs.running[key] == f {
			delete(fs.running, key)
		}
	}
}
