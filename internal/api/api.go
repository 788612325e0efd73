package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/footfall-analytics/footfall/internal/account"
	"github.com/footfall-analytics/footfall/internal/live"
)

// Live is the live state of all sites; *live.Hub is one.
type Live interface {
	Realtime(websiteID string, threshold uint8) live.Snapshot
	Subscribe(websiteID string, threshold uint8) (*live.Subscription, error)
}

// SiteStatus tells what the store holds of a site.
type SiteStatus interface {
	// SiteStatus returns the times of the first and last stored event, 0 when there is none, and how many are stored.
	SiteStatus(ctx context.Context, websiteID string) (firstMillis, lastMillis, events int64, err error)
}

// Auditor recounts what is derived from the events.
type Auditor interface {
	// Audit returns the report, an object with "clean" and "differences", and whether nothing differs.
	Audit(ctx context.Context) (report any, clean bool, err error)
}

// DayAuditor is an Auditor of several stores, which also compares them by day.
type DayAuditor interface {
	// AuditDays is Audit, and compares the stores by site and day (UTC) from the first to the last day.
	AuditDays(ctx context.Context, first, last time.Time) (report any, clean bool, err error)
}

// Batch tells how the daily job of a cluster is.
type Batch interface {
	// BatchStatus returns what its leader said last, as JSON: an object, empty when none ever led.
	BatchStatus(ctx context.Context) (json.RawMessage, error)
}

// Migrator copies this installation into another one.
type Migrator interface {
	// Migrate copies into the one of the settings, in JSON, until both agree or ctx ends. progress is given values to be written as
	// JSON while it works. It may be called again after an error and after an end.
	Migrate(ctx context.Context, settings []byte, progress func(any)) (report any, err error)
}

// Exporter writes events to an archive.
type Exporter interface {
	// Export does what the request says, in JSON; progress as Migrate's.
	Export(ctx context.Context, request []byte, progress func(any)) (report any, err error)
}

// Options of an API. Accounts is required. A request that needs another part that is nil is answered 503.
type Options struct {
	Accounts   *account.Store
	Engine     Engine
	Live       Live
	SiteStatus SiteStatus
	Auditor    Auditor
	Migrator   Migrator
	Batch      Batch
	Exporter   Exporter
	Version    string
	Clock      func() time.Time // default time.Now
	Logger     *slog.Logger     // default slog.Default()

	// ClientAddress returns the address of who sent a request, proxies seen through; default: the peer's.
	ClientAddress func(*http.Request) string
	// Secure reports whether the request came by TLS, if need be to a trusted proxy; default: to this process.
	Secure func(*http.Request) bool

	// QueriesPerHour is how many queries, explains and reports a key may ask; default 6,000, below 0 no limit.
	QueriesPerHour int
	// PingEvery and RecheckEvery are how often a WebSocket is pinged and its rights are checked; default 30 s and 60 s.
	PingEvery, RecheckEvery time.Duration
}

func (o *Options) setDefaults() {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.ClientAddress == nil {
		o.ClientAddress = peer
	}
	if o.Secure == nil {
		o.Secure = func(r *http.Request) bool { return r.TLS != nil }
	}
	if o.QueriesPerHour == 0 {
		o.QueriesPerHour = 6000
	}
	if o.PingEvery <= 0 {
		o.PingEvery = 30 * time.Second
	}
	if o.RecheckEvery <= 0 {
		o.RecheckEvery = 60 * time.Second
	}
}

func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// API serves /api/. It is safe for concurrent use.
type API struct {
	options     Options
	mux, admin  *http.ServeMux
	document    []byte // OpenAPI
	crossOrigin *http.CrossOriginProtection
	hourly      *hourly

	// closing ends when Close is called; sockets counts the open WebSockets, and migrations.
	closing context.Context
	close   context.CancelFunc
	sockets sync.WaitGroup
}

// New returns the API of the parts given. The caller must Close it.
func New(options Options) (*API, error) {
	if options.Accounts == nil {
		return nil, errors.New("cannot make the API: no accounts are given")
	}
	options.setDefaults()
	a := &API{
		options: options, mux: http.NewServeMux(), admin: http.NewServeMux(),
		crossOrigin: http.NewCrossOriginProtection(), hourly: newHourly(options.QueriesPerHour),
	}
	a.closing, a.close = context.WithCancel(context.Background())
	routes := a.routes()
	for _, rt := range routes {
		a.mux.Handle(rt.pattern(), a.handler(rt))
	}
	for _, rt := range a.adminRoutes() {
		a.admin.Handle(rt.pattern(), a.handler(rt))
	}
	document, err := describe(routes, options.Version)
	if err != nil {
		return nil, err
	}
	a.document = document
	return a, nil
}

// ServeHTTP answers every request under /api/.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.dispatch(a.mux, w, r) }

// Admin returns the handler of /admin/ for the command line. It asks for no account: whoever can reach it may do all, so it
// must only be served where the file system or the process decides who that is.
func (a *API) Admin() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.dispatch(a.admin, w, r) })
}

// dispatch answers what no route matches itself, so that these errors have the form of all others.
func (a *API) dispatch(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	if _, pattern := mux.Handler(r); pattern != "" {
		mux.ServeHTTP(w, r)
		return
	}
	if allowed := allowedMethods(mux, r); allowed != "" {
		w.Header().Set("Allow", allowed)
		a.writeError(w, r, fail(codeMethod, "the method %s is not allowed here; allowed: %s", clip(r.Method), allowed))
		return
	}
	a.writeError(w, r, fail(codeNotFound, "there is nothing at this address"))
}

// Close ends the open WebSockets and a migration, and waits for them.
func (a *API) Close() error {
	a.close()
	a.sockets.Wait()
	return nil
}
