package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/footfall-analytics/footfall/internal/config"
)

type migrateCmd struct {
	common
	To   string `required:"" help:"Settings file of the cluster (TOML)." placeholder:"FILE" type:"path"`
	JSON bool   `help:"Print JSON."`
}

// migrateLine is a line of the reply of /admin/migrate; docs/format/api.md has all of it.
type migrateLine struct {
	Progress *migrateProgress `json:"progress"`
	Report   json.RawMessage  `json:"report"`
	Error    *struct{ Message string }
}

type migrateCounts struct{ Events, Sessions int64 }

type migrateProgress struct {
	Pass     int
	Day      int64
	DaysDone int `json:"days_done"`
	Days     int
	Copied   migrateCounts
}

type migrateReport struct {
	Agree    bool
	Accounts struct {
		Users, Sites, Keys, Salts, Present int
		Differences                        []string
	}
	Copied  migrateCounts
	LeftOut struct {
		Days   int
		Events int64
	} `json:"left_out"`
	Days []migrateDay
}

type migrateDay struct {
	WebsiteID   string `json:"website_id"`
	Domain      string
	Day, Status string
	Here, There migrateCounts
}

func (c migrateCmd) Run(ctx context.Context, s streams) error {
	to, err := config.Load(c.To, config.Environ(), nil)
	if err != nil {
		return err
	}
	return c.withAdmin(ctx, func(a *admin) error {
		reply, err := a.open(ctx, "POST", "/admin/migrate", to)
		if err != nil {
			return err
		}
		defer reply.Close()
		raw, err := followMigration(reply, s.err)
		if err != nil {
			return err
		}
		return c.print(s, raw)
	})
}

// followMigration tells how far it is and returns the report.
func followMigration(reply io.Reader, tell io.Writer) (json.RawMessage, error) {
	lines := json.NewDecoder(bufio.NewReader(reply))
	for {
		var line migrateLine
		if err := lines.Decode(&line); err != nil {
			return nil, fmt.Errorf("the migration has ended early; run it again, it goes on: %w", err)
		}
		switch {
		case line.Error != nil:
			return nil, errors.New(line.Error.Message)
		case line.Report != nil:
			return line.Report, nil
		case line.Progress != nil:
			p := line.Progress
			at := ""
			if p.Day > 0 {
				at = time.UnixMilli(p.Day).UTC().Format(", " + time.DateOnly)
			}
			fmt.Fprintf(tell, "pass %d%s: %d of %d days, %d events and %d sessions copied\n", p.Pass, at, p.DaysDone, p.Days, p.Copied.Events, p.Copied.Sessions)
		}
	}
}

func (c migrateCmd) print(s streams, raw json.RawMessage) error {
	var report migrateReport
	if err := json.Unmarshal(raw, &report); err != nil {
		return err
	}
	var err error
	if c.JSON {
		err = s.json(raw)
	} else {
		err = report.print(s.out)
	}
	if err == nil && !report.Agree {
		return exitError(1)
	}
	return err
}

func (r *migrateReport) print(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "site\tday\tevents here\tthere\tsessions here\tthere\t\t\n")
	moving := false
	for _, d := range r.Days {
		name, status := d.Domain, d.Status
		if name == "" {
			name = d.WebsiteID
		}
		if status == "agrees" {
			status = ""
		}
		moving = moving || d.Status == "moving"
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\t%d\t%s\t\n", name, d.Day, d.Here.Events, d.There.Events, d.Here.Sessions, d.There.Sessions, status)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	a := r.Accounts
	fmt.Fprintf(out, "\ncopied now: %d events, %d sessions, %d users, %d sites, %d keys, %d salts\n", r.Copied.Events, r.Copied.Sessions, a.Users, a.Sites, a.Keys, a.Salts)
	if r.LeftOut.Days > 0 {
		fmt.Fprintf(out, "left out: %d events of %d days that the cluster would not keep\n", r.LeftOut.Events, r.LeftOut.Days)
	}
	for _, difference := range a.Differences {
		fmt.Fprintln(out, "differs:", difference)
	}
	switch {
	case !r.Agree:
		fmt.Fprintln(out, "this installation and the cluster differ")
	case moving:
		fmt.Fprintln(out, "all agree but the days that are moving: stop the server and run it once more")
	default:
		fmt.Fprintln(out, "this installation and the cluster agree")
	}
	return nil
}
