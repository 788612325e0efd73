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
	"github.com/footfall-analytics/footfall/internal/eventlog/local"
	"github.com/footfall-analytics/footfall/internal/live"
	"github.com/footfall-analytics/footfall/internal/load"
	"github.com/footfall-analytics/footfall/internal/obs"
	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/store/duckdb"
)

// consumer is the name under which the processor tells the log what the store has.
const consumer = "store"

// Options are what only the program knows.
type Options struct {
	Version string
	Logger  *slog.Logger // default: text on standard error
}

// App is one installation: its parts are open, and nothing moves until Run.
type App struct {
	cfg       config.Config
	options   Options
	logger    *slog.Logger
	lock      *dirLock
	accounts  *account.Store
	log       *local.Log
	store     *duckdb.Store
	hub       *live.Hub
	processor *load.Processor
	door      *collect.Handler
	engine    *query.Engine
	api       *api.API
	metrics   *obs.Registry
	listeners *listeners // nil until Run

	processing processing
	freshness  freshness
	slack      heapSlack
	broken     chan error // what no part can mend: the process must start again
}

// Open takes the data directory and opens every part. Another process that has it is a *LockedError.
func Open(cfg config.Config, options Options) (*App, error) {
	if options.Logger == nil {
		options.Logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	a := &App{cfg: cfg, options: options, logger: options.Logger, metrics: obs.New(), broken: make(chan error, 1)}
	limitMemory()
	if err := a.open(); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func (a *App) open() (err error) {
	if a.lock, err = lockDir(a.cfg.Data); err != nil {
		return err
	}
	if err := a.openFiles(); err != nil {
		return err
	}
	a.hub = live.New(live.Options{})
	a.processor = load.New(load.Options{
		Log: a.log, Store: a.store, Dedupe: a.log.Duplicates(), Live: a.hub, Logger: a.logger,
	})
	if err := a.openDoor(); err != nil {
		return err
	}
	return a.openAPI()
}

// openFiles opens what has files, side by side: a start is as long as the slowest of them.
func (a *App) openFiles() error {
	return errors.Join(parallel(
		func() (err error) {
			a.accounts, err = account.Open(account.Options{Path: a.cfg.Path("accounts.sqlite"), Logger: a.logger})
			return err
		},
		func() (err error) {
			a.log, err = local.Open(local.Options{
				Dir: a.cfg.Path("log"), MaxAge: time.Duration(a.cfg.Log.RetentionDays) * 24 * time.Hour, MaxBytes: a.cfg.Log.MaxBytes,
				Consumers: []string{consumer},
				OnFailure: func(err error) { a.broken <- fmt.Errorf("the event log has failed: %w", err) }, // called once
			})
			return err
		},
		func() (err error) {
			a.store, err = duckdb.Open(duckdb.Options{
				Path: a.cfg.Path("events.duckdb"), MemoryLimit: a.cfg.Store.MemoryBytes(), Threads: a.cfg.Store.Threads, Log: a.logger,
			})
			return err
		},
	)...)
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
		Sink: a.log, Sites: a.accounts, Keys: keysForDoor{a.accounts}, Dir: a.cfg.Data,
		TrustedProxies: proxies, EventsPerSecond: a.cfg.Collect.EventsPerSecond,
	}
	err = errors.Join(parallel(
		func() (err error) { o.Geo, err = enrich.OpenGeo(a.cfg.Geo.CityFile); return err },
		func() (err error) { o.Agents, err = enrich.NewAgentParser(); return err },
		func() (err error) { o.Sources, err = enrich.NewSources(); return err },
	)...)
	if err != nil {
		return err
	}
	a.door, err = collect.New(o)
	return err
}

func (a *App) openAPI() (err error) {
	source := a.store.Source()
	a.engine, err = query.New(query.Options{
		Source: source, Catalog: source, Clock: time.Now, Timeout: time.Duration(a.cfg.Store.QueryTimeoutSeconds) * time.Second,
		FreshAt: func(string) int64 { return a.freshAt(context.Background()) },
	})
	if err != nil {
		return err
	}
	a.api, err = api.New(api.Options{
		Accounts: a.accounts, Engine: a.engine, Live: a.hub, SiteStatus: statusForAPI{a.store}, Auditor: auditorForAPI{a},
		Version: a.options.Version, Logger: a.logger, ClientAddress: a.door.ClientAddress, Secure: a.secure,
		QueriesPerHour: cmp.Or(a.cfg.API.QueriesPerHour, -1),
	})
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
	a.startProcessing(ctx)
	return a.processor.Flush(ctx)
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
	a.processing.stop()
	if a.api != nil {
		errs = append(errs, a.api.Close())
	}
	if a.log != nil {
		errs = append(errs, a.log.Close())
	}
	if a.store != nil {
		errs = append(errs, a.store.Close())
	}
	if a.accounts != nil {
		errs = append(errs, a.accounts.Close())
	}
	if a.lock != nil {
		errs = append(errs, a.lock.Close())
	}
	return errors.Join(errs...)
}
