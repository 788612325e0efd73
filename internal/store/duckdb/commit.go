package duckdb

import (
	"context"
	_ "embed"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	duck "github.com/duckdb/duckdb-go-bindings"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store"
)

// tables are the writers of all tables that rows are appended to.
type tables struct {
	events, sessions, ledger, hours, failed, days, quarters, clean *table

	gone *table // keys of sessions that are to be replaced
	rows *table // places of rows that are to be deleted
}

func openTables(c *conn) (*tables, error) {
	t := &tables{}
	for name, to := range map[string]**table{"events": &t.events, "sessions": &t.sessions,
		"ledger": &t.ledger, "event_hours": &t.hours, "failed_events": &t.failed,
		"rollup_days": &t.days, "rollup_quarters": &t.quarters, "rollup_clean": &t.clean} {
		opened, err := openTable(c, name)
		if err != nil {
			t.close()
			return nil, err
		}
		*to = opened
	}
	var err error
	t.gone, err = openKeys(c, "gone", keyColumn{"website_id", duck.TypeVarchar}, keyColumn{"session_id", duck.TypeVarchar},
		keyColumn{"bot_band", duck.TypeUTinyInt}, keyColumn{"session_start", duck.TypeBigInt})
	if err == nil {
		t.rows, err = openKeys(c, "rows", keyColumn{"place", duck.TypeBigInt})
	}
	if err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func (t *tables) all() []*table {
	return []*table{t.events, t.sessions, t.ledger, t.hours, t.failed, t.days, t.quarters, t.clean, t.gone, t.rows}
}

func (t *tables) close() {
	for _, table := range t.all() {
		if table != nil {
			table.close()
		}
	}
}

// drop forgets rows that no transaction has.
func (t *tables) drop() {
	for _, table := range t.all() {
		table.drop()
	}
}

// staged is the open transaction of what was staged. The write lock is held while there is one.
type staged struct{ change *change }

// Stage implements store.Stager. Other writers wait until the Commit.
func (s *Store) Stage(ctx context.Context, batch *store.Batch) error {
	if len(batch.Sessions)+len(batch.Withdrawals) > 0 {
		return fmt.Errorf("BUG: a batch with %d sessions is staged", len(batch.Sessions)+len(batch.Withdrawals))
	}
	if s.staged == nil {
		s.write.Lock()
		if err := s.writer.exec(ctx, "begin"); err != nil {
			s.write.Unlock()
			return fmt.Errorf("cannot stage %d events: %w", len(batch.Events), err)
		}
		s.staged = &staged{newChange()}
	}
	err := s.storeRows(batch, s.staged.change)
	if err == nil {
		err = s.tables.events.hold()
	}
	if err != nil {
		s.Discard()
		return fmt.Errorf("cannot stage %d events: %w", len(batch.Events), err)
	}
	s.staged.change.now = s.opts.Clock().UnixMilli()
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	s.state.disturb(s.staged.change)
	return nil
}

// Discard implements store.Stager.
func (s *Store) Discard() {
	if s.staged != nil {
		s.staged = nil
		s.rollback(context.Background())
		s.write.Unlock()
	}
}

// Commit implements store.Writer. After an error nothing of the batch is stored, nor of what was staged for it.
func (s *Store) Commit(ctx context.Context, batch *store.Batch) error {
	change, begin := newChange(), true
	if s.staged != nil {
		change, begin, s.staged = s.staged.change, false, nil
	} else {
		s.write.Lock()
	}
	defer s.write.Unlock()
	store := func() error { return s.storeBatch(ctx, batch, change) }
	if batch.Next < s.state.position {
		store = func() error {
			return fmt.Errorf("BUG: cannot commit up to offset %d: the store is at %d", batch.Next, s.state.position)
		}
	}
	var err error
	if begin {
		err = s.transact(ctx, store)
	} else {
		err = s.conclude(ctx, store)
	}
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
	return s.conclude(ctx, fn)
}

// conclude runs fn in the open transaction and ends that.
func (s *Store) conclude(ctx context.Context, fn func() error) error {
	err := fn()
	if err == nil {
		err = s.writer.exec(ctx, "commit")
	}
	if err != nil {
		s.rollback(ctx)
	}
	return err
}

// rollback gives the open transaction up.
func (s *Store) rollback(ctx context.Context) {
	s.tables.drop()
	_ = s.writer.exec(context.WithoutCancel(ctx), "rollback") // fails where the engine has rolled back already
}

func (s *Store) storeBatch(ctx context.Context, batch *store.Batch, change *change) error {
	if err := s.storeRows(batch, change); err != nil {
		return err
	}
	if err := s.tables.events.flush(); err != nil {
		return err
	}
	if err := s.storeHours(change); err != nil {
		return err
	}
	if err := s.storeSessions(ctx, batch, change); err != nil {
		return err
	}
	if err := s.markDirty(ctx, change); err != nil {
		return err
	}
	return s.writer.exec(ctx, "update meta set value = ? where key = 'position'", strconv.FormatInt(batch.Next, 10))
}

// storeRows stores what a batch adds: all but its sessions and its position. The last events are not sent yet.
func (s *Store) storeRows(batch *store.Batch, change *change) error {
	for _, i := range visitOrder(batch.Events) {
		writeEvent(s.tables.events, &batch.Events[i])
		change.addEvent(&batch.Events[i])
	}
	return s.storeCounts(batch)
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

//go:embed sql/find_sessions.sql
var findSessionsSQL string

// dropSessions deletes the stored rows of the batch's session keys. The join on the start lets the engine skip the row
// groups that begin outside the keys' times; a delete with "returning" would read all columns.
func (s *Store) dropSessions(ctx context.Context, batch *store.Batch, change *change) error {
	if len(batch.Withdrawals)+len(batch.Sessions) == 0 {
		return nil
	}
	gone, rows := s.tables.gone, s.tables.rows
	defer gone.drop()
	defer rows.drop()
	note := func(ref event.SessionRef) {
		gone.text(ref.WebsiteID)
		gone.text(ref.SessionID)
		gone.uint8(ref.Band)
		gone.int64(ref.Start)
		gone.end()
	}
	for _, ref := range batch.Withdrawals {
		note(ref)
	}
	for i := range batch.Sessions {
		note(batch.Sessions[i].Ref())
	}
	gone.finish()
	found := 0
	err := s.writer.each(ctx, findSessionsSQL, nil, func(chunk *Chunk) error {
		for i, row := range chunk.Int64s(0) {
			rows.int64(row)
			rows.end()
			change.touch(chunk.Text(1, i), chunk.Int64s(2)[i], chunk.Int64s(3)[i])
		}
		found += chunk.Rows()
		return nil
	})
	if err == nil && found > 0 {
		rows.finish()
		err = s.writer.exec(ctx, "delete from sessions where rowid in (select place from feed_rows())")
	}
	if err != nil {
		return fmt.Errorf("cannot replace sessions: %w", err)
	}
	return nil
}

func (s *Store) storeCounts(batch *store.Batch) error {
	for _, row := range batch.Ledger {
		t := s.tables.ledger
		t.text(row.WebsiteID)
		t.int64(floor(row.Minute, minuteMillis) / minuteMillis)
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
	if err := s.tables.ledger.flush(); err != nil {
		return err
	}
	return s.tables.failed.flush()
}

func (s *Store) storeHours(change *change) error {
	for key, h := range change.hours {
		t := s.tables.hours
		t.text(key.website)
		t.int64(key.hour)
		t.int64(h.rows)
		t.int64(h.first)
		t.int64(h.last)
		t.end()
	}
	return s.tables.hours.flush()
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

// idParts returns the numbers that stand for the id of an event of that time.
func idParts(id event.UUID, timestamp int64) (high, low uint64) {
	return binary.BigEndian.Uint64(id[:8]) ^ uint64(timestamp)<<16, binary.BigEndian.Uint64(id[8:])
}

// idOf undoes idParts.
func idOf(high, low uint64, timestamp int64) (id event.UUID) {
	binary.BigEndian.PutUint64(id[:8], high^uint64(timestamp)<<16)
	binary.BigEndian.PutUint64(id[8:], low)
	return id
}

// writeEvent writes the columns in the order of schema.sql.
func writeEvent(t *table, e *event.Event) {
	t.text(e.WebsiteID)
	t.int64(e.Timestamp)
	t.int64(e.ReceivedAt - e.Timestamp)
	high, low := idParts(e.ID, e.Timestamp)
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
