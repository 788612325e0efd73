package clickhouse

import (
	"github.com/footfall-analytics/footfall/internal/event"
)

// eventRow is an event and where it stood in the log.
type eventRow struct {
	*event.Event
	topic     string
	partition int32
	position  int64
}

// sessionRow is a change of a session and its version.
type sessionRow struct {
	*event.SessionChange
	version uint64
}

// eventColumns, sessionColumns ... are the tables' columns; each call makes its own.
func eventTable() *table[eventRow] {
	type row = eventRow
	return &table[row]{"events", []columnOf[row]{
		of("website_id", func(e *row) string { return e.WebsiteID }),
		of("timestamp", func(e *row) int64 { return e.Timestamp }),
		of("received_at", func(e *row) int64 { return e.ReceivedAt }),
		ofID("event_id", func(e *row) event.UUID { return e.ID }),
		of("event_type", func(e *row) string { return e.Type.String() }),
		of("name", func(e *row) string { return e.Name }),
		of("interactive", func(e *row) bool { return e.Interactive }),
		of("user_id", func(e *row) string { return e.UserID }),
		of("sample_key", func(e *row) uint64 { return e.SampleKey }),
		of("visitor_coupon", func(e *row) uint32 { return e.VisitorCoupon }),
		of("session_id", func(e *row) string { return e.SessionID }),
		of("page", func(e *row) string { return e.Page }),
		of("hostname", func(e *row) string { return e.Hostname }),
		of("title", func(e *row) string { return e.Title }),
		of("referrer", func(e *row) string { return e.Referrer }),
		of("source", func(e *row) string { return e.Source }),
		of("medium", func(e *row) string { return e.Medium }),
		of("campaign", func(e *row) string { return e.Campaign }),
		of("term", func(e *row) string { return e.Term }),
		of("content", func(e *row) string { return e.Content }),
		of("channel", func(e *row) string { return e.Channel }),
		of("ip_address", func(e *row) string { return e.IPAddress }),
		of("country", func(e *row) string { return e.Country }),
		of("region", func(e *row) string { return e.Region }),
		of("city", func(e *row) string { return e.City }),
		of("device_type", func(e *row) string { return e.DeviceType }),
		of("browser", func(e *row) string { return e.Browser }),
		of("browser_version", func(e *row) string { return e.BrowserVersion }),
		of("os", func(e *row) string { return e.OS }),
		of("os_version", func(e *row) string { return e.OSVersion }),
		of("screen", func(e *row) string { return e.Screen }),
		of("language", func(e *row) string { return e.Language }),
		of("bot_score", func(e *row) uint8 { return e.BotScore }),
		of("bot_band", func(e *row) uint8 { return e.BotBand }),
		of("bot_reasons", func(e *row) []string { return e.BotReasons }),
		of("category", func(e *row) string { return e.Category }),
		of("action", func(e *row) string { return e.Action }),
		of("label", func(e *row) string { return e.Label }),
		of("value", func(e *row) float64 { return e.Value }),
		of("revenue", func(e *row) int64 { return e.Revenue }),
		of("currency", func(e *row) string { return e.Currency }),
		of("time_on_page", func(e *row) int64 { return e.TimeOnPage }),
		of("scroll_depth", func(e *row) int8 { return int8(e.ScrollDepth) }),
		ofProperties("properties", func(e *row) []event.Property { return e.Properties }),
		of("flags", func(e *row) uint32 { return uint32(e.Flags) }),
		of("log_topic", func(e *row) string { return e.topic }),
		of("log_partition", func(e *row) int32 { return e.partition }),
		of("log_position", func(e *row) int64 { return e.position }),
	}}
}

