package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/footfall-analytics/footfall/internal/eventlog"
)

// readBytes is how much is read of the log at once: a step may be that much larger than it should.
const readBytes = 4 << 20

// readSteps makes steps of what is in the log from position on and hands them over, in order. While there is no backlog,
// steps begin a tick apart: an event after a pause is taken at once, and a stream of them in steps worth a commit.
func (p *Processor) readSteps(ctx context.Context, position int64, free chan *step, ready chan<- *step) error {
	var earliest time.Time // when the next step may begin
	for {
		if err := p.waitForLog(ctx, position, free); err != nil {
			return fmt.Errorf("cannot wait for the log: %w", err)
		}
		if err := p.pace(ctx, earliest); err != nil {
			return err
		}
		var s *step
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case s = <-free:
		}
		begun := time.Now()
		s.next = position
		if err := p.readStep(ctx, s); err != nil {
			return err
		}
		position, earliest = s.next, begun
		if s.atEnd {
			earliest = begun.Add(p.options.Tick)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case ready <- s:
		}
	}
}

// idleAfter is how long the log must have been silent before steps keep no room.
const idleAfter = 5 * time.Second

func (p *Processor) waitForLog(ctx context.Context, position int64, free chan *step) error {
	log, topic, partition := p.options.Log, p.options.Topic, p.options.Partition
	short, cancel := context.WithTimeout(ctx, idleAfter)
	defer cancel()
	err := log.Wait(short, topic, partition, position)
	if err == nil || short.Err() == nil || ctx.Err() != nil {
		return err
	}
	p.shrinkFree(free, 0)
	return log.Wait(ctx, topic, partition, position)
}

// readStep fills and settles one step.
func (p *Processor) readStep(ctx context.Context, s *step) error {
	if err := p.fill(ctx, s); err != nil {
		return err
	}
	if err := p.options.FailPoint(PointRead); err != nil {
		return err
	}
	var duplicate []bool
	err := p.retry(ctx, "resolve duplicates", func() (err error) {
		duplicate, err = p.options.Dedupe.Resolve(ctx, s.keys)
		return err
	})
	if err != nil {
		return err
	}
	s.settle(duplicate, &p.erasures)
	if s.erasure != nil { // for the steps that follow; what stands before it in the log is taken from the store
		p.erasures.Add(s.erasure.Erased())
	}
	return p.options.FailPoint(PointDeduped)
}

// pace waits until earliest, or until somebody is in a hurry.
func (p *Processor) pace(ctx context.Context, earliest time.Time) error {
	wait := time.Until(earliest)
	if wait <= 0 {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-p.hurry:
	case <-timer.C:
	}
	return nil
}

// fill reads records into the step until it is full or the log has no more.
func (p *Processor) fill(ctx context.Context, s *step) error {
	for len(s.events) < p.options.MaxBatchEvents && s.bytes < p.options.MaxBatchBytes {
		entries, err := p.read(ctx, s)
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			s.atEnd = true
			return nil
		}
		for i := range entries {
			if len(s.events) == p.options.MaxBatchEvents {
				break
			}
			if s.take(&entries[i]); s.erasure != nil {
				return nil
			}
		}
	}
	if p.staging.store == nil {
		return nil
	}
	end, err := p.options.Log.End(ctx, p.options.Topic, p.options.Partition)
	if err != nil {
		return fmt.Errorf("cannot ask the log for its end: %w", err)
	}
	s.atEnd = s.next >= end // just full: none would follow what is staged
	return nil
}

// read returns the next entries of the step, none at the end of the log.
func (p *Processor) read(ctx context.Context, s *step) (entries []eventlog.Entry, err error) {
	err = p.retry(ctx, "read the log", func() error {
		entries, err = p.options.Log.Read(ctx, p.options.Topic, p.options.Partition, s.next, min(readBytes, p.options.MaxBatchBytes))
		var trimmed *eventlog.TrimmedError
		if errors.As(err, &trimmed) {
			p.options.Logger.Error("records were removed from the log before they were processed", "from", s.next, "to", trimmed.First)
			s.next = trimmed.First
		}
		return err
	})
	return entries, err
}
