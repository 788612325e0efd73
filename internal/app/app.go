package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/footfall-analytics/footfall/internal/account"
	"github.com/footfall-analytics/footfall/internal/api"
	"github.com/footfall-analytics/footfall/internal/collect"
	"github.com/footfall-analytics/footfall/internal/config"
	"github.com/footfall-analytics/footfall/internal/enrich"
	"github.com/footfall-analytics/footfall/internal/obs"
	"github.com/footfall-analytics/footfall/internal/query"
)

// Options are what only the program knows.
type Options struct {
	Version string
	Logger  *slog.Logger // default: text on standard error
}

// App is one installation, or one process of a cluster: its parts are open, and nothing moves until Run.
type App struct {
	cfg       config.Config
	options   Options
	logger    *slog.Logger
	parts     parts
	accounts  *account.Store // of the parts
	door      *collect.Handler
	engine    *query.Engine
	api       *api.API
	metrics   *obs.Registry
	listeners *listeners // nil until Run

	moving  moving
	slack   heapSlack
	limited bool // the limit of Go's memory is ours
}

// Open opens every part. A data directory that another process has is a *LockedError.
func Open(cfg config.Config, options Options) (*App, error) {
	if options.Logger == nil {
		options.Logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	a := &App{cfg: cfg, options: options, logger: options.Logger, metrics: obs.New()}
	if !cfg.Clustered() { // machines of a cluster have their own memory and GOMEMLIMIT
		a.limited = limitMemory()
	}
	if err := a.open(); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func (a *App) open() (err error) {
	opened, err := openParts(a.cfg, a.options)
	if err != nil {
		return err // opened holds a nil pointer, which is no nil interface
	}
	a.parts = opened
	a.accounts = a.parts.accounts()
	if err := a.openDoor(); err != nil {
		return err
	}
	return a.openAPI()
}

func parallel(tasks ...func() error) []error {
	errs := make([]error, len(tasks))
	var wg sync.WaitGroup
	for i, task := range tasks {
		wg.Go(func() { errs[i] = task() })
	}
	wg.Wait()
	return errs
}

func (a *App) openDoor() error {
	proxies, err := a.cfg.Proxies()
	if err != nil {
		return err
	}
	o := collect.Options{
		Sites: a.accounts, Keys: keysForDoor{a.accounts}, Dir: a.cfg.Data,
		TrustedProxies: proxies, EventsPerSecond: a.cfg.Collect.EventsPerSecond,
	}
	err = errors.Join(parallel(
		func() (err error) { o.Geo, err = enrich.OpenGeo(a.cfg.Geo.CityFile); return err },
		func() (err error) { o.Agents, err = enrich.NewAgentParser(); return err },
		func() (err error) { o.Sources, err = enrich.NewSources(); return err },
		func() error { return a.parts.door(&o) },
	)...)
	if err != nil {
		return err
	}
	a.door, err = collect.New(o)
	return err
}

// openAPI makes the API; in a cluster only role web has it.
func (a *App) openAPI() (err error) {
	if !a.cfg.Runs("web") && a.cfg.Clustered() {
		return nil
	}
	q := query.Options{Clock: time.Now, Timeout: time.Duration(a.cfg.Store.QueryTimeoutSeconds) * time.Second}
	a.parts.questions(&q)
	if a.engine, err = query.New(q); err != nil {
		return err
	}
	o := api.Options{
		Accounts: a.accounts, Engine: a.engine,
		Version: a.options.Version, Logger: a.logger, ClientAddress: a.door.ClientAddress, Secure: a.secure,
		QueriesPerHour: cmp.Or(a.cfg.API.QueriesPerHour, -1),
	}
	a.parts.serving(&o)
	a.api, err = api.New(o)
	return err
}

// secure reports whether the browser spoke TLS: with this process, or with a trusted proxy that says so.
func (a *App) secure(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || r.Header.Get("X-Forwarded-Proto") != "https" {
		return false
	}
	proxies, _ := a.cfg.Proxies() // validated when the settings were loaded
	return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(peer.Addr().Unmap()) })
}

// CatchUp processes what the log holds, for a command that runs without a server.
func (a *App) CatchUp(ctx context.Context) error {
	a.move(ctx)
	return a.parts.flush(ctx)
}

// Admin returns the handler of the commands.
func (a *App) Admin() http.Handler { return a.api.Admin() }

// URL returns where the dashboard is, for people.
func (a *App) URL() string {
	scheme := "http"
	if a.cfg.TLSCert != "" {
		scheme = "https"
	}
	return fmt.Sprintf("%s://%s/", scheme, browsable(a.cfg.Listen))
}

// Close stops what runs and closes every part, the last opened first. It may be called on an app that is partly open.
func (a *App) Close() error {
	var errs []error
	a.moving.stop()
	if a.api != nil {
		errs = append(errs, a.api.Close())
	}
	if a.parts != nil {
		errs = append(errs, a.parts.Close())
	}
	return errors.Join(errs...)
}
