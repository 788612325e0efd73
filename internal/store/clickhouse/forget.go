package clickhouse

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store"
)

// The points at which a kill of a pass is tried.
const (
	PointForgetNoted    = "forget noted"    // what is about to go is written down
	PointForgetRemoved  = "forget removed"  // sessions have gone, those that others share too
	PointForgetSessions = "forget sessions" // sessions are as they will be
	PointForgetEvents   = "forget events"   // the events have gone
	PointForgetCounts   = "forget counts"   // hours, ledger and changes are right
	PointForgetViews    = "forget views"    // all but the position is done
)

// settledAfter is how long behind an erasure's time everything that it covers is in the tables: a request under way bears the time at
// which it began.
const settledAfter = 30_000

// watchMillis is how long it is looked for what comes back: as long as the stream's state and the log last.
const watchMillis = event.LateLimitMillis + event.DayMillis

// Forget removes what noted erasures cover, once all of it has come: fresh is a time (ms) before which everything acknowledged is in
// the tables. Each pass is written down before it changes anything, so that a kill repeats it. One process calls it at a time.
func (s *Store) Forget(ctx context.Context, fresh int64, rebuild store.Rebuild, failPoint func(string) error) error {
	if failPoint == nil {
		failPoint = func(string) error { return nil }
	}
	reports, err := s.Erasures(ctx, "")
	if err != nil {
		return err
	}
	slices.Reverse(reports) // the oldest first
	for i := range reports {
		r := &reports[i]
		done := forgotten(r)
		if r.AskedAt+settledAfter > fresh || done && r.AskedAt+watchMillis < s.opts.Clock().UnixMilli() {
			continue
		}
		f := &forgetting{Store: s, erased: &r.Erased, proofs: r.Proofs, rebuild: rebuild, fail: failPoint}
		if err := f.look(ctx, done); err != nil {
			return fmt.Errorf("cannot apply erasure %q: %w", r.ID, err)
		}
	}
	return nil
}

// forgotten reports whether a look has found nothing of the erasure here, whatever is left elsewhere.
func forgotten(r *store.ErasureReport) bool {
	for _, p := range r.Proofs {
		if p.VerifiedAt == 0 && (p.Part == partEvents || p.Part == partSessions) {
			return false
		}
	}
	return r.AppliedAt > 0
}

// forgetting is one erasure under way.
type forgetting struct {
	*Store
	erased  *event.Erased
	proofs  []store.Proof
	rebuild store.Rebuild
	fail    func(string) error
	pass    uint64
	days    []string // of the events that go
}

func (f *forgetting) consumer() string { return "erasure/" + f.erased.ID }

func (f *forgetting) token(what string) string {
	return fmt.Sprintf("%s/%d/%s", f.consumer(), f.pass, what)
}

// look runs a pass, unless one has found nothing before and nothing has come back since. The stream's state holds erased events for
// days: a session that goes on, or that a late event touches, comes back with them, and is made anew from the stored ones.
func (f *forgetting) look(ctx context.Context, verified bool) error {
	if verified {
		back, err := f.cameBack(ctx)
		if err != nil || !back {
			return err
		}
	}
	return f.run(ctx)
}

// cameBack reports whether there are events that should have gone, or sessions that the stored events do not bear out.
func (f *forgetting) cameBack(ctx context.Context) (bool, error) {
	var events uint64
	if err := f.writer.QueryRow(ctx, "select count() from events where "+covered(f.erased), named(f.args())...).Scan(&events); err != nil || events > 0 {
		return events > 0, err
	}
	stored, ids := map[event.SessionRef]event.Session{}, []string{}
	each := func(ctx context.Context, sql string, args []any, yield func(scanner) error) error {
		return eachOn(ctx, f.writer, sql, args, yield)
	}
	condition := "where " + f.sessionsOf() + " and chain_start < fromUnixTimestamp64Milli({p2:Int64}, 'UTC')"
	err := eachSession(ctx, each, condition, f.args(), func(session *event.Session, _ bool) {
		stored[session.Ref()] = *session
		ids = append(ids, session.SessionID)
	})
	if err != nil || len(ids) == 0 {
		return false, err
	}
	left, err := f.leftOf(ctx, ids)
	if err != nil {
		return false, err
	}
	for _, session := range f.rebuild(left) {
		if found, ok := stored[session.Ref()]; ok && fmt.Sprintf("%+v", found) == fmt.Sprintf("%+v", session) {
			delete(stored, session.Ref())
		}
	}
	return len(stored) > 0, nil
}

