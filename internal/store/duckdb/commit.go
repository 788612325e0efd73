package duckdb

import (
	"context"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store"
)

// tables are the writers of all tables that rows are appended to.
type tables struct {
	events, sessions, gone, ledger, hours, failed, days, quarters, clean *table
}

// gone holds the keys of the sessions that a commit replaces or withdraws. It is empty between commits.
const createGone = `create temp table gone (website_id varchar not null, session_id varchar not null,
    bot_band utinyint not null, session_start bigint not null)`

func openTables(c *conn) (*tables, error) {
	if err := c.execAll(createGone); err != nil {
		return nil, err
	}
	t := &tables{}
	for name, to := range map[string]**table{"events": &t.events, "sessions": &t.sessions, "gone": &t.gone,
		"ledger": &t.ledger, "event_hours": &t.hours, "failed_events": &t.failed,
		"rollup_days": &t.days, "rollup_quarters": &t.quarters, "rollup_clean": &t.clean} {
		opened, err := openTable(c, name)
		if err != nil {
			t.close()
			return nil, err
		}
		*to = opened
	}
	return t, nil
}

func (t *tables) close() {
	for _, table := range []*table{t.events, t.sessions, t.gone, t.ledger, t.hours, t.failed, t.days, t.quarters, t.clean} {
		if table != nil {
			table.close()
		}
	}
}

// Commit implements store.Writer. After an error nothing of the batch is stored.
func (s *Store) Commit(ctx context.Context, batch *store.Batch) error {
	s.write.Lock()
	defer s.write.Unlock()
	if batch.Next < s.state.position {
		return fmt.Errorf("BUG: cannot commit up to offset %d: the store is at %d", batch.Next, s.state.position)
	}
	change := newChange()
	err := s.transact(ctx, func() error { return s.storeBatch(ctx, batch, change) })
	if err != nil {
		return fmt.Errorf("cannot store %d events up to offset %d: %w", len(batch.Events), batch.Next, err)
	}
	change.position, change.now = batch.Next, s.opts.Clock().UnixMilli()
	s.state.apply(change)
	return nil
}

// transact runs fn in one transaction of the write connection, whose lock the caller holds.
func (s *Store) transact(ctx context.Context, fn func() error) error {
	if err := s.writer.exec(ctx, "begin"); err != nil {
		return err
	}
	err := fn()
	if err == nil {
		err = s.writer.exec(ctx, "commit")
	}
	if err != nil {
		_ = s.writer.exec(context.WithoutCancel(ctx), "rollback") // fails where the engine has rolled back already
	}
	return err
}

func (s *Store) storeBatch(ctx context.Context, batch *store.Batch, change *change) error {
	for _, i := range visitOrder(batch.Events) {
		writeEvent(s.tables.events, &batch.Events[i])
		change.addEvent(&batch.Events[i])
	}
	if err := s.tables.events.flush(); err != nil {
		return err
	}
	if err := s.storeSessions(ctx, batch, change); err != nil {
		return err
	}
	if err := s.storeCounts(batch, change); err != nil {
		return err
	}
	if err := s.markDirty(ctx, change); err != nil {
		return err
	}
	return s.writer.exec(ctx, "insert or replace into meta values ('position', ?)", strconv.FormatInt(batch.Next, 10))
}

// storeSessions deletes what the batch withdraws or replaces and appends its sessions.
func (s *Store) storeSessions(ctx context.Context, batch *store.Batch, change *change) error {
	if err := s.dropSessions(ctx, batch, change); err != nil {
		return err
	}
	for i := range batch.Sessions {
		session := &batch.Sessions[i]
		writeSession(s.tables.sessions, session)
		change.touch(session.WebsiteID, session.ChainStart, session.End)
	}
	return s.tables.sessions.flush()
}

