package collect

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/footfall-analytics/footfall/internal/event"
)

var (
	errNoEvents   = errors.New(`neither an array of events nor an object with "events"`)
	errTooMany    = fmt.Errorf("more than %d events", event.MaxBatchEvents)
	errBodyTooBig = fmt.Errorf("more than %d bytes", event.MaxBatchBytes)
)

// draft is an event as it was sent: read, but not judged. Its strings are views of the request's buffers.
type draft struct {
	raw    []byte // its JSON
	reason string // why it is none; the first of several

	id, kind, trackingID, sessionID, userID          string
	page, title, referrer                            string // of data
	category, action, label, name                    string
	revenue, currency                                string
	url, contextPage, hostname, contextReferrer      string
	contextTitle, screen, language, ip, userAgent    string
	timestamp, receivedAt, timeOnPage, scrollDepth   int64
	value                                            float64
	notInteractive, hasScroll, hasTime, webDriver    bool
	hasIP, hasUserAgent, hasReceivedAt, tooManyProps bool
	propsFrom, propsTo                               int // in decoder.props
}

// decoder reads the body of a request into drafts.
type decoder struct {
	scanner
	drafts []draft
	props  []event.Property
	sentAt int64
}

// decode reads a whole body. On an error nothing of it may be used.
func (d *decoder) decode(body []byte) error {
	d.reset(body)
	d.drafts, d.props, d.sentAt = d.drafts[:0], d.props[:0], 0
	k, err := d.peek()
	switch {
	case err != nil:
		return err
	case k == kindArray:
		err = d.events()
	case k == kindObject:
		err = d.envelope()
	default:
		if err = d.skip(k); err == nil {
			err = errNoEvents
		}
	}
	if err != nil {
		return err
	}
	return d.end()
}

// envelope reads {"events":[...],"sent_at":ms}.
func (d *decoder) envelope() error {
	if err := d.open(); err != nil {
		return err
	}
	found := false
	for first := true; ; {
		name, more, err := d.key(&first)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		k, err := d.peek()
		if err != nil {
			return err
		}
		switch {
		case name == "events" && k == kindArray:
			found = true
			d.drafts, d.props = d.drafts[:0], d.props[:0] // the last of several counts
			err = d.events()
		case name == "sent_at" && k == kindNumber:
			var text string
			text, err = d.number()
			d.sentAt, _ = strconv.ParseInt(text, 10, 64) // one that is no time corrects nothing
		default:
			err = d.skip(k)
		}
		if err != nil {
			return err
		}
	}
	if !found {
		return errNoEvents
	}
	return nil
}

func (d *decoder) events() error {
	if err := d.open(); err != nil {
		return err
	}
	for first := true; ; {
		more, err := d.more(']', &first)
		if !more || err != nil {
			return err
		}
		if len(d.drafts) == event.MaxBatchEvents {
			return errTooMany
		}
		if err := d.event(); err != nil {
			return err
		}
	}
}

func (d *decoder) event() error {
	k, err := d.peek()
	if err != nil {
		return err
	}
	d.drafts = append(d.drafts, draft{propsFrom: len(d.props), propsTo: len(d.props)})
	e := &d.drafts[len(d.drafts)-1]
	start := d.pos
	if k == kindObject {
		err = d.object(e, "", d.eventMember)
	} else {
		e.reason = "not_an_object"
		err = d.skip(k)
	}
	e.raw = d.doc[start:d.pos]
	if len(e.raw) > event.MaxEventBytes {
		e.reason = "too_large"
	}
	return err
}

// object reads the members of an object with member, which gets the name and kind of each.
func (d *decoder) object(e *draft, path string, member func(e *draft, name string, k kind) error) error {
	if err := d.open(); err != nil {
		return err
	}
	for first := true; ; {
		name, more, err := d.key(&first)
		if !more || err != nil {
			return err
		}
		k, err := d.peek()
		if err != nil {
			return err
		}
		if k == kindNull { // as if it had been left out
			err = d.skip(k)
		} else {
			err = member(e, name, k)
		}
		if err != nil {
			return err
		}
	}
}

func (d *decoder) eventMember(e *draft, name string, k kind) error {
	switch name {
	case "id":
		return d.string(e, &e.id, "id", k)
	case "type":
		return d.string(e, &e.kind, "type", k)
	case "tracking_id":
		return d.string(e, &e.trackingID, "tracking_id", k)
	case "session_id":
		return d.string(e, &e.sessionID, "session_id", k)
	case "user_id":
		return d.string(e, &e.userID, "user_id", k)
	case "received_at":
		e.hasReceivedAt = true
		return d.time(e, &e.receivedAt, "received_at", k)
	case "data":
		return d.part(e, "data", k, d.dataMember)
	case "context":
		return d.part(e, "context", k, d.contextMember)
	}
	return d.skip(k)
}

func (d *decoder) part(e *draft, name string, k kind, member func(*draft, string, kind) error) error {
	if k != kindObject {
		return d.wrongType(e, name, k)
	}
	return d.object(e, name, member)
}