func (f *forgetting) run(ctx context.Context) error {
	const sql = "select max(sequence) + 1 from positions where consumer = {p1:String}"
	if err := f.writer.QueryRow(ctx, sql, named([]any{f.consumer()})...).Scan(&f.pass); err != nil {
		return err
	}
	for _, step := range []struct {
		do    func(context.Context) error
		point string
	}{{f.note, PointForgetNoted}, {f.removeSessions, PointForgetSessions}, {f.removeEvents, PointForgetEvents}, {f.recount, PointForgetCounts},
		{f.remakeViews, PointForgetViews}, {f.end, ""}, {f.verify, ""}} {
		if err := step.do(ctx); err != nil {
			return err
		}
		if step.point == "" {
			continue
		}
		if err := f.fail(step.point); err != nil {
			return err
		}
	}
	return nil
}

// covered is the condition of an erasure over events: p1 site, p2 before, p3 keys, p4 digests.
func covered(e *event.Erased) string {
	site := "website_id = {p1:String} and received_at < fromUnixTimestamp64Milli({p2:Int64}, 'UTC')"
	if e.Scope == event.EraseSite {
		return site
	}
	return site + " and " + visitorIn
}

const visitorIn = "has({p3:Array(UInt64)}, sample_key) and has({p4:Array(String)}, lower(hex(substring(SHA256(concat(website_id, ' ', user_id)), 1, 16))))"

func (f *forgetting) args() []any {
	keys, digests := subjects(f.erased)
	return []any{f.erased.WebsiteID, clampTime(f.erased.Before), keys, digests}
}

// note writes down how many rows of each minute and hour the pass is about to remove, once.
func (f *forgetting) note(ctx context.Context) error {
	noted, err := f.readDays(ctx)
	if err != nil || noted {
		return err
	}
	if err := f.noteProofs(ctx); err != nil {
		return err
	}
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"insert_deduplication_token": f.token("notes")}))
	sql := `insert into erasure_notes (erasure_id, pass, minute, hour, rows, first, last)
		select {p5:String}, {p6:UInt32}, toUnixTimestamp(toStartOfMinute(received_at)) as minute, toUnixTimestamp(toStartOfHour(timestamp)) as hour, count(), min(timestamp), max(timestamp)
		from events where ` + covered(f.erased) + " group by minute, hour order by minute, hour"
	if err := f.writer.Exec(ctx, sql, named(append(f.args(), f.erased.ID, uint32(f.pass)))...); err != nil {
		return fmt.Errorf("cannot note what is about to go: %w", err)
	}
	_, err = f.readDays(ctx)
	return err
}

// noteProofs writes down what the pass has found. A pass that begins again finds less: what the first pass wrote stands.
func (f *forgetting) noteProofs(ctx context.Context) error {
	if f.pass == 1 && slices.ContainsFunc(f.proofs, func(p store.Proof) bool { return p.Part == partSessions }) {
		return nil
	}
	var events int64
	if err := f.writer.QueryRow(ctx, "select toInt64(count()) from events where "+covered(f.erased), named(f.args())...).Scan(&events); err != nil {
		return err
	}
	p := f.proof(partEvents)
	p.Found += events
	if err := f.PutProof(ctx, f.erased.ID, *p); err != nil || f.pass > 1 {
		return err // sessions that come back are those of the first pass again, or of later events
	}
	ids, made, err := f.touched(ctx)
	if err != nil {
		return err
	}
	var sessions int64
	if len(ids) > 0 || f.erased.Scope == event.EraseSite {
		sql := "select toInt64(count()) from sessions final where " + sessionsWith
		if err := f.writer.QueryRow(ctx, sql, named([]any{f.erased.WebsiteID, ids})...).Scan(&sessions); err != nil {
			return err
		}
	}
	p = f.proof(partSessions)
	p.Found, p.Removed = sessions, sessions-int64(len(made))
	return f.PutProof(ctx, f.erased.ID, *p)
}

// readDays reads the days that the notes of this pass name.
func (f *forgetting) readDays(ctx context.Context) (noted bool, err error) {
	const sql = "select distinct toString(toDate(toDateTime(hour, 'UTC'))) from erasure_notes where erasure_id = {p1:String} and pass = {p2:UInt32} order by 1"
	f.days = nil
	err = eachOn(ctx, f.writer, sql, []any{f.erased.ID, uint32(f.pass)}, func(scan scanner) error {
		var day string
		err := scan(&day)
		f.days = append(f.days, day)
		return err
	})
	return len(f.days) > 0, err
}

func (f *forgetting) proof(part string) *store.Proof {
	for i := range f.proofs {
		if f.proofs[i].Part == part {
			return &f.proofs[i]
		}
	}
	f.proofs = append(f.proofs, store.Proof{Part: part})
	return &f.proofs[len(f.proofs)-1]
}

