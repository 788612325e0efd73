package collect

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"github.com/footfall-analytics/footfall/internal/enrich"
	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
)

// Forget is what somebody asks to be erased of a site: a Visitor, a person (IP, UserAgent, Day), or All.
type Forget struct {
	Visitor   string // a user_id
	IP        string
	UserAgent string
	Day       string // as 2026-11-26, UTC
	All       bool
	Forever   bool   // with All: also what comes later, since the site has gone
	By        string // who asks
}

// InvalidForgetError says what is wrong with a Forget.
type InvalidForgetError struct{ Field, Message string }

// Error returns the message.
func (e *InvalidForgetError) Error() string { return e.Message }

// Everywhere is a Sink of several partitions.
type Everywhere interface {
	// AppendEverywhere appends the record to every partition that doors write to, and returns when all of them are durable. After an
	// error some may have it.
	AppendEverywhere(ctx context.Context, record []byte) error
}

// Erase puts a request to forget into the log and returns it when it is durable. An address is turned into the ids that it has, and
// goes no further.
func (h *Handler) Erase(ctx context.Context, site *event.Site, f Forget) (event.Erasure, error) {
	now := h.opts.Now().UnixMilli()
	e := event.Erasure{ID: uuid.NewString(), WebsiteID: site.WebsiteID, AskedAt: now, AskedBy: f.By, Before: now + 1} // what was acknowledged is covered
	if err := h.name(&e, f, now); err != nil {
		return event.Erasure{}, err
	}
	record := e.AppendRecord(nil)
	if everywhere, ok := h.opts.Sink.(Everywhere); ok {
		if err := everywhere.AppendEverywhere(ctx, record); err != nil {
			return event.Erasure{}, fmt.Errorf("cannot ask for an erasure: %w", err)
		}
		return e, nil
	}
	pending, err := h.opts.Sink.Begin(ctx, eventlog.RawEvents, []eventlog.Record{{Key: []byte(site.WebsiteID), Value: record}})
	if err == nil {
		err = pending.Wait(ctx)
	}
	if err != nil {
		return event.Erasure{}, fmt.Errorf("cannot ask for an erasure: %w", err)
	}
	return e, nil
}

// name sets what the erasure covers.
func (h *Handler) name(e *event.Erasure, f Forget, now int64) error {
	asked := 0
	for _, given := range []bool{f.Visitor != "", f.IP != "" || f.Day != "" || f.UserAgent != "", f.All} {
		if given {
			asked++
		}
	}
	switch {
	case asked != 1:
		return &InvalidForgetError{"", "say what to erase: a visitor, an address with user agent and day, or all"}
	case f.All:
		e.Scope = event.EraseSite
		if f.Forever {
			e.Before = event.Forever
		}
	case f.Visitor != "":
		id, cut := enrich.Clean(f.Visitor, maxIDBytes)
		if id == "" || cut {
			return &InvalidForgetError{"visitor", fmt.Sprintf("a visitor id has 1 to %d bytes and no control characters", maxIDBytes)}
		}
		e.Scope, e.Visitors = event.EraseVisitor, []string{id}
	default:
		ids, err := h.idsOf(e.WebsiteID, f, now)
		e.Scope, e.Visitors = event.ErasePerson, ids
		return err
	}
	return nil
}

var errDay = errors.New("no day whose ids can be found")

// idsOf returns the ids that a person without one of their own had on a day. A visit over midnight goes on under the id of the day
// before, so that one is among them.
func (h *Handler) idsOf(websiteID string, f Forget, now int64) ([]string, error) {
	if _, err := netip.ParseAddr(f.IP); err != nil {
		return nil, &InvalidForgetError{"ip", fmt.Sprintf("%q is no IP address", f.IP)}
	}
	day, err := time.Parse(time.DateOnly, f.Day)
	if err != nil {
		return nil, &InvalidForgetError{"day", fmt.Sprintf("%q is no day, as 2026-11-26 (UTC)", f.Day)}
	}
	salts, err := h.saltsAt(now).ofDay(dayOf(day.UnixMilli()))
	if err != nil {
		return nil, &InvalidForgetError{"day", "only today and yesterday (UTC) can be asked for: the salts of other days are destroyed, and nothing leads from an address to their ids"}
	}
	var c client
	h.fromContext(&c, f.IP, f.UserAgent)
	var ids []string
	for _, salt := range salts {
		ids = append(ids, enrich.VisitorID(salt, websiteID, c.ip, c.userAgent))
	}
	return ids, nil
}

// ofDay returns the salts under which visitors of a day have ids.
func (set *saltSet) ofDay(day int64) ([]enrich.Salt, error) {
	switch {
	case day == set.day && set.hasYesterday:
		return []enrich.Salt{set.today, set.yesterday}, nil
	case day == set.day:
		return []enrich.Salt{set.today}, nil
	case day == set.day-1 && set.hasYesterday:
		return []enrich.Salt{set.yesterday}, nil
	}
	return nil, errDay
}
