package event

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/cespare/xxhash/v2"
	"google.golang.org/protobuf/encoding/protowire"
)

// KindErasure is the kind of a record that tells every consumer to forget: docs/semantics.md, "Erasure".
const KindErasure Kind = 8

// ErasureScope says what an erasure was asked for.
type ErasureScope string

// The scopes of erasures.
const (
	EraseVisitor ErasureScope = "visitor" // a user_id
	ErasePerson  ErasureScope = "person"  // the user_ids of an IP address and user agent on a day
	EraseSite    ErasureScope = "site"    // all events of the site
)

// Erasure is a request to forget. It covers what the site received before Before, wherever that stands in the log.
type Erasure struct {
	ID        string
	WebsiteID string
	Scope     ErasureScope
	AskedAt   int64 // ms
	AskedBy   string
	Before    int64    // ms; of a site that was deleted: Forever
	Visitors  []string // user_ids; none for EraseSite
}

// Forever is the Before of an erasure that also covers what comes later.
const Forever = 1 << 53 // exact in JSON; the year 287,396

// Subject stands for a visitor of a site whose id may not be kept: nothing but a guess of the id leads from it to the visitor.
type Subject struct {
	SampleKey uint64   // xxh64 of the user_id, as every event has it
	Digest    [16]byte // see SubjectOf
}

// SubjectOf returns what stands for a visitor: the digest is the first 16 bytes of SHA-256 of the website_id, a space and the user_id.
func SubjectOf(websiteID, userID string) Subject {
	var stack [256]byte
	sum := sha256.Sum256(append(append(append(stack[:0], websiteID...), ' '), userID...))
	return Subject{xxhash.Sum64String(userID), [16]byte(sum[:16])}
}

// Text returns the digest in hex.
func (s Subject) Text() string { return hex.EncodeToString(s.Digest[:]) }

// ParseSubject returns what stands for a visitor from its sample key and the text of its digest.
func ParseSubject(key uint64, digest string) Subject {
	s := Subject{SampleKey: key}
	sum, _ := hex.DecodeString(digest)
	copy(s.Digest[:], sum)
	return s
}

// Erased is what is kept of an erasure for good: all but the ids of the visitors.
type Erased struct {
	ID        string
	WebsiteID string
	Scope     ErasureScope
	AskedAt   int64
	AskedBy   string
	Before    int64
	Subjects  []Subject
}

// Erased returns what may be kept of the erasure.
func (e *Erasure) Erased() Erased {
	kept := Erased{ID: e.ID, WebsiteID: e.WebsiteID, Scope: e.Scope, AskedAt: e.AskedAt, AskedBy: e.AskedBy, Before: e.Before}
	for _, id := range e.Visitors {
		kept.Subjects = append(kept.Subjects, SubjectOf(e.WebsiteID, id))
	}
	return kept
}

// Covers reports whether the event is to be forgotten.
func (e *Erased) Covers(x *Event) bool {
	if x.WebsiteID != e.WebsiteID || x.ReceivedAt >= e.Before {
		return false
	}
	if e.Scope == EraseSite {
		return true
	}
	for _, s := range e.Subjects {
		if s.SampleKey == x.SampleKey && s == SubjectOf(x.WebsiteID, x.UserID) {
			return true
		}
	}
	return false
}

// Erasures is all that is to be forgotten, for those who take in events. The zero value is empty.
type Erasures struct {
	sites map[string]*siteErasures
}

type siteErasures struct {
	before   int64 // of the whole site
	visitors map[Subject]int64
	keys     map[uint64]struct{} // sample keys of visitors: most events need no digest
}

// Add takes an erasure in.
func (s *Erasures) Add(e Erased) {
	if s.sites == nil {
		s.sites = map[string]*siteErasures{}
	}
	site := s.sites[e.WebsiteID]
	if site == nil {
		site = &siteErasures{visitors: map[Subject]int64{}, keys: map[uint64]struct{}{}}
		s.sites[e.WebsiteID] = site
	}
	if e.Scope == EraseSite {
		site.before = max(site.before, e.Before)
	}
	for _, subject := range e.Subjects {
		site.visitors[subject] = max(site.visitors[subject], e.Before)
		site.keys[subject.SampleKey] = struct{}{}
	}
}

// Covers reports whether the event is to be forgotten.
func (s *Erasures) Covers(x *Event) bool {
	site := s.sites[x.WebsiteID]
	if site == nil {
		return false
	}
	if x.ReceivedAt < site.before {
		return true
	}
	if _, ok := site.keys[x.SampleKey]; !ok {
		return false
	}
	return x.ReceivedAt < site.visitors[SubjectOf(x.WebsiteID, x.UserID)]
}

// AppendRecord appends the erasure as a record of the log to dst.
func (e *Erasure) AppendRecord(dst []byte) []byte {
	dst = append(dst, byte(KindErasure))
	dst = appendTextOf(dst, 1, e.ID)
	dst = appendTextOf(dst, 2, e.WebsiteID)
	dst = appendTextOf(dst, 3, string(e.Scope))
	dst = appendInt(dst, 4, e.AskedAt)
	dst = appendTextOf(dst, 5, e.AskedBy)
	dst = appendInt(dst, 6, e.Before)
	for _, id := range e.Visitors {
		dst = appendText(dst, 7, id)
	}
	return dst
}

// DecodeErasure reads a record of KindErasure.
func (e *Erasure) DecodeErasure(record []byte) error {
	*e = Erasure{}
	return decodeKind(record, KindErasure, "an erasure", func(f field) error {
		switch f.num {
		case 1:
			e.ID = f.text
		case 2:
			e.WebsiteID = f.text
		case 3:
			e.Scope = ErasureScope(f.text)
		case 4:
			e.AskedAt = protowire.DecodeZigZag(f.number)
		case 5:
			e.AskedBy = f.text
		case 6:
			e.Before = protowire.DecodeZigZag(f.number)
		case 7:
			e.Visitors = append(e.Visitors, f.text)
		}
		return nil
	})
}

// Valid reports whether the erasure says what it is for: one that does not must change nothing.
func (e *Erasure) Valid() bool {
	if e.ID == "" || e.WebsiteID == "" || e.Before <= 0 {
		return false
	}
	switch e.Scope {
	case EraseSite:
		return len(e.Visitors) == 0
	case EraseVisitor, ErasePerson:
		return len(e.Visitors) > 0
	}
	return false
}
