package audit

// Report is what an audit found.
type Report struct {
	// How much was compared.
	Events   int64 `json:"events"`
	Sessions int64 `json:"sessions"`
	Minutes  int64 `json:"minutes"` // of the ledger
	Days     int64 `json:"days"`    // of rollups
	// Found is the number of differences; Differences holds the first thousand.
	Found       int64        `json:"found"`
	Differences []Difference `json:"differences"`
}

// Difference is one thing that is not as the events say.
type Difference struct {
	WebsiteID string `json:"website_id"`
	What      string `json:"what"` // which row of which view
	Expected  string `json:"expected"`
	Found     string `json:"found"`
}

const maxDifferences = 1000

// Add notes a difference.
func (r *Report) Add(websiteID, what, expected, found string) {
	r.Found++
	if len(r.Differences) < maxDifferences {
		r.Differences = append(r.Differences, Difference{websiteID, what, expected, found})
	}
}
