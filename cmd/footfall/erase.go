package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"text/tabwriter"
	"time"
)

type eraseCmd struct {
	common
	Site      string        `required:"" help:"Domain or website_id." placeholder:"DOMAIN"`
	Visitor   string        `help:"Erase the visitor of that user_id." xor:"what" placeholder:"ID"`
	IP        string        `help:"Erase whoever came from that address with --user-agent on --day and had no id of their own. The address is not kept." xor:"what" placeholder:"ADDR"`
	UserAgent string        `help:"With --ip: the browser's user agent." placeholder:"TEXT"`
	Day       string        `help:"With --ip: today or yesterday, UTC, as 2026-11-26." placeholder:"DAY"`
	All       bool          `help:"Erase all events of the site." xor:"what"`
	Confirm   string        `help:"With --all: the site's domain again." placeholder:"DOMAIN"`
	List      bool          `help:"List what was asked before, with the proofs." xor:"what"`
	Wait      time.Duration `help:"How long to wait until the proof is complete." default:"1m"`
	JSON      bool          `help:"Print JSON."`
}

// erasure is what the command needs of a reply; docs/format/api.md has all of it.
type erasure struct {
	ID      string `json:"id"`
	Scope   string `json:"scope"`
	AskedAt int64  `json:"asked_at"`
	AskedBy string `json:"asked_by"`
	Status  string `json:"status"`
	Proofs  []struct {
		Part       string `json:"part"`
		Found      int64  `json:"found"`
		Removed    int64  `json:"removed"`
		Left       int64  `json:"left"`
		VerifiedAt *int64 `json:"verified_at"`
	} `json:"proofs"`
	raw json.RawMessage
}

func (c eraseCmd) Run(ctx context.Context, s streams) error {
	if !c.All && !c.List && c.Visitor == "" && c.IP == "" {
		return fmt.Errorf("say what to erase: --visitor, --ip with --user-agent and --day, or --all")
	}
	return c.withAdmin(ctx, func(a *admin) error {
		if c.List {
			return c.list(ctx, s, a)
		}
		return c.erase(ctx, s, a)
	})
}

func (c eraseCmd) list(ctx context.Context, s streams, a *admin) error {
	all, raw, err := c.listed(ctx, a)
	if err != nil {
		return err
	}
	if c.JSON {
		return s.json(raw)
	}
	for _, e := range all {
		if err := e.print(s.out); err != nil {
			return err
		}
	}
	return nil
}

func (c eraseCmd) listed(ctx context.Context, a *admin) (all []erasure, raw json.RawMessage, err error) {
	raw, err = a.call(ctx, "GET", "/admin/erasures?site="+url.QueryEscape(c.Site), nil)
	if err != nil {
		return nil, nil, err
	}
	var reply struct{ Erasures []json.RawMessage }
	if err := json.Unmarshal(raw, &reply); err != nil {
		return nil, nil, err
	}
	for _, one := range reply.Erasures {
		e := erasure{raw: one}
		if err := json.Unmarshal(one, &e); err != nil {
			return nil, nil, err
		}
		all = append(all, e)
	}
	return all, raw, nil
}

// erase asks, and waits for the proof. Its status is 1 when that is not complete in time: it goes on, and --list tells.
func (c eraseCmd) erase(ctx context.Context, s streams, a *admin) error {
	raw, err := a.call(ctx, "POST", "/admin/erasures", map[string]any{
		"site": c.Site, "visitor": c.Visitor, "ip": c.IP, "user_agent": c.UserAgent, "day": c.Day, "all": c.All, "confirm": c.Confirm,
	})
	if err != nil {
		return err
	}
	var reply struct{ Erasure json.RawMessage }
	if err := json.Unmarshal(raw, &reply); err != nil {
		return err
	}
	e := erasure{raw: reply.Erasure}
	if err := json.Unmarshal(reply.Erasure, &e); err != nil {
		return err
	}
	for deadline := time.Now().Add(c.Wait); e.Status != "verified" && time.Now().Before(deadline); {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
		all, _, err := c.listed(ctx, a)
		if err != nil {
			return err
		}
		for _, one := range all {
			if one.ID == e.ID {
				e = one
			}
		}
	}
	if c.JSON {
		err = s.json(e.raw)
	} else {
		err = e.print(s.out)
	}
	if err == nil && e.Status != "verified" {
		return exitError(1)
	}
	return err
}

func (e *erasure) print(out io.Writer) error {
	fmt.Fprintf(out, "%s  %s  %s, asked by %s: %s\n", e.ID, time.UnixMilli(e.AskedAt).UTC().Format(time.DateTime), e.Scope, e.AskedBy, e.Status)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	if len(e.Proofs) > 0 {
		fmt.Fprint(table, "part\tfound\tremoved\tleft\tnone found at\t\n")
	}
	for _, p := range e.Proofs {
		verified := "not yet"
		if p.VerifiedAt != nil {
			verified = time.UnixMilli(*p.VerifiedAt).UTC().Format(time.DateTime)
		}
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%s\t\n", p.Part, p.Found, p.Removed, p.Left, verified)
	}
	return table.Flush()
}
