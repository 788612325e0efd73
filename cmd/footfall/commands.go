package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

type siteCmd struct {
	Add siteAddCmd `cmd:"" help:"Add a site."`
}

type siteAddCmd struct {
	common
	Domain   string `arg:"" help:"Domain of the site, as example.com."`
	Timezone string `help:"Time zone of the site's days (IANA name)." default:"UTC" placeholder:"TZ"`
	JSON     bool   `help:"Print JSON."`
}

func (c siteAddCmd) Run(ctx context.Context, s streams) error {
	return c.withAdmin(ctx, func(a *admin) error {
		raw, err := a.call(ctx, "POST", "/admin/sites", map[string]string{"domain": c.Domain, "timezone": c.Timezone})
		if err != nil {
			return err
		}
		var site struct {
			WebsiteID  string `json:"website_id"`
			TrackingID string `json:"tracking_id"`
		}
		if err := json.Unmarshal(raw, &site); err != nil {
			return err
		}
		if c.JSON {
			return s.json(site)
		}
		fmt.Fprintf(s.out, "website_id   %s\ntracking_id  %s\n\nPut this into the head of each page:\n<script defer src=\"https://YOUR-FOOTFALL/js/footfall.js\" data-site=%q></script>\n",
			site.WebsiteID, site.TrackingID, site.TrackingID)
		return nil
	})
}

type keyCmd struct {
	Add keyAddCmd `cmd:"" help:"Add an API key."`
}

type keyAddCmd struct {
	common
	Site  string   `required:"" help:"Domain or website_id; * for all sites." placeholder:"DOMAIN"`
	Name  string   `help:"Name of the key." default:"cli"`
	Scope []string `help:"What the key may do: stats, ingest, import, admin." default:"stats,ingest,import"`
	JSON  bool     `help:"Print JSON."`
}

func (c keyAddCmd) Run(ctx context.Context, s streams) error {
	return c.withAdmin(ctx, func(a *admin) error {
		raw, err := a.call(ctx, "POST", "/admin/keys", map[string]any{"site": c.Site, "name": c.Name, "scopes": c.Scope})
		if err != nil {
			return err
		}
		var key struct {
			Key string `json:"key"`
		}
		if err := json.Unmarshal(raw, &key); err != nil {
			return err
		}
		if c.JSON {
			return s.json(key)
		}
		fmt.Fprintln(s.out, key.Key)
		return nil
	})
}

type userCmd struct {
	Add userAddCmd `cmd:"" help:"Add a user of the dashboard. The password is the first line of standard input."`
}

type userAddCmd struct {
	common
	Email string `arg:"" help:"E-mail address, which is the login name."`
	Name  string `help:"Name to show."`
	JSON  bool   `help:"Print JSON."`
}

func (c userAddCmd) Run(ctx context.Context, s streams) error {
	fmt.Fprint(s.err, "Password: ")
	password, err := s.line()
	if err != nil {
		return err
	}
	return c.withAdmin(ctx, func(a *admin) error {
		raw, err := a.call(ctx, "POST", "/admin/users", map[string]string{"email": c.Email, "name": c.Name, "password": password})
		if err != nil {
			return err
		}
		if c.JSON {
			return s.json(json.RawMessage(raw))
		}
		fmt.Fprintf(s.out, "added %s\n", c.Email)
		return nil
	})
}

type queryCmd struct {
	common
	File string `arg:"" help:"File with the query as JSON, or - for standard input."`
	JSON bool   `help:"Print JSON (it is JSON in any case)."`
}

func (c queryCmd) Run(ctx context.Context, s streams) error {
	body, err := c.read(s)
	if err != nil {
		return err
	}
	return c.withAdmin(ctx, func(a *admin) error {
		raw, err := a.call(ctx, "POST", "/admin/query", body)
		if err != nil {
			return err
		}
		return s.json(json.RawMessage(raw))
	})
}

func (c queryCmd) read(s streams) ([]byte, error) {
	if c.File == "-" {
		return io.ReadAll(s.in)
	}
	body, err := os.ReadFile(c.File)
	if err != nil {
		return nil, fmt.Errorf("cannot read the query: %w", err)
	}
	return body, nil
}

type auditCmd struct {
	common
	From string `help:"On a cluster: also compare the stores by day (UTC), from this one ..." placeholder:"DAY"`
	To   string `help:"... to this one: events, archive, rollups of clean days, ledger." placeholder:"DAY"`
	JSON bool   `help:"Print JSON."`
}

// auditReport is what the command needs of the reply; docs/format/api.md has all of it.
type auditReport struct {
	Clean       bool              `json:"clean"`
	Differences []json.RawMessage `json:"differences"`
}

func (c auditCmd) Run(ctx context.Context, s streams) error {
	return c.withAdmin(ctx, func(a *admin) error {
		raw, err := a.call(ctx, "POST", "/admin/audit", map[string]string{"from": c.From, "to": c.To})
		if err != nil {
			return err
		}
		var report auditReport
		if err := json.Unmarshal(raw, &report); err != nil {
			return err
		}
		if err := c.print(s, raw, report); err != nil {
			return err
		}
		if !report.Clean {
			return exitError(1)
		}
		return nil
	})
}

func (c auditCmd) print(s streams, raw []byte, report auditReport) error {
	if c.JSON {
		return s.json(json.RawMessage(raw))
	}
	for _, difference := range report.Differences {
		fmt.Fprintln(s.out, strings.TrimSpace(string(difference)))
	}
	if report.Clean {
		fmt.Fprintln(s.out, "clean: sessions, rollups and the ledger agree with the events")
	}
	return nil
}
