package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// progress is how far the log has been committed, and who waits for more.
type progress struct {
	mu       sync.Mutex
	position int64
	tick     int64
	moved    chan struct{} // closed and replaced when position or ended changes
	ended    error
}

func newProgress() progress { return progress{moved: make(chan struct{})} }

func (p *progress) reach(position, tick int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.position, p.tick = position, max(p.tick, tick)
	p.wake()
}

func (p *progress) end(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = errors.Join(errEnded, err)
	p.wake()
}

func (p *progress) wake() {
	close(p.moved)
	p.moved = make(chan struct{})
}

var errEnded = errors.New("processing has ended")

func (p *progress) state() (position int64, moved <-chan struct{}, ended error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.position, p.moved, p.ended
}

// Position returns the offset up to which the log is in the store and in the live view.
func (p *Processor) Position() int64 {
	position, _, _ := p.progress.state()
	return position
}

// Ticked returns the latest tick (ms) up to which the log is in the store, 0 before the first one.
func (p *Processor) Ticked() int64 {
	p.progress.mu.Lock()
	defer p.progress.mu.Unlock()
	return p.progress.tick
}

// WaitFor returns when all records before offset are in the store and in the live view.
func (p *Processor) WaitFor(ctx context.Context, offset int64) error {
	for {
		position, moved, ended := p.progress.state()
		switch {
		case position >= offset:
			return nil
		case ended != nil:
			return fmt.Errorf("cannot wait for offset %d: %w", offset, ended)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("cannot wait for offset %d, processing is at %d: %w", offset, position, ctx.Err())
		case <-moved:
		}
	}
}

// Flush returns when everything that was appended before the call is in the store and in the live view. It does not wait for a tick.
func (p *Processor) Flush(ctx context.Context) error {
	end, err := p.options.Log.End(ctx, p.options.Topic, p.options.Partition)
	if err != nil {
		return fmt.Errorf("cannot ask the log for its end: %w", err)
	}
	if p.Position() < end {
		select {
		case p.hurry <- struct{}{}:
		default: // somebody else is
		}
	}
	return p.WaitFor(ctx, end)
}
