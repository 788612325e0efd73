package local

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/footfall-analytics/footfall/internal/eventlog"
)

// Options of a log. Only Dir is needed.
type Options struct {
	Dir string // made when it is not there
	// MaxAge is how long records are kept at least; 0 means 8 days. It exceeds the late limit, so that what the index of
	// duplicates decides on can be replayed.
	MaxAge time.Duration
	// MaxBytes bounds each topic; 0 means no bound. Beyond it, records that all consumers have read go before their
	// age; when that does not help, the log is full.
	MaxBytes int64
	// Consumers are names without whose Commit nothing may be removed, beside those that have committed already.
	Consumers []string
	// ReserveBytes is the free space below which the log is full, so that flushing and the other databases can go on;
	// 0 means 16 MiB.
	ReserveBytes uint64
	// FilterBytes bounds the memory of the filter in front of the index of duplicates; 0 means 16 MiB.
	FilterBytes int
	// SweepEvery is how often retention runs; 0 means 10 minutes.
	SweepEvery time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// FS is the file system; nil means the disk.
	FS vfs.FS
	// OnFailure is called once when the databases can no longer be written, with the reason. The log then answers
	// ErrUnavailable until the process is started again.
	OnFailure func(error)
}

func (o Options) withDefaults() Options {
	if o.MaxAge == 0 {
		o.MaxAge = 8 * 24 * time.Hour
	}
	if o.ReserveBytes == 0 {
		o.ReserveBytes = 16 << 20
	}
	if o.FilterBytes == 0 {
		o.FilterBytes = 16 << 20
	}
	if o.SweepEvery == 0 {
		o.SweepEvery = 10 * time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.OnFailure == nil {
		o.OnFailure = func(error) {}
	}
	return o
}

// Log implements eventlog.Log.
type Log struct {
	opts  Options
	guard *diskGuard
	db    *pebble.DB // log/
	state *pebble.DB // state/
	index *Index
	stats Stats

	trimming sync.Mutex // held while records are removed; taken before mu

	mu         sync.Mutex // guards what follows; never held while the disk is touched
	topics     map[eventlog.Topic]*topicState
	committed  map[string]int64 // by offsetKey
	flight     []*group         // being written
	gathered   int              // calls in the pending groups
	awaited    int              // the number of them at which the committer wants to be woken again; 0 = at none
	cameDuring int              // calls that came during the last write
	failure    error            // why the databases cannot be written any more
	closed     bool

	stuckWait time.Duration // see the constant

	wake chan struct{} // has one element when there is work for the committer
	stop chan struct{} // closed by Close
	done sync.WaitGroup
}

var _ eventlog.Log = (*Log)(nil)

// topicState is what is known of a topic without reading it.
type topicState struct {
	name       eventlog.Topic
	first, end int64         // offsets that can be read: [first, end)
	bytes      int64         // bytesBefore of the next group
	firstBytes int64         // bytesBefore of the first group
	lastAt     int64         // appendedAt of the last group
	spare      []byte        // for the frames of the next group
	pending    *group        // collects calls while another group is written; nil without one
	grown      chan struct{} // closed when end grows; nil while nobody waits
}

// Open opens the log in opts.Dir and starts its committer.
func Open(opts Options) (*Log, error) {
	l := &Log{opts: opts.withDefaults(), topics: map[eventlog.Topic]*topicState{}, committed: map[string]int64{},
		stuckWait: stuckWait, wake: make(chan struct{}, 1), stop: make(chan struct{})}
	l.guard = newDiskGuard(l.opts.FS)
	l.guard.onFull = l.refusePending
	cache := pebble.NewCache(2 << 20)
	defer cache.Unref() // the databases hold their own references
	var err error
	if l.db, err = l.openDB("log", cache, tuneLog); err != nil {
		return nil, err
	}
	if l.state, err = l.openDB("state", cache, tuneState); err != nil {
		return nil, errors.Join(err, l.db.Close())
	}
	if err := errors.Join(l.loadTopics(), l.loadOffsets()); err != nil {
		return nil, errors.Join(err, l.state.Close(), l.db.Close())
	}
	l.index = newIndex(l.state, l.opts.FilterBytes, l.opts.Now)
	l.done.Add(2)
	go l.runCommitter()
	go l.runRetention()
	return l, nil
}

func (l *Log) openDB(name string, cache *pebble.Cache, tune func(*pebble.Options)) (*pebble.DB, error) {
	dir := l.opts.FS.PathJoin(l.opts.Dir, name)
	if err := l.guard.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make directory %q: %w", dir, err)
	}
	if err := l.syncParents(); err != nil {
		return nil, fmt.Errorf("cannot make directory %q durable: %w", dir, err)
	}
	opts := &pebble.Options{
		FS:                         l.guard,
		Cache:                      cache,
		FormatMajorVersion:         pebble.FormatNewest,
		MemTableSize:               4 << 20,
		L0CompactionThreshold:      8,
		MaxOpenFiles:               128,
		MaxManifestFileSize:        4 << 20,
		CompactionConcurrencyRange: func() (int, int) { return 1, 1 },
		Logger:                     &pebbleLogger{l.fail},
	}
	opts.TargetFileSizes[0] = 4 << 20
	tune(opts)
	opts.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionNone })
	db, err := pebble.Open(dir, opts)
	if err != nil {
		return nil, fmt.Errorf("cannot open %q: %w", dir, err)
	}
	return db, nil
}

