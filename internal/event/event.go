package event

// Type is the kind of an event. The zero value is invalid.
type Type uint8

// The six types an event may have. Only Pageview and Custom are counted.
const (
	Pageview   Type = 1 + iota // "pageview"
	Custom                     // "event"
	Engagement                 // "engagement": time on page and scroll depth, prolongs a session, counts for nothing
	Identify                   // "identify": attaches traits to a user_id, counts for nothing
	Vitals                     // "vitals"
	Error                      // "error"
)

var typeNames = [...]string{Pageview: "pageview", Custom: "event", Engagement: "engagement", Identify: "identify", Vitals: "vitals", Error: "error"}

// String returns the name as it stands in JSON and in the stores.
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return ""
}

// ParseType returns the type of that name, and false for any other text.
func ParseType(name string) (Type, bool) {
	for t := Pageview; t <= Error; t++ {
		if typeNames[t] == name {
			return t, true
		}
	}
	return 0, false
}

// Counted reports whether events of the type are counted (bands apart).
func (t Type) Counted() bool { return t == Pageview || t == Custom }

// InSession reports whether events of the type form sessions.
func (t Type) InSession() bool { return t == Pageview || t == Custom || t == Engagement }

// Event is one stored event. Times are int64 milliseconds since the epoch, UTC.
// Strings are valid UTF-8 without control characters; "" means "not known".
// An Event is owned by whoever decoded it; its strings may share one buffer.
type Event struct {
	ID        UUID
	WebsiteID string // opaque id of the site
	Type      Type
	Name      string // custom event name; for trackEvent it is Action
	// Interactive is false only for events that the SDK made by itself.
	Interactive bool
	Timestamp   int64 // event time, never later than ReceivedAt
	ReceivedAt  int64 // server time

	UserID        string
	SampleKey     uint64 // xxh64 of UserID
	VisitorCoupon uint32 // DataSketches HLL coupon of UserID
	SessionID     string

	Page, Hostname, Title, Referrer                  string
	Source, Medium, Campaign, Term, Content, Channel string
	IPAddress                                        string // "" unless the site's policy keeps it
	Country, Region, City                            string
	DeviceType, Browser, BrowserVersion              string
	OS, OSVersion, Screen, Language                  string

	BotScore   uint8 // 0-100
	BotBand    uint8 // 0-3, a function of BotScore: see Band
	BotReasons []string

	Category, Action, Label string
	Value                   float64 // 0 when none was sent

	Revenue  int64  // 1/10,000 of Currency; 0 without Currency
	Currency string // ISO 4217, "" when the event has no revenue

	TimeOnPage  int64 // ms, of an Engagement event
	ScrollDepth int16 // 0-100, NoScroll when none was sent

	Properties []Property // ordered by key, keys unique

	Flags   Flags
	Session *SessionInfo // what the session store knew at the door; not stored
}

// NoScroll is the ScrollDepth of an event that carries none.
const NoScroll = -1

// Property is one key of an event's properties.
type Property struct{ Key, Value string }

// Flags mark what happened to an event at the door.
type Flags uint32

// The flags; several may stand together.
const (
	ClockAhead Flags = 1 << iota // client clock was more than 5 min ahead
	Truncated                    // at least one field was cut to its limit
	DerivedID                    // event_id was derived by the server
	Imported                     // came by POST /v1/import
)

// SessionInfo is what the session store knew of an event's session when the event arrived:
// best effort, for the live feed only.
type SessionInfo struct {
	StartedAt int64
	Events    uint32 // counted events before this one
	EntryPage string
	Source    string
}

// Counted reports whether the event is counted for sites whose people are the bands below threshold.
func (e *Event) Counted(threshold uint8) bool { return e.Type.Counted() && e.BotBand < threshold }

// HasRevenue reports whether the event carries revenue.
func (e *Event) HasRevenue() bool { return e.Currency != "" }

// Band returns the bot band of a score: 0-24, 25-49, 50-74, 75-100.
func Band(score uint8) uint8 { return min(score/25, 3) }

// Limits of the semantics, section 3.
const (
	MaxEventBytes      = 32 << 10
	MaxBatchBytes      = 1 << 20 // inflated
	MaxBatchEvents     = 500
	MaxURLBytes        = 2048
	MaxTitleBytes      = 512
	MaxUserAgentBytes  = 512
	MaxDepth           = 8
	MaxProperties      = 64
	MaxPropertyKey     = 64
	MaxPropertyValue   = 512
	MaxNameBytes       = 512 // every other string of an event
	LateLimitMillis    = 7 * 24 * 3600 * 1000
	SessionGapMillis   = 30 * 60 * 1000
	SessionSplitMillis = 24 * 3600 * 1000
	DayMillis          = 24 * 3600 * 1000
	ClockAheadMillis   = 5 * 60 * 1000
	ClockSkewMillis    = 10 * 1000
)
