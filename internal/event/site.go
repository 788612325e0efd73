package event

// Site is what the door, processing and queries need to know of a site. Values are immutable: a change makes a new one.
type Site struct {
	WebsiteID  string // opaque, never reused
	TrackingID string // public key in the snippet
	Domain     string // an attribute; may change
	Timezone   string // IANA name
	// Threshold is the first bot band that is not people: 0-4, default 2.
	Threshold uint8
	IPPolicy  IPPolicy
	// Hostnames is the owner's allow-list; empty allows all.
	Hostnames []string
	// IgnoreSignals is true where the owner counts visitors that send GPC or DNT.
	IgnoreSignals bool
	// QueryKeys are the query parameters of a URL that stay in Page.
	QueryKeys []string
	// RetentionMonths is how long the site's raw events are kept, months of 31 days; 0 where all that the installation keeps are. Rollups stay.
	RetentionMonths int
	Demo            bool
	CreatedAt       int64
}

// IPPolicy says what of an address is stored.
type IPPolicy string

// The policies. Truncated keeps /24 and /48.
const (
	IPNone      IPPolicy = "none"
	IPTruncated IPPolicy = "truncated"
	IPFull      IPPolicy = "full"
)
