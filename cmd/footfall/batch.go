package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/footfall-analytics/footfall/internal/app"
	"github.com/footfall-analytics/footfall/internal/batch"
)

type batchCmd struct {
	Run      batchRunCmd      `cmd:"" help:"Make the rollups of finished days anew. Exit status 1 when days stay dirty."`
	Schedule batchScheduleCmd `cmd:"" help:"Make finished days by themselves, as the role batch does."`
	Status   batchStatusCmd   `cmd:"" help:"What the process that leads the daily job said last."`
}

type batchRunCmd struct {
	common
	From string `required:"" help:"First day, UTC, as 2026-11-01." placeholder:"DAY"`
	To   string `required:"" help:"Last day." placeholder:"DAY"`
	JSON bool   `help:"Print JSON."`
}

func (c batchRunCmd) Run(ctx context.Context, s streams) error {
	first, err := time.Parse(time.DateOnly, c.From)
	if err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	last, err := time.Parse(time.DateOnly, c.To)
	if err != nil {
		return fmt.Errorf("--to: %w", err)
	}
	var report *batch.Report
	err = c.withBatch(func(a *app.App) (err error) {
		report, err = a.RunBatch(ctx, first, last)
		return err
	})
	if err != nil {
		return err
	}
	if err := c.print(s, report); err != nil {
		return err
	}
	if report.Rolled < report.Days {
		return exitError(1)
	}
	return nil
}

func (c batchRunCmd) print(s streams, r *batch.Report) error {
	if c.JSON {
		return s.json(r)
	}
	for _, left := range r.Left {
		fmt.Fprintln(s.out, "dirty:", left)
	}
	fmt.Fprintf(s.out, "%s to %s: %d of %d days of sites are rolled, %d sessions repaired, in %.0f s\n", r.From, r.To, r.Rolled, r.Days, r.Repaired, r.Seconds)
	return nil
}

// withBatch runs do with an app that has the role batch alone.
func (c common) withBatch(do func(*app.App) error) error {
	cfg, err := c.load(map[string]any{"roles": []string{"batch"}})
	if err != nil {
		return err
	}
	a, err := app.Open(cfg, app.Options{Version: version})
	if err != nil {
		return err
	}
	return errors.Join(do(a), a.Close())
}

type batchScheduleCmd struct {
	common
	Listen    string `help:"Address of /livez and /readyz (default 127.0.0.1:8080)." placeholder:"ADDR"`
	OpsListen string `help:"Address of /metrics; off for none (default: the port after --listen)." placeholder:"ADDR"`
}

func (c batchScheduleCmd) Run(ctx context.Context, s streams) error {
	return serveCmd{common: c.common, Listen: c.Listen, OpsListen: c.OpsListen, Roles: []string{"batch"}}.Run(ctx, s)
}

type batchStatusCmd struct {
	common
	JSON bool `help:"Print JSON."`
}

func (c batchStatusCmd) Run(ctx context.Context, s streams) error {
	return c.withBatch(func(a *app.App) error {
		raw, err := a.BatchStatus(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return s.json(raw)
		}
		var state batch.State
		if err := json.Unmarshal(raw, &state); err != nil {
			return err
		}
		printState(s, &state)
		return nil
	})
}

func printState(s streams, state *batch.State) {
	if state.Leader == "" {
		fmt.Fprintln(s.out, "no process has led the daily job yet")
		return
	}
	fmt.Fprintf(s.out, "leader    %s, at %s\n", state.Leader, state.At.Format(time.RFC3339))
	if state.Running != "" {
		fmt.Fprintf(s.out, "running   %s\n", state.Running)
	}
	fmt.Fprintf(s.out, "dirty     %d days of sites%s\n", state.Dirty, since(state.Oldest))
	if r := state.Last; r != nil {
		fmt.Fprintf(s.out, "last run  %s to %s at %s: %d of %d days of sites rolled, %d sessions repaired, in %.0f s\n", r.From, r.To, r.Started.Format(time.RFC3339), r.Rolled, r.Days, r.Repaired, r.Seconds)
	}
	if state.Failures > 0 {
		fmt.Fprintf(s.out, "failures  %d, the last: %s\n", state.Failures, strings.TrimSpace(state.Error))
	}
}

func since(oldest string) string {
	if oldest == "" {
		return ""
	}
	return ", the oldest " + oldest
}
