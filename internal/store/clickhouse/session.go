package clickhouse

import (
	"context"
	_ "embed"

	"github.com/footfall-analytics/footfall/internal/event"
)

//go:embed sql/sessions.sql
var sessionsSQL string

// reading runs a statement: Store.each, or an audit's.
type reading func(ctx context.Context, sql string, args []any, yield func(scanner) error) error

// eachSession calls yield for the sessions that fulfil the condition, and what their rows say of bounces.
func eachSession(ctx context.Context, each reading, condition string, args []any, yield func(session *event.Session, bounce bool)) error {
	return each(ctx, sessionsSQL+condition, args, func(scan scanner) error {
		out := &event.Session{}
		var keys []uint64
		var coupons []uint32
		var bounce bool
		err := scan(&out.WebsiteID, &out.SessionID, &out.Band, &out.ChainStart, &out.Start, &out.End, &out.UserID, &out.SampleKey, &out.VisitorCoupon, &keys, &coupons,
			&out.Pageviews, &out.Events, &out.Interactive, &out.EngagedMs, &out.RevenueEvents, &out.Revenue, &out.Currency, &bounce,
			&out.EntryPage, &out.EntryHostname, &out.ExitPage, &out.ExitHostname,
			&out.Source, &out.Medium, &out.Campaign, &out.Term, &out.Content, &out.Channel, &out.Referrer, &out.Country, &out.Region, &out.City,
			&out.DeviceType, &out.Browser, &out.BrowserVersion, &out.OS, &out.OSVersion, &out.Screen, &out.Language)
		if err != nil {
			return err
		}
		for i, key := range keys {
			out.Visitors = append(out.Visitors, event.Visitor{SampleKey: key, Coupon: coupons[i]})
		}
		yield(out, bounce)
		return nil
	})
}
