package session

import (
	"maps"
	"strings"
	"sync"

	"github.com/cespare/xxhash/v2"

	"github.com/footfall-analytics/footfall/internal/event"
)

const (
	shardCount = 64
	// defaultMax bounds the store to some 20 MB: an entry is at most about 300 bytes.
	defaultMax   = 1 << 16
	maxTextBytes = 96 // of a kept entry page or source
	// evictSample is how many entries are looked at for the one that goes; more come nearer to "the one seen longest ago".
	evictSample = 8
)

// Options of a store.
type Options struct {
	// MaxSessions bounds the store; 0 means 65,536. Beyond it, sessions that have been idle for long go first.
	MaxSessions int
}

// Store is safe for concurrent use.
type Store struct {
	shards      [shardCount]shard
	maxPerShard int
}

type shard struct {
	mu sync.Mutex
	m  map[key]*entry
	_  [32]byte // keeps the locks of two shards off one cache line
}

// key stands for a site and an id; two that share it would share an entry of the live feed, nothing more.
type key struct{ site, id uint64 }

type entry struct {
	startedAt, lastSeen int64
	entryAt             int64 // time of the page view that EntryPage is from
	events              uint32
	entryPage, source   string
}

// New returns an empty store.
func New(opts Options) *Store {
	if opts.MaxSessions <= 0 {
		opts.MaxSessions = defaultMax
	}
	s := &Store{maxPerShard: max(opts.MaxSessions/shardCount, 1)}
	for i := range s.shards {
		s.shards[i].m = map[key]*entry{}
	}
	return s
}

// Observe notes an event and returns what was known of its session before. known is false for the first event of one.
// The event's strings may be reused when it returns.
func (s *Store) Observe(e *event.Event) (info event.SessionInfo, known bool) {
	k := keyOf(e.WebsiteID, e.SessionID)
	sh := s.shard(k)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	en := sh.m[k]
	switch {
	case en == nil:
		en = &entry{startedAt: e.Timestamp, lastSeen: e.Timestamp}
		s.makeRoom(sh)
		sh.m[k] = en
	case e.Timestamp > en.lastSeen+event.SessionGapMillis:
		*en = entry{startedAt: e.Timestamp, lastSeen: e.Timestamp}
	case e.Timestamp < en.startedAt-event.SessionGapMillis:
		return event.SessionInfo{}, false // an earlier session of the same id
	default:
		info, known = event.SessionInfo{StartedAt: en.startedAt, Events: en.events, EntryPage: en.entryPage, Source: en.source}, true
	}
	en.add(e)
	return info, known
}

// add takes the event in: minimum, maximum, first wins.
func (en *entry) add(e *event.Event) {
	en.startedAt = min(en.startedAt, e.Timestamp)
	en.lastSeen = max(en.lastSeen, e.Timestamp)
	if !e.Type.Counted() {
		return
	}
	if en.events == 0 {
		en.source = keep(e.Source)
	}
	en.events++
	if e.Type == event.Pageview && (en.entryPage == "" || e.Timestamp < en.entryAt) {
		en.entryPage, en.entryAt = keep(e.Page), e.Timestamp
	}
}

// Known is what another store knows of a session.
type Known struct {
	StartedAt, LastSeen int64
	Events              uint32
	EntryPage           string
	EntryAt             int64 // time of the page view that EntryPage is from
	Source              string
}

// Learn takes in what another store knows, if that is newer. The texts may be reused when it returns.
func (s *Store) Learn(websiteID, id string, known Known) {
	k := keyOf(websiteID, id)
	sh := s.shard(k)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	en := sh.m[k]
	if en == nil {
		en = &entry{}
		s.makeRoom(sh)
		sh.m[k] = en
	} else if en.lastSeen >= known.LastSeen {
		return
	}
	*en = entry{
		startedAt: known.StartedAt, lastSeen: known.LastSeen, events: known.Events,
		entryPage: keep(known.EntryPage), entryAt: known.EntryAt, source: keep(known.Source),
	}
}

// Touch notes that the visitor was seen at that time.
func (s *Store) Touch(websiteID, id string, at int64) {
	k := keyOf(websiteID, id)
	sh := s.shard(k)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if en := sh.m[k]; en != nil {
		en.lastSeen = max(en.lastSeen, at)
		return
	}
	s.makeRoom(sh)
	sh.m[k] = &entry{startedAt: at, lastSeen: at}
}

// SeenSince reports whether the visitor or session has been seen at that time or later.
func (s *Store) SeenSince(websiteID, id string, at int64) bool {
	k := keyOf(websiteID, id)
	sh := s.shard(k)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	en := sh.m[k]
	return en != nil && en.lastSeen >= at
}

// Expire forgets what has not been seen since that time.
func (s *Store) Expire(before int64) {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		for k, en := range sh.m {
			if en.lastSeen < before {
				delete(sh.m, k)
			}
		}
		sh.mu.Unlock()
	}
}

// Forget drops what is known of the ids of a site, or of all of it where ids is nil.
func (s *Store) Forget(websiteID string, ids []string) {
	for _, id := range ids {
		k := keyOf(websiteID, id)
		sh := s.shard(k)
		sh.mu.Lock()
		delete(sh.m, k)
		sh.mu.Unlock()
	}
	if ids != nil {
		return
	}
	site := keyOf(websiteID, "").site
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		maps.DeleteFunc(sh.m, func(k key, _ *entry) bool { return k.site == site })
		sh.mu.Unlock()
	}
}

// Len returns the number of sessions kept.
func (s *Store) Len() int {
	n := 0
	for i := range s.shards {
		s.shards[i].mu.Lock()
		n += len(s.shards[i].m)
		s.shards[i].mu.Unlock()
	}
	return n
}

// makeRoom forgets the longest idle of a few entries when the shard is full. The shard is locked.
func (s *Store) makeRoom(sh *shard) {
	if len(sh.m) < s.maxPerShard {
		return
	}
	var oldest key
	var seen *entry
	n := 0
	for k, en := range sh.m { // the order of a map is random enough for a sample
		if seen == nil || en.lastSeen < seen.lastSeen {
			oldest, seen = k, en
		}
		if n++; n == evictSample {
			break
		}
	}
	delete(sh.m, oldest)
}

func (s *Store) shard(k key) *shard { return &s.shards[(k.id^k.site>>7)%shardCount] }

func keyOf(websiteID, id string) key {
	return key{xxhash.Sum64String(websiteID), xxhash.Sum64String(id)}
}

// Cut returns a text as it is kept.
func Cut(text string) string {
	if len(text) > maxTextBytes {
		text = strings.ToValidUTF8(text[:maxTextBytes], "")
	}
	return text
}

// keep copies a text: what is kept may not hold on to a request's buffer.
func keep(text string) string { return strings.Clone(Cut(text)) }
