package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/footfall-analytics/footfall/internal/app"
)

type serveCmd struct {
	common
	Listen    string   `help:"Address of the door, the API and the dashboard (default 127.0.0.1:8080)." placeholder:"ADDR"`
	OpsListen string   `help:"Address of /metrics, /livez, /readyz; off for none (default: the port after --listen)." placeholder:"ADDR"`
	Roles     []string `help:"Parts that this process runs: collect, process, web, batch (default: all)." placeholder:"ROLE,..."`
	Demo      bool     `help:"Add a demo site with 90 days of traffic, and a shop to visit under /demo/."`
}

func (c serveCmd) Run(ctx context.Context, s streams) error {
	flags := map[string]any{}
	if c.Listen != "" {
		flags["listen"] = c.Listen
	}
	if c.OpsListen != "" {
		flags["ops_listen"] = c.OpsListen
	}
	if len(c.Roles) > 0 {
		flags["roles"] = c.Roles
	}
	if c.Demo {
		flags["demo"] = true
	}
	cfg, err := c.load(flags)
	if err != nil {
		return err
	}
	a, err := app.Open(cfg, app.Options{Version: version})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.err, "footfall %s: open %s in a browser\n", version, a.URL())
	return errors.Join(a.Run(ctx), a.Close())
}