// dropSessions deletes the stored rows of the batch's session keys. The bounds of the keys' starts are written into the
// statement, so that the engine skips the row groups outside.
func (s *Store) dropSessions(ctx context.Context, batch *store.Batch, change *change) error {
	if len(batch.Withdrawals)+len(batch.Sessions) == 0 {
		return nil
	}
	first, last := int64(1)<<62, -int64(1)<<62
	note := func(ref event.SessionRef) {
		g := s.tables.gone
		g.text(ref.WebsiteID)
		g.text(ref.SessionID)
		g.uint8(ref.Band)
		g.int64(ref.Start)
		g.end()
		first, last = min(first, ref.Start), max(last, ref.Start)
	}
	for _, ref := range batch.Withdrawals {
		note(ref)
	}
	for i := range batch.Sessions {
		note(batch.Sessions[i].Ref())
	}
	if err := s.tables.gone.flush(); err != nil {
		return err
	}
	err := s.writer.once(ctx, fmt.Sprintf(`delete from sessions using gone
where sessions.session_start = gone.session_start and sessions.session_id = gone.session_id
    and sessions.website_id = gone.website_id and sessions.bot_band = gone.bot_band
    and sessions.session_start between %d and %d
returning sessions.website_id, sessions.chain_start, sessions.session_end`, first, last), nil, func(chunk *Chunk) error {
		for i := range chunk.Rows() {
			change.touch(chunk.Text(0, i), chunk.Int64s(1)[i], chunk.Int64s(2)[i])
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot replace sessions: %w", err)
	}
	return s.writer.exec(ctx, "delete from gone")
}

func (s *Store) storeCounts(batch *store.Batch, change *change) error {
	for _, row := range batch.Ledger {
		t := s.tables.ledger
		t.text(row.WebsiteID)
		t.int64(row.Minute)
		t.text(row.Outcome.String())
		t.text(row.Reason)
		t.int64(row.Count)
		t.end()
	}
	for i := range batch.Failed {
		t, f := s.tables.failed, &batch.Failed[i]
		t.text(f.WebsiteID)
		t.int64(f.ReceivedAt)
		t.text(f.Reason)
		t.blob(f.Payload)
		t.end()
	}
	for key, h := range change.hours {
		t := s.tables.hours
		t.text(key.website)
		t.int64(key.hour)
		t.int64(h.rows)
		t.int64(h.first)
		t.int64(h.last)
		t.end()
	}
	for _, t := range []*table{s.tables.ledger, s.tables.failed, s.tables.hours} {
		if err := t.flush(); err != nil {
			return err
		}
	}
	return nil
}

// markDirty takes the touched days out of the clean ones. Commits are of today mostly, which is never clean.
func (s *Store) markDirty(ctx context.Context, change *change) error {
	change.dirty = s.state.cleanDaysOf(change)
	for _, d := range change.dirty {
		if err := s.writer.exec(ctx, "delete from rollup_clean where website_id = ? and day_start = ? and day_end = ?", d.website, d.Start, d.End); err != nil {
			return fmt.Errorf("cannot mark a day as dirty: %w", err)
		}
	}
	return nil
}

// unlessEqual returns user, or "" where the session id says the same: most visitors have no other id.
func unlessEqual(user, session string) string {
	if user == session {
		return ""
	}
	return user
}

// userOf undoes unlessEqual. A user id is never empty.
func userOf(user, session string) string {
	if user == "" {
		return session
	}
	return user
}

func idParts(id event.UUID) (high, low uint64) {
	return binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:])
}

func idOf(high, low uint64) (id event.UUID) {
	binary.BigEndian.PutUint64(id[:8], high)
	binary.BigEndian.PutUint64(id[8:], low)
	return id
}

// writeEvent writes the columns in the order of schema.sql.
func writeEvent(t *table, e *event.Event) {
	t.text(e.WebsiteID)
	t.int64(e.Timestamp)
	t.int64(e.ReceivedAt)
	high, low := idParts(e.ID)
	t.uint64(high)
	t.uint64(low)
	t.text(e.Type.String())
	t.text(e.Name)
	t.bool(e.Interactive)
	t.text(unlessEqual(e.UserID, e.SessionID))
	t.uint64(e.SampleKey)
	t.uint32(e.VisitorCoupon)
	t.text(e.SessionID)
	for _, s := range [...]string{e.Page, e.Hostname, e.Title, e.Referrer, e.Source, e.Medium, e.Campaign, e.Term, e.Content, e.Channel,
		e.IPAddress, e.Country, e.Region, e.City, e.DeviceType, e.Browser, e.BrowserVersion, e.OS, e.OSVersion, e.Screen, e.Language} {
		t.text(s)
	}
	t.uint8(e.BotScore)
	t.uint8(e.BotBand)
	t.text(strings.Join(e.BotReasons, ","))
	t.text(e.Category)
	t.text(e.Action)
	t.text(e.Label)
	t.float64(e.Value)
	t.int64(e.Revenue)
	t.text(e.Currency)
	t.int64(e.TimeOnPage)
	t.int8(int8(e.ScrollDepth))
	t.properties(e.Properties)
	t.uint32(uint32(e.Flags))
	t.end()
}

// writeSession writes the columns in the order of schema.sql.
func writeSession(t *table, s *event.Session) {
	t.text(s.WebsiteID)
	t.text(s.SessionID)
	t.uint8(s.Band)
	t.int64(s.ChainStart)
	t.int64(s.Start)
	t.int64(s.End)
	t.text(unlessEqual(s.UserID, s.SessionID))
	t.uint64(s.SampleKey)
	t.uint32(s.VisitorCoupon)
	writeVisitors(t, s.Visitors)
	t.int64(s.Pageviews)
	t.int64(s.Events)
	t.int64(s.Interactive)
	t.bool(s.Bounce())
	t.int64(s.EngagedMs)
	t.int64(s.RevenueEvents)
	t.int64(s.Revenue)
	t.text(s.Currency)
	for _, text := range [...]string{s.EntryPage, s.EntryHostname, s.ExitPage, s.ExitHostname,
		s.Source, s.Medium, s.Campaign, s.Term, s.Content, s.Channel, s.Referrer, s.Country, s.Region, s.City,
		s.DeviceType, s.Browser, s.BrowserVersion, s.OS, s.OSVersion, s.Screen, s.Language} {
		t.text(text)
	}
	t.end()
}

func writeVisitors(t *table, visitors []event.Visitor) {
	if visitors == nil {
		t.null()
		t.null()
		return
	}
	keys, coupons := make([]uint64, len(visitors)), make([]uint32, len(visitors))
	for i, v := range visitors {
		keys[i], coupons[i] = v.SampleKey, v.Coupon
	}
	numbers(t, keys)
	numbers(t, coupons)
}
