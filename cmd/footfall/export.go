package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/footfall-analytics/footfall/internal/app"
)

type exportCmd struct {
	common
	Parquet string   `required:"" help:"Where to: a folder, s3:// (bucket and prefix of the settings) or s3://BUCKET/PREFIX." placeholder:"PLACE"`
	From    string   `help:"First day, UTC." placeholder:"DATE"`
	To      string   `help:"Last day, UTC." placeholder:"DATE"`
	Site    []string `help:"Domain or website_id; may be given several times. Default: all sites." placeholder:"DOMAIN"`
	JSON    bool     `help:"Print JSON."`
}

// exported is how far an export is, and its report; docs/format/api.md.
type exported struct {
	Days, Of             int
	Events, Bytes        int64
	Files, Removed, Same int
}

// exportLine is a line of the reply of /admin/export.
type exportLine struct {
	Progress *exported       `json:"progress"`
	Report   json.RawMessage `json:"report"`
	Error    *struct{ Message string }
}

func (c exportCmd) Run(ctx context.Context, s streams) error {
	place, err := placeOf(c.Parquet)
	if err != nil {
		return err
	}
	request := map[string]any{"to": place, "from": c.From, "until": c.To, "sites": c.Site}
	return c.withAdmin(ctx, func(a *admin) error {
		reply, err := a.open(ctx, "POST", "/admin/export", request)
		if err != nil {
			return err
		}
		defer reply.Close()
		raw, err := followExport(reply, s.err)
		if err != nil {
			return err
		}
		if c.JSON {
			return s.json(raw)
		}
		var report exported
		if err := json.Unmarshal(raw, &report); err != nil {
			return err
		}
		fmt.Fprintf(s.out, "%d events of %d days of sites, in %d files of %.1f MB, in %s\n", report.Events, report.Days, report.Files, float64(report.Bytes)/1e6, place)
		return nil
	})
}

// placeOf makes a folder absolute: the server has another working directory.
func placeOf(place string) (string, error) {
	if strings.HasPrefix(place, "s3://") {
		return place, nil
	}
	return filepath.Abs(place)
}

// followExport tells how far it is and returns the report.
func followExport(reply io.Reader, tell io.Writer) (json.RawMessage, error) {
	lines := json.NewDecoder(bufio.NewReader(reply))
	for {
		var line exportLine
		if err := lines.Decode(&line); err != nil {
			return nil, fmt.Errorf("the export has ended early; run it again: %w", err)
		}
		switch p := line.Progress; {
		case line.Error != nil:
			return nil, errors.New(line.Error.Message)
		case line.Report != nil:
			return line.Report, nil
		case p != nil && p.Of >= 20 && p.Days%(p.Of/10) == 0:
			fmt.Fprintf(tell, "%d of %d days, %d events\n", p.Days, p.Of, p.Events)
		}
	}
}

type rebuildCmd struct {
	common
	FromArchive string `required:"" help:"Where the archive is: a folder, s3:// or s3://BUCKET/PREFIX." placeholder:"PLACE"`
	JSON        bool   `help:"Print JSON."`
}

func (c rebuildCmd) Run(ctx context.Context, s streams) error {
	cfg, err := c.load(nil)
	if err != nil {
		return err
	}
	report, err := app.Rebuild(ctx, cfg, app.Options{Version: version}, c.FromArchive, func(r app.Rebuilt) {
		fmt.Fprintf(s.err, "%d events\n", r.Events)
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return s.json(report)
	}
	fmt.Fprintf(s.out, "%d events of %d sites, %s to %s; %d more are in the log and come from there\n", report.Events, report.Sites, report.From, report.Until, report.InLog)
	for _, id := range report.Lost {
		fmt.Fprintf(s.out, "no site has the website_id %s: its events are stored, and nobody can see them\n", id)
	}
	return nil
}
