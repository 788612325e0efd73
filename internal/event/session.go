package event

// SessionKey names the sequence of events that sessions are cut from.
type SessionKey struct {
	WebsiteID string
	SessionID string
	Band      uint8
}

// SessionRef identifies one stored session. Start is unique within the key.
type SessionRef struct {
	SessionKey
	Start int64
}

// Session is one visit as the semantics define it. All sums are integers.
// Attributes are those of its first counted event.
type Session struct {
	SessionKey
	// ChainStart is the time of the first event of any of the three types that belongs to the session;
	// Start of its first counted event; End of its last event. ChainStart <= Start <= End.
	ChainStart, Start, End int64

	UserID        string
	SampleKey     uint64
	VisitorCoupon uint32
	// Visitors holds the sample keys and coupons of all distinct user ids of the session's counted events where there
	// is more than one, ordered by sample key; nil where UserID is the only one.
	Visitors []Visitor

	Pageviews   int64 // counted events of type pageview
	Events      int64 // counted events
	Interactive int64 // events of type "event" with Interactive
	EngagedMs   int64 // sum of TimeOnPage

	RevenueEvents int64
	Revenue       int64  // 1/10,000 of Currency; 0 when Currency is MixedCurrency
	Currency      string // "", the only currency, or MixedCurrency

	EntryPage, EntryHostname string // of the first pageview, "" without one
	ExitPage, ExitHostname   string // of the last pageview

	Source, Medium, Campaign, Term, Content, Channel, Referrer string
	Country, Region, City                                      string
	DeviceType, Browser, BrowserVersion, OS, OSVersion         string
	Screen, Language                                           string
}

// Visitor is one distinct user id in the two forms that queries count.
type Visitor struct {
	SampleKey uint64
	Coupon    uint32
}

// MixedCurrency is the Currency of a session whose revenue has more than one.
const MixedCurrency = "*"

// Ref returns the identity of the session.
func (s *Session) Ref() SessionRef { return SessionRef{s.SessionKey, s.Start} }

// Bounce reports whether the session has at most one pageview and no interactive event.
func (s *Session) Bounce() bool { return s.Pageviews <= 1 && s.Interactive == 0 }

// Duration returns End minus Start, in milliseconds.
func (s *Session) Duration() int64 { return s.End - s.Start }
