package duckdb

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store/storetest"
)

func TestBattery(t *testing.T) {
	open := func(dir string) (storetest.Store, error) {
		return Open(Options{Path: filepath.Join(dir, "events.duckdb")})
	}
	storetest.Run(t, open, storetest.Probe{Sessions: probeSessions, Ledger: probeLedger}, storetest.Cannot{})
}

func probeSessions(s storetest.Store, websiteID string) (list []event.Session, err error) {
	const sql = `select website_id, session_id, bot_band, chain_start, session_start, session_end, user_id, sample_key, visitor_coupon,
    visitors, visitor_coupons, pageviews, events, interactive, engaged_ms, revenue_events, revenue, currency, bounce,
    entry_page, entry_hostname, exit_page, exit_hostname, source, medium, campaign, term, content, channel, referrer, country, region, city,
    device_type, browser, browser_version, os, os_version, screen, language
from sessions where website_id = ?`
	err = s.(*Store).Select(context.Background(), sql, []any{websiteID}, func(c *Chunk) error {
		for i := range c.Rows() {
			list = append(list, readSession(c, i))
		}
		return nil
	})
	return list, err
}

func probeLedger(s storetest.Store, websiteID string, outcome event.Outcome) (n int64, err error) {
	counts, err := s.(*Store).LedgerCounts(context.Background(), websiteID, 0, 1<<50)
	return map[event.Outcome]int64{event.Stored: counts.Stored, event.Failed: counts.Failed, event.Duplicate: counts.Duplicate}[outcome], err
}