// tuneLog suits large values under rising keys.
func tuneLog(opts *pebble.Options) {
	for i := range opts.Levels {
		opts.Levels[i].BlockSize = 32 << 10
	}
}

// tuneState suits small values under keys in any order: more is gathered before it is merged, as each merge rewrites what it
// meets. A memtable begins small and grows with the load.
func tuneState(opts *pebble.Options) {
	opts.MemTableSize = 16 << 20
	opts.LBaseMaxBytes = 256 << 20
	opts.TargetFileSizes[0] = 16 << 20
	for i := range opts.Levels {
		opts.Levels[i].BlockSize = 8 << 10
		opts.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
}

// syncParents makes the names of the directories durable; Pebble does so for what is in them.
func (l *Log) syncParents() error {
	fs := l.opts.FS
	for _, name := range []string{l.opts.Dir, fs.PathDir(l.opts.Dir)} {
		dir, err := fs.OpenDir(name)
		if err != nil {
			return err
		}
		if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
			return err
		}
	}
	return nil
}

// loadTopics finds the first and last group of each topic.
func (l *Log) loadTopics() error {
	it, err := l.db.NewIter(nil)
	if err != nil {
		return fmt.Errorf("cannot read the event log: %w", err)
	}
	defer func() { _ = it.Close() }() // reads only
	for ok := it.First(); ok; {
		name, first, err := splitKey(it.Key())
		if err != nil {
			return err
		}
		t := &topicState{name: name, first: first}
		if err := t.loadEdges(it); err != nil {
			return fmt.Errorf("cannot read topic %q: %w", name, err)
		}
		l.topics[name] = t
		ok = it.SeekGE(topicEnd(name))
	}
	return it.Error()
}

// loadEdges reads the group that it stands on as the first one of the topic, and then the last one.
func (t *topicState) loadEdges(it *pebble.Iterator) error {
	h, _, err := parseHeader(it.Value())
	if err != nil {
		return err
	}
	t.firstBytes = h.bytesBefore
	if !it.SeekLT(topicEnd(t.name)) {
		return errGroup
	}
	_, last, err := splitKey(it.Key())
	if err != nil {
		return err
	}
	if h, _, err = parseHeader(it.Value()); err != nil {
		return err
	}
	t.end, t.lastAt = last+h.count, h.appendedAt
	t.bytes = h.bytesBefore + int64(len(it.Key())+len(it.Value()))
	return nil
}

// topic returns the state of a topic, made when it is new. l.mu is held.
func (l *Log) topic(name eventlog.Topic) *topicState {
	t := l.topics[name]
	if t == nil {
		t = &topicState{name: name}
		l.topics[name] = t
	}
	return t
}

// Duplicates returns the index of duplicates that lives beside the log.
func (l *Log) Duplicates() *Index { return l.index }

// fail notes why the databases cannot be written, and releases everybody who waits.
func (l *Log) fail(err error) {
	l.mu.Lock()
	first := l.failure == nil
	if first {
		l.failure = err
	}
	l.finish(l.flight, fmt.Errorf("%w: %w", eventlog.ErrUnavailable, err))
	l.finishPending(fmt.Errorf("%w: %w", eventlog.ErrUnavailable, err))
	l.mu.Unlock()
	if first {
		l.opts.OnFailure(err)
	}
}

// refused returns why no call may begin now. l.mu is held.
func (l *Log) refused() error {
	switch {
	case l.closed:
		return eventlog.ErrClosed
	case l.failure != nil:
		return fmt.Errorf("%w: %w", eventlog.ErrUnavailable, l.failure)
	}
	return nil
}

// Close writes what was handed over, waits for calls under way, then closes the files. Calls that begin later get
// ErrClosed. On a full disk it fails instead of waiting for space; nothing acknowledged is lost by that.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	for _, t := range l.topics {
		t.wakeReaders()
	}
	close(l.stop)
	l.mu.Unlock()
	l.guard.close()
	finished := make(chan error, 1)
	go func() { finished <- l.closeFiles() }()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-finished:
			return l.closeError(err)
		case <-tick.C:
		}
		// A goroutine that met a fatal error never ends, and Pebble must not be closed under it.
		if err := l.failed(); err != nil {
			return l.closeError(err)
		}
	}
}

func (l *Log) closeError(err error) error {
	if err != nil {
		return fmt.Errorf("cannot close the event log in %q: %w", l.opts.Dir, err)
	}
	return nil
}

// closeFiles closes the databases once nobody uses them.
func (l *Log) closeFiles() error {
	l.done.Wait()
	l.index.close()
	if err := l.failed(); err != nil {
		return err
	}
	return errors.Join(l.state.Close(), l.db.Close())
}

// use keeps the files open until the function that it returns is called.
func (l *Log) use() (release func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refused(); err != nil {
		return nil, err
	}
	l.done.Add(1)
	return l.done.Done, nil
}

func (l *Log) failed() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failure
}

// uvarintAll reads b as one uvarint and nothing else.
func uvarintAll(b []byte) (int64, bool) {
	v, n := binary.Uvarint(b)
	return int64(v), n > 0 && n == len(b) && v < 1<<62
}
