package collect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/footfall-analytics/footfall/internal/collect/wire"
	"github.com/footfall-analytics/footfall/internal/enrich"
	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/session"
)

// Sink takes what the door has accepted.
type Sink interface {
	// Begin hands the records over, all or none, without waiting until they are durable: that is what the Pending is asked.
	// Their memory is the caller's again when it returns.
	Begin(ctx context.Context, topic eventlog.Topic, records []eventlog.Record) (eventlog.Pending, error)
}

// Sites knows the sites. It must be safe for concurrent use and answer from memory.
type Sites interface {
	// ByTracking returns the site of a tracking id or domain. id may not be kept.
	ByTracking(id string) (*event.Site, bool)
}

// Keys knows the API keys. It must be safe for concurrent use.
type Keys interface {
	// Authorize returns the site that the key is bound to, "" for all of them; false unless the key exists and has the scope.
	Authorize(key, scope string) (websiteID string, ok bool)
}

// Sessions is what is known of running sessions. It must be safe for concurrent use, and no request may have to wait for it.
type Sessions interface {
	// Observe notes an event and returns what was known of its session before. The event's strings may be reused when it returns.
	Observe(e *event.Event) (info event.SessionInfo, known bool)
	// Touch notes that the visitor was seen at that time.
	Touch(websiteID, id string, at int64)
	// SeenSince reports whether the visitor or session has been seen at that time or later.
	SeenSince(websiteID, id string, at int64) bool
	// Expire forgets what has not been seen since that time.
	Expire(before int64)
}

// OldHashes is a Sessions that several doors share.
type OldHashes interface {
	// OldHash notes a time (ms) at which a visitor came under yesterday's hash, unless it is 0, and returns the latest that any
	// door has noted.
	OldHash(at int64) int64
}

// Scopes of keys that the door asks for.
const (
	scopeIngest = "ingest"
	scopeImport = "import"
)

// Options of the door.
type Options struct {
	Sink  Sink
	Sites Sites
	Keys  Keys // nil: there are none
	// Dir is the data directory; the salts of visitor ids are kept there, unless Salts is given.
	Dir string
	// Salts keeps the salts that the doors of a cluster share; nil means a file in Dir.
	Salts   SaltStore
	Geo     *enrich.Geo
	Agents  *enrich.AgentParser
	Sources *enrich.Sources
	// Sessions is what is known of running sessions; nil makes one in memory. It may be an OldHashes.
	Sessions Sessions
	// TrustedProxies are the networks whose forwarding headers count; nil means loopback.
	TrustedProxies []netip.Prefix
	// EventsPerSecond is the limit for one address, loopback excepted; 0 means none.
	EventsPerSecond int
	// Route says where records go when the log has several partitions; nil: all go to raw_events.
	Route *Route
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Handler is the door. It is safe for concurrent use.
type Handler struct {
	opts                 Options
	agents               agentCache
	places               placeCache
	limit                limiter
	salts                *salts
	sessions             Sessions
	imports              *session.Store // of imported events, whose times would push out running sessions
	inflate              inflaters
	requests, workspaces sync.Pool
	counters             Counters
	// lastOldHash is the latest time (ms) at which somebody came under yesterday's hash; see visitor.
	lastOldHash atomic.Int64
}

// New returns a door. Its salts are read from, or made in, opts.Salts or opts.Dir.
func New(opts Options) (*Handler, error) {
	if opts.Sink == nil || opts.Sites == nil || opts.Geo == nil || opts.Agents == nil || opts.Sources == nil || opts.Dir == "" && opts.Salts == nil {
		return nil, errors.New("cannot make the door: Sink, Sites, Geo, Agents, Sources and Dir or Salts are needed")
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.TrustedProxies == nil {
		opts.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	}
	if opts.Sessions == nil {
		opts.Sessions = session.New(session.Options{})
	}
	store, shared := opts.Salts, opts.Salts != nil
	if !shared {
		store = NewSaltFile(opts.Dir)
	}
	salts, err := openSalts(store, shared, opts.Now().UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("cannot make the door: %w", err)
	}
	h := &Handler{opts: opts, salts: salts, sessions: opts.Sessions, imports: session.New(session.Options{MaxSessions: 1 << 14})}
	h.agents.parser = opts.Agents
	h.limit.perSecond = opts.EventsPerSecond
	h.requests.New = func() any { return new(request) }
	h.workspaces.New = func() any { return new(workspace) }
	return h, nil
}

// Routes registers the door's paths with net/http.
func (h *Handler) Routes(mux *http.ServeMux) {
	server := wire.Handler(h)
	for _, path := range [...]string{eventsPath, importPath, pixelPath} {
		mux.Handle(path, server)
	}
}

// Counters returns the totals, to be read at any time.
func (h *Handler) Counters() *Counters { return &h.counters }

// Run forgets ended sessions and destroys salts that have lived long enough, until ctx ends. A door that takes events does
// the latter by itself; one that stands idle needs this.
func (h *Handler) Run(ctx context.Context) error {
	ticker := time.NewTicker(time.Minute)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			h.housekeep(h.opts.Now().UnixMilli())
		}
	}
}

func (h *Handler) housekeep(now int64) {
	h.tendSalts(now)
	h.sessions.Expire(now - 2*event.SessionGapMillis)
}

// saltsAt returns the salts; a file that cannot be written is counted and does not stop anybody.
func (h *Handler) saltsAt(now int64) *saltSet {
	set, err := h.salts.at(now)
	if err != nil {
		h.counters.SaltErrors.Add(1)
	}
	return set
}

// ImportBatch takes a body as POST /v1/import does, for the site, without HTTP and without a key.
func (h *Handler) ImportBatch(ctx context.Context, site *event.Site, body []byte) (Reply, error) {
	if len(body) > event.MaxBatchBytes {
		return Reply{}, fmt.Errorf("cannot import a batch: %w", errBodyTooBig)
	}
	q := h.request()
	defer h.release(q)
	q.imported, q.keyed, q.keySite = true, true, site.WebsiteID
	if err := q.decode(body); err != nil {
		return Reply{}, fmt.Errorf("cannot import a batch: %w", err)
	}
	if err := h.process(ctx, q); err != nil {
		return Reply{}, fmt.Errorf("cannot import a batch: %w", err)
	}
	return q.reply.clone(), nil
}