// sessionsOf is the condition of sessions that may hold something of what goes, in terms of args.
func (f *forgetting) sessionsOf() string {
	if f.erased.Scope == event.EraseSite {
		return "website_id = {p1:String}"
	}
	return "website_id = {p1:String} and (" + visitorIn + " or hasAny(visitors, {p3:Array(UInt64)}) or session_id in (select session_id from events where " + covered(f.erased) + "))"
}

// removeSessions removes the sessions, in all their versions, and puts in what is left of those that others share. Their version is the
// least: whatever the stream or a processor makes of the same key later knows more.
func (f *forgetting) removeSessions(ctx context.Context) error {
	ids, made, err := f.touched(ctx)
	if err != nil || len(ids) == 0 && f.erased.Scope != event.EraseSite {
		return err
	}
	if err := f.mutate(ctx, "alter table sessions delete where "+sessionsWith, named([]any{f.erased.WebsiteID, ids})); err != nil {
		return fmt.Errorf("cannot remove sessions: %w", err)
	}
	if err := f.fail(PointForgetRemoved); err != nil {
		return err
	}
	var changes []event.SessionChange
	for _, session := range made {
		changes = append(changes, event.SessionChange{Session: session})
	}
	versions := make([]uint64, len(changes))
	// A token of its own for each try: the rows of the last one have just been removed.
	return f.InsertSessions(ctx, f.token(fmt.Sprintf("sessions/%d", time.Now().UnixNano())), changes, versions)
}

// sessionsWith is the condition of the sessions of ids, of a whole site where there are none: p1 site, p2 ids.
const sessionsWith = "website_id = {p1:String} and (empty({p2:Array(String)}) or has({p2:Array(String)}, session_id))"

// sessionIDs returns the ids of the sessions that go, none for those of a whole site. The events name them too: a pass that was ended when
// their sessions had gone puts back what others share.
func (f *forgetting) sessionIDs(ctx context.Context) (ids []string, err error) {
	ids = []string{}
	if f.erased.Scope == event.EraseSite {
		return ids, nil
	}
	sql := "select session_id from sessions where " + f.sessionsOf() + " union distinct select session_id from events where website_id = {p1:String} and " + visitorIn
	err = eachOn(ctx, f.writer, sql, f.args(), func(scan scanner) error {
		var id string
		err := scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, err
}

// touched returns sessionIDs, and what stays of those sessions, made anew.
func (f *forgetting) touched(ctx context.Context) (ids []string, made []event.Session, err error) {
	ids, err = f.sessionIDs(ctx)
	if err != nil || len(ids) == 0 && f.erased.Scope != event.EraseSite {
		return ids, nil, err
	}
	left, err := f.leftOf(ctx, ids)
	return ids, f.rebuild(left), err
}

//go:embed sql/session_events_left.sql
var sessionEventsLeftSQL string

// leftOf returns the events of sessions that stay.
func (f *forgetting) leftOf(ctx context.Context, ids []string) (left []event.Event, err error) {
	sql := sessionEventsLeftSQL + " and not (" + covered(f.erased) + ")"
	err = eachOn(ctx, f.writer, sql, append(f.args(), ids), func(scan scanner) error {
		e := event.Event{ScrollDepth: event.NoScroll}
		if err := scanEvent(scan, &e); err != nil {
			return err
		}
		left = append(left, e)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read what is left of sessions: %w", err)
	}
	return left, nil
}

func (f *forgetting) removeEvents(ctx context.Context) error {
	if f.erased.Scope == event.EraseSite { // payloads that a loader has inserted since the erasure was noted
		where := "website_id = {p1:String} and received_at < fromUnixTimestamp64Milli({p2:Int64}, 'UTC')"
		if err := f.mutate(ctx, "alter table failed_events delete where "+where, named(f.args()[:2])); err != nil {
			return fmt.Errorf("cannot remove failed payloads: %w", err)
		}
	}
	if len(f.days) == 0 {
		return nil
	}
	if err := f.mutate(ctx, "alter table events delete where "+covered(f.erased), named(f.args())); err != nil {
		return fmt.Errorf("cannot remove events: %w", err)
	}
	return nil
}

// recounts take the noted rows out of what was counted of them. The tables are additive, so each is one insert under a token.
var recounts = []struct{ table, sql string }{
	{"event_hours", `insert into event_hours (website_id, hour, rows, first, last)
		select {p3:String}, toDateTime(hour, 'UTC') as at, reinterpretAsUInt64(-sum(rows)), min(first), max(last)
		from erasure_notes where erasure_id = {p1:String} and pass = {p2:UInt32} group by at order by at`},
	{"ledger", `insert into ledger (website_id, minute, outcome, reason, count)
		select {p3:String}, toDateTime(minute, 'UTC') as at, change.1, change.2, change.3 * sum(rows)
		from erasure_notes array join [('stored', '', -1), ('filtered', 'erased', 1)] as change
		where erasure_id = {p1:String} and pass = {p2:UInt32} group by at, change order by at, change`},
	{"changes", `insert into changes (website_id, day, changes)
		select {p3:String}, toDate(toDateTime(hour, 'UTC')) as day, toUInt64(sum(rows))
		from erasure_notes where erasure_id = {p1:String} and pass = {p2:UInt32} group by day order by day`},
}

func (f *forgetting) recount(ctx context.Context) error {
	for _, r := range recounts {
		ctx := clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"insert_deduplication_token": f.token(r.table)}))
		if err := f.writer.Exec(ctx, r.sql, named([]any{f.erased.ID, uint32(f.pass), f.erased.WebsiteID})...); err != nil {
			return fmt.Errorf("cannot take the rows out of table %q: %w", r.table, err)
		}
	}
	return nil
}

