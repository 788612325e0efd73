package clickhouse

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/cespare/xxhash/v2"

	"github.com/footfall-analytics/footfall/internal/store"
)

// WriterOptions of a Writer. The zero value is that of partition 0 of topic imports.
type WriterOptions struct {
	Topic     string // "": imports
	Partition int32
	Maker     Maker // of the versions; Stream counts as Processor
	Epoch     uint8 // see Version
	// Copied: the sessions come from another store and yield to those of every processor; Maker and Epoch have no meaning.
	Copied bool

	// FailPoint is called at the named points of a commit; an error ends it there, as a kill would. For tests.
	FailPoint func(name string) error
}

// The points at which a commit is ended in tests: what is named is done.
const (
	PointBegun    = "begun"
	PointNoted    = "noted" // the commit is written down: from here on it will be finished
	PointEvents   = "events"
	PointSessions = "sessions"
	PointLedger   = "ledger"
	PointFailed   = "failed"
	PointMoved    = "moved" // the position stands
)

// Writer stores the batches of one processor of one log partition: store.Writer and store.History on an engine without
// transactions. A batch is first written down whole, in one row; then its parts are inserted, each under a token of the
// batch; then the position moves. Whoever asks a new Writer for its position finishes what was written down. Two Writers
// of one partition must not be used at once. Readers may see a batch in part for a moment.
type Writer struct {
	store    *Store
	options  WriterOptions
	consumer string
	versions Maker

	reached atomic.Int64 // next, for those who must not wait for a commit

	mu       sync.Mutex
	settled  bool   // what follows is known
	sequence uint64 // of the last finished commit
	next     int64
	tried    uint64 // sequence of the last commit that was begun here, and the hash of its payload
	hash     uint64
}

var (
	_ store.Writer  = (*Writer)(nil)
	_ store.History = (*Writer)(nil)
)

// Writer returns a writer for the log partition that the options name.
func (s *Store) Writer(options WriterOptions) *Writer {
	if options.Topic == "" {
		options.Topic = "imports"
	}
	if options.FailPoint == nil {
		options.FailPoint = func(string) error { return nil }
	}
	versions := max(options.Maker, Processor)
	if options.Copied {
		versions, options.Epoch = Stream, copiedEpoch
	}
	return &Writer{store: s, options: options, consumer: fmt.Sprintf("%s-%d", options.Topic, options.Partition), versions: versions}
}

// Position implements store.Writer. It finishes a commit that was left unfinished.
func (w *Writer) Position(ctx context.Context) (int64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.settle(ctx); err != nil {
		return 0, fmt.Errorf("cannot find the position of %s: %w", w.consumer, err)
	}
	return w.next, nil
}

// Commit implements store.Writer. After an error the batch is not stored, or it will be as a whole by the next Commit or
// Position; the same batch may be given again.
func (w *Writer) Commit(ctx context.Context, b *store.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.commit(ctx, b); err != nil {
		return fmt.Errorf("cannot store %d events of %s up to offset %d: %w", len(b.Events), w.consumer, b.Next, err)
	}
	return nil
}

func (w *Writer) commit(ctx context.Context, b *store.Batch) error {
	c := newCommit(b)
	payload := c.appendTo(nil)
	hash := xxhash.Sum64(payload)
	retried := !w.settled && w.hash == hash
	if err := w.settle(ctx); err != nil {
		return err
	}
	if retried && w.sequence >= w.tried { // settling has found it, or finished it
		return nil
	}
	if b.Next < w.next {
		return fmt.Errorf("BUG: the store is at %d", w.next)
	}
	if err := w.options.FailPoint(PointBegun); err != nil {
		return err
	}
	w.settled, w.tried, w.hash = false, w.sequence+1, hash
	if err := w.note(ctx, payload, hash); err != nil {
		return err
	}
	if err := w.options.FailPoint(PointNoted); err != nil {
		return err
	}
	return w.finish(ctx, c, hash)
}

// settle finds out where the writer is, and finishes what was written down but not finished.
func (w *Writer) settle(ctx context.Context) error {
	if w.settled {
		return nil
	}
	if err := w.where(ctx); err != nil {
		return err
	}
	payload, err := w.unfinished(ctx)
	if err != nil {
		return err
	}
	if payload == nil {
		w.settled = true
		return nil
	}
	c, err := readCommit(payload)
	if err != nil {
		return err
	}
	return w.finish(ctx, c, xxhash.Sum64(payload))
}

func (w *Writer) where(ctx context.Context) error {
	const sql = "select max(sequence), max(next) from positions where consumer = {p1:String}"
	err := w.store.writer.QueryRow(ctx, sql, named([]any{w.consumer})...).Scan(&w.sequence, &w.next)
	w.reached.Store(w.next)
	return err
}

// unfinished returns the payload of the commit behind the last finished one, nil when there is none.
func (w *Writer) unfinished(ctx context.Context) (payload []byte, err error) {
	const sql = "select payload from commits where consumer = {p1:String} and sequence > {p2:UInt64} order by sequence, at limit 1"
	rows, err := w.store.writer.Query(ctx, sql, named([]any{w.consumer, w.sequence})...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	if rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		payload = []byte(text)
	}
	return payload, rows.Err()
}

// token names the parts of the next commit.
func (w *Writer) token(hash uint64) string {
	return fmt.Sprintf("%s/%d/%016x", w.consumer, w.sequence+1, hash)
}

// note writes the next commit down.
func (w *Writer) note(ctx context.Context, payload []byte, hash uint64) error {
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"insert_deduplication_token": "commits/" + w.token(hash)}))
	batch, err := w.store.writer.PrepareBatch(ctx, "insert into commits (consumer, sequence, payload)")
	if err != nil {
		return err
	}
	if err := batch.Append(w.consumer, w.sequence+1, string(payload)); err != nil {
		_ = batch.Abort()
		return err
	}
	return batch.Send()
}

// finish stores the commit that was written down and moves the position.
func (w *Writer) finish(ctx context.Context, c *commit, hash uint64) error {
	token := w.token(hash)
	versions := make([]uint64, len(c.changes))
	for i := range versions {
		versions[i] = Version(w.versions, w.options.Epoch, int64(w.sequence+1))
	}
	for _, part := range []struct {
		point  string
		insert func() error
	}{
		{PointEvents, func() error {
			return w.store.InsertEvents(ctx, token, c.events, Provenance{w.options.Topic, w.options.Partition, c.offsets})
		}},
		{PointSessions, func() error { return w.store.InsertSessions(ctx, token, c.changes, versions) }},
		{PointLedger, func() error { return w.store.InsertLedger(ctx, token, c.ledger) }},
		{PointFailed, func() error { return w.store.InsertFailed(ctx, token, c.failed) }},
		{PointMoved, func() error { return w.move(ctx, c.next) }},
	} {
		if err := part.insert(); err != nil {
			return err
		}
		if err := w.options.FailPoint(part.point); err != nil {
			return err
		}
	}
	w.sequence, w.next, w.settled = w.sequence+1, c.next, true
	w.reached.Store(c.next)
	return nil
}

func (w *Writer) move(ctx context.Context, next int64) error {
	batch, err := w.store.writer.PrepareBatch(ctx, "insert into positions (consumer, sequence, next)")
	if err != nil {
		return err
	}
	if err := batch.Append(w.consumer, w.sequence+1, next); err != nil {
		_ = batch.Abort()
		return err
	}
	return batch.Send()
}
