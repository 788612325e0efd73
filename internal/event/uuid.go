package event

import (
	"encoding/hex"
	"errors"

	"github.com/google/uuid"
)

// UUID is an event id. Its byte order is the order of its lower-case text.
type UUID [16]byte

// DedupeKey is one event of a log as an index of duplicates sees it.
type DedupeKey struct {
	WebsiteID  string
	EventID    UUID
	Offset     int64 // in the log
	ReceivedAt int64 // ms
}

var errUUID = errors.New("not a UUID")

// String returns the lower-case text with dashes.
func (u UUID) String() string { return string(u.AppendText(nil)) }

// AppendText appends the lower-case text with dashes to dst.
func (u UUID) AppendText(dst []byte) []byte {
	for i, group := range [...][]byte{u[:4], u[4:6], u[6:8], u[8:10], u[10:]} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, group)
	}
	return dst
}

// IsZero reports whether u is the nil UUID, which no stored event has.
func (u UUID) IsZero() bool { return u == UUID{} }

// ParseUUID reads the text of a UUID, in either case.
func ParseUUID(text string) (UUID, error) {
	if len(text) != 36 { // uuid.Parse takes braces and URNs too; an event id may not be one
		return UUID{}, errUUID
	}
	u, err := uuid.Parse(text)
	if err != nil {
		return UUID{}, errUUID
	}
	return UUID(u), nil
}

// namespace is the v5 name space of ids that are no UUIDs: v5 of the URL name space and "https://footfall.example/event".
var namespace = uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://footfall.example/event"))

// NamedUUID returns the v5 UUID that stands for name, which is an id that is no UUID, or the parts an id is derived from.
func NamedUUID(name []byte) UUID { return UUID(uuid.NewSHA1(namespace, name)) }
