package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/footfall-analytics/footfall/internal/collect/wire"
	"github.com/footfall-analytics/footfall/internal/demo"
	sdkjs "github.com/footfall-analytics/footfall/sdk/js"
	"github.com/footfall-analytics/footfall/web"
)

// drain is how long requests under way may take when the server stops.
const drain = 10 * time.Second

// listeners are the servers of one run.
type listeners struct {
	main, admin, ops *http.Server
	front            *wire.Front // of main; nil when there is none
	failed           chan error
}

// Run serves until ctx ends, then lets requests under way finish. It returns nil after an orderly end.
func (a *App) Run(ctx context.Context) error {
	if err := a.listen(); err != nil {
		return err
	}
	a.move(ctx)
	if a.cfg.Demo {
		a.moving.tasks.Go(func() { a.seedDemo(ctx) })
	}
	a.metrics.SetReady(true)
	a.slack.take()
	defer a.slack.drop()
	err := a.wait(ctx)
	a.metrics.SetReady(false)
	return errors.Join(err, a.shutdown())
}

func (a *App) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-a.listeners.failed:
		return err
	case err := <-a.parts.failed():
		return err
	case err := <-a.moving.failed:
		return err
	}
}

func (a *App) listen() error {
	handler, err := a.routes()
	if err != nil {
		return err
	}
	a.listeners = &listeners{failed: make(chan error, 3)}
	a.registerMetrics()
	if a.listeners.main, err = a.serveMain(handler); err != nil {
		return err
	}
	if err := a.listenAdmin(); err != nil {
		return err
	}
	return a.listenOps()
}

// listenAdmin opens the socket of the commands. On a cluster they open the engines themselves.
func (a *App) listenAdmin() (err error) {
	if a.cfg.Clustered() {
		return nil
	}
	_ = os.Remove(a.cfg.Socket()) // the lock says that whoever made it is gone
	if a.listeners.admin, err = a.serve("unix", a.cfg.Socket(), a.Admin()); err != nil {
		return err
	}
	if err := os.Chmod(a.cfg.Socket(), 0o600); err != nil {
		return fmt.Errorf("cannot protect the socket of the commands: %w", err)
	}
	return nil
}

// listenOps opens the operations listener. The default port may be taken, by a second server on this machine for one.
func (a *App) listenOps() (err error) {
	addr := a.cfg.OpsListen
	if addr == "off" {
		return nil
	}
	if addr == "" {
		addr = nextPort(a.cfg.Listen)
	}
	a.listeners.ops, err = a.serve("tcp", addr, a.metrics.Handler())
	if err != nil && a.cfg.OpsListen == "" {
		a.logger.Warn("no operations listener: the default port is taken; set ops_listen", "address", addr)
		return nil
	}
	return err
}

// nextPort returns loopback with the port after that of listen; a free one when listen asks for one.
func nextPort(listen string) string {
	_, port, _ := net.SplitHostPort(listen)
	n, err := strconv.Atoi(port)
	if err != nil || n == 0 || n == 65535 {
		return "127.0.0.1:0"
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(n+1))
}

// frontBytes is the most of a body that net/http reads behind an answer to let the connection live. Larger ones are left to it: where
// one is refused, the answer does not wait for the rest.
const frontBytes = 256 << 10

// serveMain starts the server of the main listener: with TLS, or with the door's front below it.
func (a *App) serveMain(handler http.Handler) (*http.Server, error) {
	server, listener, err := newServer("tcp", a.cfg.Listen, handler)
	if err != nil {
		return nil, err
	}
	switch {
	case a.cfg.TLSCert != "":
		certificate, err := tls.LoadX509KeyPair(a.cfg.TLSCert, a.cfg.TLSKey)
		if err != nil {
			listener.Close()
			return nil, fmt.Errorf("cannot load the certificate: %w", err)
		}
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
		listener = tls.NewListener(listener, server.TLSConfig)
	case a.cfg.Runs("collect"):
		a.listeners.front = wire.NewFront(server, a.door, frontBytes)
		listener = a.listeners.front.Listen(listener)
	}
	a.start(server, listener)
	return server, nil
}

// serve starts a server.
func (a *App) serve(network, addr string, handler http.Handler) (*http.Server, error) {
	server, listener, err := newServer(network, addr, handler)
	if err != nil {
		return nil, err
	}
	a.start(server, listener)
	return server, nil
}

func newServer(network, addr string, handler http.Handler) (*http.Server, net.Listener, error) {
	listener, err := net.Listen(network, addr)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot listen on %s: %w", addr, err)
	}
	return &http.Server{
		Addr: addr, Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
	}, patientListener{listener}, nil
}

// start lets the server serve; what ends it early goes to failed.
func (a *App) start(server *http.Server, listener net.Listener) {
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			a.listeners.failed <- fmt.Errorf("the listener on %s has failed: %w", server.Addr, err)
		}
	}()
}

// shutdown ends the listeners, the door last, and waits for requests under way.
func (a *App) shutdown() error {
	ctx, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	var errs []error
	if a.api != nil {
		errs = append(errs, a.api.Close()) // WebSockets do not end by themselves
	}
	for _, server := range []*http.Server{a.listeners.admin, a.listeners.main, a.listeners.ops} {
		if server != nil {
			errs = append(errs, server.Shutdown(ctx))
		}
	}
	if a.listeners.front != nil {
		errs = append(errs, a.listeners.front.Wait(ctx))
	}
	return errors.Join(errs...)
}

// routes is everything that the main listener serves.
func (a *App) routes() (http.Handler, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", a.metrics.Livez)
	mux.HandleFunc("GET /readyz", a.metrics.Readyz)
	if a.cfg.Runs("collect") {
		a.door.Routes(mux)
		js, err := loadScripts(sdkjs.Files())
		if err != nil {
			return nil, err
		}
		mux.Handle("GET /js/", js)
	}
	if a.cfg.Demo {
		mux.Handle("/demo/", demo.Shop(a.demoTrackingID))
	}
	if a.cfg.Runs("web") {
		mux.Handle("/api/", a.api)
		mux.Handle("/", web.Handler())
	}
	return mux, nil
}

// browsable turns a listen address into one that a browser can open.
func browsable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && (ip.IsUnspecified() || ip.IsLoopback())) {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
