package duckdb

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/footfall-analytics/footfall/internal/event"
)

//go:embed sql/recent.sql
var recentSQL string

// Recent calls yield for every stored event with a timestamp of since or later, in no particular order: what the live view starts
// from, of which there may be millions. Properties, flags, address and bot reasons are not set.
func (s *Store) Recent(ctx context.Context, since int64, yield func(*event.Event)) error {
	err := s.Select(ctx, recentSQL, []any{since}, func(chunk *Chunk) error {
		for row := range chunk.Rows() {
			e := readRecent(chunk, row)
			yield(&e)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot read the events since %d: %w", since, err)
	}
	return nil
}

// readRecent reads the columns of sql/recent.sql.
func readRecent(c *Chunk, row int) event.Event {
	typ, _ := event.ParseType(string(c.Bytes(5, row)))
	session := c.Text(3, row)
	e := event.Event{ID: idOf(c.Uint64s(0)[row], c.Uint64s(1)[row], c.Int64s(8)[row]), WebsiteID: c.Text(2, row), SessionID: session,
		UserID: userOf(c.Text(4, row), session), Type: typ, Name: c.Text(6, row), Interactive: c.Bools(7)[row],
		Timestamp: c.Int64s(8)[row], ReceivedAt: c.Int64s(8)[row] + c.Int64s(9)[row], SampleKey: c.Uint64s(10)[row], VisitorCoupon: c.Uint32s(11)[row],
		BotScore: c.Uint8s(12)[row], BotBand: c.Uint8s(13)[row], Revenue: c.Int64s(14)[row], Currency: c.Text(15, row),
		TimeOnPage: c.Int64s(16)[row], Value: c.Float64s(17)[row], ScrollDepth: event.NoScroll}
	for i, to := range [...]*string{&e.Page, &e.Hostname, &e.Title, &e.Referrer, &e.Source, &e.Medium, &e.Campaign, &e.Term, &e.Content, &e.Channel,
		&e.Country, &e.Region, &e.City, &e.DeviceType, &e.Browser, &e.BrowserVersion, &e.OS, &e.OSVersion, &e.Screen, &e.Language,
		&e.Category, &e.Action, &e.Label} {
		*to = c.Text(18+i, row)
	}
	return e
}

// Counts are the ledger of a site over a range: Received is the sum of the other four.
type Counts struct {
	Received, Stored, Duplicate, Filtered, Failed int64
	// Reasons holds the parts of Filtered and Failed, by "outcome: reason".
	Reasons map[string]int64
}

const ledgerCountsSQL = `select outcome, reason, sum(count)::bigint
from ledger
where website_id = ? and minute >= ? and minute < ?
group by 1, 2`

// LedgerCounts sums the ledger over the receipt minutes that start in [from, to).
func (s *Store) LedgerCounts(ctx context.Context, websiteID string, from, to int64) (counts Counts, err error) {
	counts.Reasons = map[string]int64{}
	err = s.Select(ctx, ledgerCountsSQL, []any{websiteID, minutesBefore(from), minutesBefore(to)}, func(chunk *Chunk) error {
		for i := range chunk.Rows() {
			counts.add(chunk.Text(0, i), chunk.Text(1, i), chunk.Int64s(2)[i])
		}
		return nil
	})
	if err != nil {
		return Counts{}, fmt.Errorf("cannot read the ledger of site %q: %w", websiteID, err)
	}
	return counts, nil
}

// minutesBefore returns how many minutes since the epoch begin before ms.
func minutesBefore(ms int64) int64 { return -floor(-ms, minuteMillis) / minuteMillis }

func (c *Counts) add(outcome, reason string, n int64) {
	switch outcome {
	case event.Received.String():
		c.Received += n
	case event.Stored.String():
		c.Stored += n
	case event.Duplicate.String():
		c.Duplicate += n
	case event.Filtered.String():
		c.Filtered += n
		c.Reasons[outcome+": "+reason] += n
	case event.Failed.String():
		c.Failed += n
		c.Reasons[outcome+": "+reason] += n
	}
}