func sessionTable() *table[sessionRow] {
	type row = sessionRow
	return &table[row]{"sessions", []columnOf[row]{
		of("website_id", func(s *row) string { return s.WebsiteID }),
		of("session_start", func(s *row) int64 { return s.Start }),
		of("session_id", func(s *row) string { return s.SessionID }),
		of("bot_band", func(s *row) uint8 { return s.Band }),
		of("chain_start", func(s *row) int64 { return s.ChainStart }),
		of("session_end", func(s *row) int64 { return s.End }),
		of("user_id", func(s *row) string { return s.UserID }),
		of("sample_key", func(s *row) uint64 { return s.SampleKey }),
		of("visitor_coupon", func(s *row) uint32 { return s.VisitorCoupon }),
		of("visitors", sampleKeys),
		of("visitor_coupons", coupons),
		of("pageviews", func(s *row) int64 { return s.Pageviews }),
		of("events", func(s *row) int64 { return s.Events }),
		of("interactive", func(s *row) int64 { return s.Interactive }),
		of("bounce", func(s *row) bool { return s.Bounce() }),
		of("engaged_ms", func(s *row) int64 { return s.EngagedMs }),
		of("revenue_events", func(s *row) int64 { return s.RevenueEvents }),
		of("revenue", func(s *row) int64 { return s.Revenue }),
		of("currency", func(s *row) string { return s.Currency }),
		of("entry_page", func(s *row) string { return s.EntryPage }),
		of("entry_hostname", func(s *row) string { return s.EntryHostname }),
		of("exit_page", func(s *row) string { return s.ExitPage }),
		of("exit_hostname", func(s *row) string { return s.ExitHostname }),
		of("source", func(s *row) string { return s.Source }),
		of("medium", func(s *row) string { return s.Medium }),
		of("campaign", func(s *row) string { return s.Campaign }),
		of("term", func(s *row) string { return s.Term }),
		of("content", func(s *row) string { return s.Content }),
		of("channel", func(s *row) string { return s.Channel }),
		of("referrer", func(s *row) string { return s.Referrer }),
		of("country", func(s *row) string { return s.Country }),
		of("region", func(s *row) string { return s.Region }),
		of("city", func(s *row) string { return s.City }),
		of("device_type", func(s *row) string { return s.DeviceType }),
		of("browser", func(s *row) string { return s.Browser }),
		of("browser_version", func(s *row) string { return s.BrowserVersion }),
		of("os", func(s *row) string { return s.OS }),
		of("os_version", func(s *row) string { return s.OSVersion }),
		of("screen", func(s *row) string { return s.Screen }),
		of("language", func(s *row) string { return s.Language }),
		of("version", func(s *row) uint64 { return s.version }),
		of("is_deleted", withdrawn),
	}}
}

func sampleKeys(s *sessionRow) []uint64 {
	keys := make([]uint64, len(s.Visitors))
	for i, v := range s.Visitors {
		keys[i] = v.SampleKey
	}
	return keys
}

func coupons(s *sessionRow) []uint32 {
	out := make([]uint32, len(s.Visitors))
	for i, v := range s.Visitors {
		out[i] = v.Coupon
	}
	return out
}

func withdrawn(s *sessionRow) uint8 {
	if s.Withdrawn {
		return 1
	}
	return 0
}

func ledgerTable() *table[event.LedgerRow] {
	type row = event.LedgerRow
	return &table[row]{"ledger", []columnOf[row]{
		of("website_id", func(r *row) string { return r.WebsiteID }),
		of("minute", func(r *row) int64 { return event.Minute(r.Minute) / 1000 }),
		of("outcome", func(r *row) string { return r.Outcome.String() }),
		of("reason", func(r *row) string { return r.Reason }),
		of("count", func(r *row) int64 { return r.Count }),
	}}
}

func failedTable() *table[event.FailedEvent] {
	type row = event.FailedEvent
	return &table[row]{"failed_events", []columnOf[row]{
		of("website_id", func(f *row) string { return f.WebsiteID }),
		of("received_at", func(f *row) int64 { return f.ReceivedAt }),
		of("reason", func(f *row) string { return f.Reason }),
		of("payload", func(f *row) string { return string(f.Payload) }),
	}}
}