// viewTries bounds how often a day of page_views is made anew: what a loader inserts meanwhile is counted once or twice.
const viewTries = 8

//go:embed sql/forget_views.sql
var forgetViewsSQL string

//go:embed sql/forget_views_check.sql
var forgetViewsCheckSQL string

// remakeViews makes the touched days of page_views anew: their states of visitors cannot be subtracted from.
func (f *forgetting) remakeViews(ctx context.Context) error {
	if len(f.days) == 0 {
		return nil
	}
	args := []any{f.erased.WebsiteID, f.days}
	for try := range viewTries {
		if err := f.mutate(ctx, "alter table page_views delete where website_id = {p1:String} and has({p2:Array(Date)}, date)", named(args)); err != nil {
			return fmt.Errorf("cannot remove days of page_views: %w", err)
		}
		// The same rows may come again after they were removed: they are no duplicates.
		again := clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"insert_deduplicate": 0}))
		if err := f.writer.Exec(again, forgetViewsSQL, named(args)...); err != nil {
			return fmt.Errorf("cannot make days of page_views anew: %w", err)
		}
		var different uint64
		if err := f.writer.QueryRow(ctx, forgetViewsCheckSQL, named(args)...).Scan(&different); err != nil || different == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(try+1) * 200 * time.Millisecond):
		}
	}
	return fmt.Errorf("page_views of %s is written faster than it can be made anew", strings.Join(f.days, ", "))
}

// end removes the payloads of finished commits, which hold events, and moves the position.
func (f *forgetting) end(ctx context.Context) error {
	finished := map[string]uint64{}
	const sql = "select consumer, max(sequence) from positions where consumer in (select consumer from commits) group by consumer"
	err := eachOn(ctx, f.writer, sql, nil, func(scan scanner) error {
		var consumer string
		var sequence uint64
		err := scan(&consumer, &sequence)
		finished[consumer] = sequence
		return err
	})
	for consumer, sequence := range finished {
		if err == nil {
			err = f.mutate(ctx, "alter table commits delete where consumer = {p1:String} and sequence <= {p2:UInt64}", named([]any{consumer, sequence}))
		}
	}
	if err != nil {
		return fmt.Errorf("cannot remove payloads of finished commits: %w", err)
	}
	w := &Writer{store: f.Store, consumer: f.consumer(), sequence: f.pass - 1}
	return w.move(ctx, 0)
}

// verify looks for what should have gone. What it still finds is the next pass's.
func (f *forgetting) verify(ctx context.Context) error {
	var events, sessions int64
	if err := f.writer.QueryRow(ctx, "select toInt64(count()) from events where "+covered(f.erased), named(f.args())...).Scan(&events); err != nil {
		return err
	}
	sql := "select toInt64(count()) from sessions final where website_id = {p1:String} and " + f.borneOut()
	if err := f.writer.QueryRow(ctx, sql, named(f.args())...).Scan(&sessions); err != nil {
		return err
	}
	now := f.opts.Clock().UnixMilli()
	for part, left := range map[string]int64{partEvents: events, partSessions: sessions, partViews: 0} {
		p := f.proof(part)
		switch part {
		case partViews:
			p.Found += int64(len(f.days))
			p.Removed = p.Found
		case partEvents:
			p.Removed = p.Found - left
		}
		if p.Left, p.VerifiedAt = left, 0; left == 0 {
			p.VerifiedAt = now
		}
		if err := f.PutProof(ctx, f.erased.ID, *p); err != nil {
			return err
		}
	}
	return f.putErasure(ctx, f.erased, now)
}

// borneOut is the condition of a session of the visitors, or of the site, that no stored event of theirs bears out.
func (f *forgetting) borneOut() string {
	ofVisitor := visitorIn
	if f.erased.Scope == event.EraseSite {
		ofVisitor = "true"
	}
	return ofVisitor + ` and (session_id, bot_band, sample_key) not in (
		select session_id, bot_band, sample_key from events where website_id = {p1:String} and not (` + covered(f.erased) + "))"
}
