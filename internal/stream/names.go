package stream

import (
	"encoding/binary"
	"strings"

	"github.com/footfall-analytics/footfall/internal/event"
)

// names makes the strings that segments hold: apart from the buffers of the events they come from, and one copy of
// those that are alike, as most pages and sets of attributes are.
type names struct {
	known   map[string]string
	scratch []byte
}

// maxNames bounds the table; when it is full it begins anew, and segments keep what they have.
const maxNames = 50_000

func (n *names) text(s string) string {
	if s == "" {
		return ""
	}
	n.scratch = append(n.scratch[:0], s...)
	return n.intern()
}

func (n *names) intern() string {
	if s, ok := n.known[string(n.scratch)]; ok {
		return s
	}
	if n.known == nil || len(n.known) >= maxNames {
		n.known = make(map[string]string)
	}
	s := string(n.scratch)
	n.known[s] = s
	return s
}

// place is a page and its host, which cannot hold a zero byte.
func (n *names) place(e *event.Event) string {
	n.scratch = append(append(append(n.scratch[:0], e.Page...), 0), e.Hostname...)
	return n.intern()
}

func splitPlace(place string) (page, hostname string) {
	page, hostname, _ = strings.Cut(place, "\x00")
	return page, hostname
}

// userOf returns the event's user id: mostly the session id itself, else its own copy, since few sessions share one.
func userOf(e *event.Event, sessionID string) string {
	if e.UserID == sessionID {
		return sessionID
	}
	return strings.Clone(e.UserID)
}

// attributes packs what a session has of its first counted event, each text behind its length.
func (n *names) attributes(e *event.Event) string {
	dst := n.scratch[:0]
	for _, text := range [...]string{
		e.Source, e.Medium, e.Campaign, e.Term, e.Content, e.Channel, e.Referrer, e.Country, e.Region, e.City,
		e.DeviceType, e.Browser, e.BrowserVersion, e.OS, e.OSVersion, e.Screen, e.Language,
	} {
		dst = append(binary.AppendUvarint(dst, uint64(len(text))), text...)
	}
	n.scratch = dst
	return n.intern()
}

// unpackAttributes sets the session's fields to parts of packed.
func unpackAttributes(packed string, s *event.Session) {
	for _, to := range [...]*string{
		&s.Source, &s.Medium, &s.Campaign, &s.Term, &s.Content, &s.Channel, &s.Referrer, &s.Country, &s.Region, &s.City,
		&s.DeviceType, &s.Browser, &s.BrowserVersion, &s.OS, &s.OSVersion, &s.Screen, &s.Language,
	} {
		length, shift := 0, 0
		for packed[0] >= 0x80 {
			length |= int(packed[0]&0x7f) << shift
			shift += 7
			packed = packed[1:]
		}
		length |= int(packed[0]) << shift
		*to, packed = packed[1:1+length], packed[1+length:]
	}
}
