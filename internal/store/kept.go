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

// Whole returns the first day of which a site has all that its visits are made of: a visit may have begun on the day before, and where
// it was cut may depend on what was half an hour before that. What all sites keep no longer stays in the archive for some days more.
func (k Kept) Whole(websiteID string) time.Time {
	if from := k.Of(websiteID); from.After(k.All) {
		return from.AddDate(0, 0, 2)
	}
	return k.All
}
