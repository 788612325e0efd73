package store

import "time"

// Kept says from which day (UTC) on all events are kept.
type Kept struct {
	All   time.Time
	Sites map[string]time.Time // of those that keep less, by website id
}

// Of returns the first day of which a site has all events.
func (k Kept) Of(websiteID string) time.Time {
	if own := k.Sites[websiteID]; own.After(k.All) {
		return own
	}
	return k.All
}
