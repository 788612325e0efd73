package collect

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/footfall-analytics/footfall/internal/enrich"
	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/sketch"
)

const (
	maxIDBytes  = 128
	defaultPage = "/" // of a page view that does not say where
)

// fill makes q.event of a draft that is one.
func (h *Handler) fill(q *request, d *draft, site *event.Site, receivedAt int64, index int) {
	e := &q.event
	*e = event.Event{WebsiteID: site.WebsiteID, ReceivedAt: receivedAt, Interactive: !d.notInteractive, ScrollDepth: event.NoScroll}
	e.Type, _ = event.ParseType(d.kind)
	c := h.clientOf(q, d, site)
	q.fillTime(d)
	h.fillPlace(q, d, site)
	q.fillClient(c, d, site)
	q.fillOwn(d)
	q.fillProperties(d)
	q.fillScore(h, c, d)
	h.fillIDs(q, c, d, index)
}

// clientOf returns whom the event comes from.
func (h *Handler) clientOf(q *request, d *draft, site *event.Site) *client {
	named := d.hasIP || d.hasUserAgent
	if !q.imported && !(named && q.keyed && (q.keySite == "" || q.keySite == site.WebsiteID)) {
		return &q.sender
	}
	if !q.hasNamed || d.ip != q.namedIP || d.userAgent != q.namedAgent {
		q.hasNamed, q.namedIP, q.namedAgent = true, d.ip, d.userAgent
		h.fromContext(&q.named, d.ip, d.userAgent)
		if !q.imported && !d.hasUserAgent { // the sender's own, as it speaks for one visitor
			h.fromContext(&q.named, d.ip, q.sender.userAgent)
		}
		q.named.rate(0)
	}
	return &q.named
}

func (q *request) fillTime(d *draft) {
	e := &q.event
	sentAt := q.sentAt
	if q.imported { // received_at is not when this request came
		e.Flags |= event.Imported
		sentAt = 0
	}
	ahead := false
	if e.Timestamp, ahead = enrich.EventTime(d.timestamp, sentAt, e.ReceivedAt); ahead {
		e.Flags |= event.ClockAhead
	}
}

// fillPlace sets where on the site the event happened and where the visitor came from.
func (h *Handler) fillPlace(q *request, d *draft, site *event.Site) {
	e := &q.event
	url, referrer := cmp.Or(d.url, d.contextPage), cmp.Or(d.referrer, d.contextReferrer)
	p := h.places.find(h.opts.Sources, placeKey{site, url, d.page, d.hostname, referrer})
	if p.cut {
		e.Flags |= event.Truncated
	}
	e.Hostname = p.hostname
	if url != "" || d.page != "" || e.Type == event.Pageview {
		e.Page = cmp.Or(p.page, defaultPage)
	}
	a := &p.attribution
	e.Referrer, e.Source, e.Medium, e.Channel = a.Referrer, a.Source, a.Medium, a.Channel
	e.Campaign, e.Term, e.Content = a.Campaign, a.Term, a.Content
	e.Title = q.text(cmp.Or(d.title, d.contextTitle), event.MaxTitleBytes)
}

func (q *request) fillClient(c *client, d *draft, site *event.Site) {
	e := &q.event
	if !c.ip.IsUnspecified() {
		e.IPAddress = enrich.AddressFor(site.IPPolicy, c.ip)
	}
	e.Country, e.Region, e.City = c.place.Country, c.place.Region, c.place.City
	a := &c.signals.Agent
	e.DeviceType, e.Browser, e.BrowserVersion, e.OS, e.OSVersion = a.DeviceType, a.Browser, a.BrowserVersion, a.OS, a.OSVersion
	e.Screen = q.text(d.screen, event.MaxNameBytes)
	e.Language = q.text(cmp.Or(d.language, c.language), event.MaxNameBytes)
}

// fillOwn sets what only some types of events have.
func (q *request) fillOwn(d *draft) {
	e := &q.event
	e.Category = q.text(d.category, event.MaxNameBytes)
	e.Action = q.text(d.action, event.MaxNameBytes)
	e.Label = q.text(d.label, event.MaxNameBytes)
	e.Value = d.value
	if e.Type != event.Pageview {
		e.Name = cmp.Or(q.text(d.name, event.MaxNameBytes), e.Action)
	}
	if e.Type == event.Engagement {
		if d.hasScroll {
			e.ScrollDepth = int16(d.scrollDepth)
		}
		if e.TimeOnPage = d.timeOnPage; e.TimeOnPage > event.DayMillis {
			e.TimeOnPage = event.DayMillis
			e.Flags |= event.Truncated
		}
	}
	if d.revenue != "" && takesRevenue(e.Type) {
		e.Revenue, _ = parseRevenue(d.revenue)
		e.Currency, _ = parseCurrency(d.currency)
	}
}

// text cleans a text and notes whether it was cut.
func (q *request) text(s string, maxBytes int) string {
	if s == "" {
		return ""
	}
	out, cut := enrich.Clean(s, maxBytes)
	if cut {
		q.event.Flags |= event.Truncated
	}
	return out
}