func (d *decoder) dataMember(e *draft, name string, k kind) error {
	switch name {
	case "timestamp":
		return d.time(e, &e.timestamp, "data.timestamp", k)
	case "page":
		return d.string(e, &e.page, "data.page", k)
	case "title":
		return d.string(e, &e.title, "data.title", k)
	case "referrer":
		return d.string(e, &e.referrer, "data.referrer", k)
	case "category":
		return d.string(e, &e.category, "data.category", k)
	case "action":
		return d.string(e, &e.action, "data.action", k)
	case "label":
		return d.string(e, &e.label, "data.label", k)
	case "name":
		return d.string(e, &e.name, "data.name", k)
	case "value":
		return d.float(e, &e.value, "data.value", k)
	case "interactive":
		interactive := true
		err := d.bool(e, &interactive, "data.interactive", k)
		e.notInteractive = !interactive
		return err
	case "revenue":
		if k == kindNumber {
			text, err := d.number()
			e.revenue = text
			return err
		}
		return d.string(e, &e.revenue, "data.revenue", k)
	case "currency":
		return d.string(e, &e.currency, "data.currency", k)
	case "time_on_page":
		e.hasTime = true
		return d.whole(e, &e.timeOnPage, "wrong_type:data.time_on_page", "data.time_on_page", k)
	case "scroll_depth":
		e.hasScroll = true
		return d.whole(e, &e.scrollDepth, "invalid_scroll_depth", "data.scroll_depth", k)
	case "properties":
		if k != kindObject {
			return d.wrongType(e, "data.properties", k)
		}
		e.propsFrom = len(d.props)
		err := d.object(e, "data.properties", d.property)
		e.propsTo = len(d.props)
		return err
	}
	return d.skip(k)
}

func (d *decoder) contextMember(e *draft, name string, k kind) error {
	switch name {
	case "url":
		return d.string(e, &e.url, "context.url", k)
	case "page":
		return d.string(e, &e.contextPage, "context.page", k)
	case "hostname":
		return d.string(e, &e.hostname, "context.hostname", k)
	case "referrer":
		return d.string(e, &e.contextReferrer, "context.referrer", k)
	case "title":
		return d.string(e, &e.contextTitle, "context.title", k)
	case "screen":
		return d.string(e, &e.screen, "context.screen", k)
	case "language":
		return d.string(e, &e.language, "context.language", k)
	case "webdriver":
		return d.bool(e, &e.webDriver, "context.webdriver", k)
	case "ip":
		e.hasIP = true
		return d.string(e, &e.ip, "context.ip", k)
	case "user_agent":
		e.hasUserAgent = true
		return d.string(e, &e.userAgent, "context.user_agent", k)
	}
	return d.skip(k)
}

// property reads one member of data.properties.
func (d *decoder) property(e *draft, name string, k kind) error {
	if k == kindObject || k == kindArray {
		return d.wrongType(e, "data.properties", k)
	}
	value, err := d.scalar(k)
	if err != nil {
		return err
	}
	if len(d.props)-e.propsFrom >= event.MaxProperties {
		// A name may stand twice: only properties that differ count against the limit.
		for i := e.propsFrom; i < len(d.props); i++ {
			if d.props[i].Key == name {
				d.props[i].Value = value
				return nil
			}
		}
		e.tooManyProps = true
		return nil
	}
	d.props = append(d.props, event.Property{Key: name, Value: value})
	return nil
}

func (d *decoder) wrongType(e *draft, path string, k kind) error {
	if e.reason == "" {
		e.reason = "wrong_type:" + path
	}
	return d.skip(k)
}

func (d *decoder) string(e *draft, to *string, path string, k kind) (err error) {
	if k != kindString {
		return d.wrongType(e, path, k)
	}
	*to, err = d.text()
	return err
}

func (d *decoder) bool(e *draft, to *bool, path string, k kind) error {
	if k != kindBool {
		return d.wrongType(e, path, k)
	}
	text, err := d.literal()
	*to = text == "true"
	return err
}

func (d *decoder) float(e *draft, to *float64, path string, k kind) error {
	if k != kindNumber {
		return d.wrongType(e, path, k)
	}
	text, err := d.number()
	if err != nil {
		return err
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(v, 0) {
		e.refuse("wrong_type:" + path)
		return nil
	}
	*to = v + 0 // no negative zero
	return nil
}

// time reads a positive whole number of milliseconds.
func (d *decoder) time(e *draft, to *int64, path string, k kind) error {
	if k != kindNumber {
		return d.wrongType(e, path, k)
	}
	return d.whole(e, to, "invalid_timestamp", path, k)
}

// whole reads a whole number of 0 or more; another one refuses the event with the reason.
func (d *decoder) whole(e *draft, to *int64, reason, path string, k kind) error {
	if k != kindNumber {
		return d.wrongType(e, path, k)
	}
	text, err := d.number()
	if err != nil {
		return err
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil || v < 0 {
		e.refuse(reason)
		return nil
	}
	*to = v
	return nil
}

// refuse notes the first reason why the draft is no event.
func (e *draft) refuse(reason string) {
	if e.reason == "" {
		e.reason = reason
	}
}