// fillProperties sets the properties in the order of their keys. Of several with one key the last one counts.
func (q *request) fillProperties(d *draft) {
	sent := q.decoder.props[d.propsFrom:d.propsTo]
	if len(sent) == 0 {
		return
	}
	q.props = q.props[:0]
	for _, p := range sent {
		p.Key, p.Value = q.text(p.Key, event.MaxPropertyKey), q.text(p.Value, event.MaxPropertyValue)
		at, found := slices.BinarySearchFunc(q.props, p.Key, func(have event.Property, key string) int { return cmp.Compare(have.Key, key) })
		switch {
		case p.Key == "": // nothing was left of it
			q.event.Flags |= event.Truncated
		case found:
			q.props[at].Value = p.Value
		default:
			q.props = slices.Insert(q.props, at, p)
		}
	}
	q.event.Properties = q.props
}

func (q *request) fillScore(h *Handler, c *client, d *draft) {
	e := &q.event
	e.BotScore, e.BotReasons = c.score, c.reasons
	referrer := cmp.Or(d.referrer, d.contextReferrer)
	if spam := referrer != "" && h.opts.Sources.Spam(referrer); (spam || d.webDriver) && !c.unscored {
		signals := c.signals
		signals.SpamReferrer, signals.WebDriver = spam, d.webDriver
		e.BotScore, e.BotReasons = enrich.BotScore(signals)
	}
	e.BotBand = event.Band(e.BotScore)
}

func (h *Handler) fillIDs(q *request, c *client, d *draft, index int) {
	e := &q.event
	derived := false
	if e.UserID = q.text(d.userID, maxIDBytes); e.UserID == "" {
		e.UserID, derived = h.visitor(q, c), true
	}
	e.SampleKey = xxhash.Sum64String(e.UserID)
	e.VisitorCoupon = sketch.Coupon(e.UserID)
	if e.SessionID = q.text(d.sessionID, maxIDBytes); e.SessionID == "" {
		e.SessionID = e.UserID
	} else if derived && !q.imported {
		h.sessions.Touch(e.WebsiteID, e.UserID, e.ReceivedAt)
	}
	if id, err := event.ParseUUID(d.id); err == nil && !id.IsZero() {
		e.ID = id
	} else if d.id != "" {
		e.ID = event.NamedUUID([]byte(d.id))
	} else {
		e.ID = q.derivedID(d, index)
		e.Flags |= event.DerivedID
	}
}

// derivedID names an event that brings no id by where, from whom, when (to the second) and as what it came, so that one
// that is sent again at once is a duplicate.
func (q *request) derivedID(d *draft, index int) event.UUID {
	e := &q.event
	var stack [512]byte
	name := append(stack[:0], e.WebsiteID...)
	name = append(append(name, 0), e.UserID...)
	name = binary.BigEndian.AppendUint64(append(name, 0), uint64(e.ReceivedAt/1000))
	name = binary.BigEndian.AppendUint32(name, uint32(index))
	name = append(name, d.raw...)
	return event.NamedUUID(name)
}

// visitor returns the id of a visitor who brings none: the keyed hash of the day it was received on. Who was here under
// yesterday's hash less than 30 minutes ago keeps that.
func (h *Handler) visitor(q *request, c *client) string {
	e := &q.event
	day := dayOf(e.ReceivedAt)
	seen, salt, before, hasBefore := h.sessions, q.salts.today, q.salts.yesterday, q.salts.hasYesterday
	if q.imported {
		seen, salt, before, hasBefore = h.imports, q.salts.forImport(day), q.salts.forImport(day-1), true
	} else if day < q.salts.day { // the clock went back over midnight
		salt, hasBefore = before, false
	}
	since := e.ReceivedAt - event.SessionGapMillis
	if hasBefore && (q.imported || since < day*event.DayMillis || since <= h.oldHash(0)) {
		if old := enrich.VisitorID(before, e.WebsiteID, c.ip, c.userAgent); seen.SeenSince(e.WebsiteID, old, since) {
			h.noteOldHash(q, e.ReceivedAt)
			seen.Touch(e.WebsiteID, old, e.ReceivedAt)
			return old
		}
	}
	id := enrich.VisitorID(salt, e.WebsiteID, c.ip, c.userAgent)
	if q.imported && e.ReceivedAt-day*event.DayMillis > event.DayMillis-event.SessionGapMillis {
		seen.Touch(e.WebsiteID, id, e.ReceivedAt) // may be asked for after midnight
	}
	return id
}

// oldHash notes a time at which yesterday's hash was used, unless it is 0, and returns the latest, of all doors.
func (h *Handler) oldHash(at int64) int64 {
	if doors, ok := h.sessions.(OldHashes); ok {
		return doors.OldHash(at)
	}
	return h.lastOldHash.Load()
}

// noteOldHash remembers that yesterday's hashes are still in use, so that nobody looks for them once they are not.
func (h *Handler) noteOldHash(q *request, at int64) {
	if q.imported {
		return
	}
	h.oldHash(at)
	for {
		last := h.lastOldHash.Load()
		if at <= last || h.lastOldHash.CompareAndSwap(last, at) {
			return
		}
	}
}
