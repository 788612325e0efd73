package duckdb

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/store"
)

var _ store.Eraser = (*Store)(nil)

// The parts of the store that a proof names.
const (
	partEvents   = "events"
	partSessions = "sessions"
	partFailed   = "failed_events"
	partRollups  = "rollups"
)

// rewriteKey stands in meta while the file holds bytes of erased rows: they go when it is written anew, at the next Close.
const rewriteKey = "rewrite"

// covered is the condition of an erasure over a table with events. $1 site, $2 before, and of visitors $3 keys, $4 digests.
func covered(scope event.ErasureScope) string {
	site := "website_id = $1 and timestamp + received_after < $2"
	if scope == event.EraseSite {
		return site
	}
	return site + " and " + visitorIn("$3", "$4")
}

// visitorIn is the condition that a row's visitor is one of those given. A digest is made only of rows whose sample key fits.
func visitorIn(keys, digests string) string {
	return `case when list_contains(` + keys + `::ubigint[], sample_key)
    then list_contains(` + digests + `::varchar[], substr(sha256(website_id || ' ' || if(user_id = '', session_id, user_id)), 1, 32)) else false end`
}

// coveredArgs are the parameters of covered.
func coveredArgs(e *event.Erased) []any {
	args := []any{e.WebsiteID, e.Before}
	if e.Scope == event.EraseSite {
		return args
	}
	keys, digests := subjects(e)
	return append(args, keys, digests)
}

func subjects(e *event.Erased) (keys []uint64, digests []string) {
	for _, s := range e.Subjects {
		keys, digests = append(keys, s.SampleKey), append(digests, s.Text())
	}
	return keys, digests
}

// eraser is one erasure under way, within its transaction.
type eraser struct {
	*Store
	erasure *event.Erasure
	kept    event.Erased
	rebuild store.Rebuild
	change  *change
	hours   []int64 // that lose rows
	erasing store.Erasing
	proofs  []store.Proof
}

// Erase implements store.Eraser.
func (s *Store) Erase(ctx context.Context, e *event.Erasure, next int64, rebuild store.Rebuild) (store.Erasing, error) {
	s.write.Lock()
	defer s.write.Unlock()
	if next < s.state.position {
		return store.Erasing{}, fmt.Errorf("BUG: cannot erase up to offset %d: the store is at %d", next, s.state.position)
	}
	x := &eraser{Store: s, erasure: e, kept: e.Erased(), rebuild: rebuild, change: newChange()}
	err := s.transact(ctx, func() error {
		if err := x.run(ctx); err != nil {
			return err
		}
		return s.writer.exec(ctx, "update meta set value = ? where key = 'position'", strconv.FormatInt(next, 10))
	})
	if err != nil {
		return store.Erasing{}, fmt.Errorf("cannot apply erasure %q: %w", e.ID, err)
	}
	x.change.position, x.change.now = next, s.opts.Clock().UnixMilli()
	s.state.apply(x.change)
	return x.erasing, nil
}

func (x *eraser) run(ctx context.Context) error {
	done, err := x.writer.one(ctx, "select count(*) from erasures where id = ?", x.erasure.ID)
	if err != nil || done[0] > 0 || !x.erasure.Valid() {
		return err
	}
	for _, step := range []func(context.Context) error{x.look, x.removeEvents, x.removeSessions, x.recount, x.removeFailed, x.removeRollups, x.note} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// look notes what is about to go: the keys of its sessions, its minutes in the ledger and its hours.
func (x *eraser) look(ctx context.Context) error {
	if err := x.lookAtKeys(ctx); err != nil {
		return err
	}
	where, args := covered(x.erasure.Scope), coveredArgs(&x.kept)
	found := int64(0)
	var minutes, counts []int64
	err := x.writer.once(ctx, "select (timestamp + received_after) // 60000, count(*) from events where "+where+" group by 1 order by 1", args, func(c *Chunk) error {
		minutes, counts = append(minutes, c.Int64s(0)[:c.Rows()]...), append(counts, c.Int64s(1)[:c.Rows()]...)
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot count the events: %w", err)
	}
	for i, minute := range minutes { // not while they are read: many rows of the ledger are a statement of the same connection
		x.account(minute, event.Stored, "", -counts[i])
		x.account(minute, event.Filtered, store.ReasonErased, counts[i])
		found += counts[i]
	}
	x.proofs = append(x.proofs, store.Proof{Part: partEvents, Found: found})
	return x.writer.once(ctx, "select distinct timestamp // 3600000 * 3600000 from events where "+where, args, func(c *Chunk) error {
		for _, hour := range c.Int64s(0)[:c.Rows()] {
			x.hours = append(x.hours, hour)
			x.change.touch(x.erasure.WebsiteID, hour, hour+hourMillis-1)
		}
		return nil
	})
}

func (x *eraser) lookAtKeys(ctx context.Context) error {
	if x.erasure.Scope == event.EraseSite {
		return nil
	}
	// Retention may have left a session whose events have gone.
	sql := "select session_id, bot_band from events where event_type in ('pageview', 'event', 'engagement') and " + covered(x.erasure.Scope) +
		" union select session_id, bot_band from sessions where website_id = $1 and (" + visitorIn("$3", "$4") + " or list_has_any(visitors, $3::ubigint[]))"
	return x.writer.once(ctx, sql, coveredArgs(&x.kept), func(c *Chunk) error {
		for i := range c.Rows() {
			key := event.SessionKey{WebsiteID: x.erasure.WebsiteID, SessionID: c.Text(0, i), Band: c.Uint8s(1)[i]}
			x.erasing.Keys = append(x.erasing.Keys, key)
		}
		return nil
	})
}

// account adds to the ledger: an erased event ends as one that policy has filtered.
func (x *eraser) account(minute int64, outcome event.Outcome, reason string, count int64) {
	t := x.tables.ledger
	t.text(x.erasure.WebsiteID)
	t.int64(minute)
	t.text(outcome.String())
	t.text(reason)
	t.int64(count)
	t.end()
}

// proof returns the proof of a part that stands already.
func (x *eraser) proof(part string) *store.Proof {
	for i := range x.proofs {
		if x.proofs[i].Part == part {
			return &x.proofs[i]
		}
	}
	x.proofs = append(x.proofs, store.Proof{Part: part})
	return &x.proofs[len(x.proofs)-1]
}

func (x *eraser) removeEvents(ctx context.Context) error {
	if err := x.tables.ledger.flush(); err != nil {
		return err
	}
	removed, err := x.remove(ctx, "events", covered(x.erasure.Scope), coveredArgs(&x.kept))
	x.proof(partEvents).Removed = removed
	return err
}

// remove deletes rows and returns how many there were.
func (x *eraser) remove(ctx context.Context, table, where string, args []any) (rows int64, err error) {
	err = x.writer.once(ctx, "delete from "+table+" where "+where, args, func(c *Chunk) error {
		rows += c.Int64s(0)[0]
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("cannot delete from %q: %w", table, err)
	}
	return rows, nil
}

//go:embed sql/erase_left.sql
var eraseLeftSQL string

// keyIn is the condition that a row has one of the session keys that lost events.
func (x *eraser) keyIn() string {
	if x.erasure.Scope == event.EraseSite {
		return "true"
	}
	return "(session_id, bot_band) in (select (session_id, bot_band) from feed_gone())"
}

// removeSessions deletes the sessions of the keys that lost events and makes anew what is left of them.
func (x *eraser) removeSessions(ctx context.Context) error {
	gone, site := x.tables.gone, []any{x.erasure.WebsiteID}
	defer gone.drop()
	for _, key := range x.erasing.Keys {
		gone.text(key.WebsiteID)
		gone.text(key.SessionID)
		gone.uint8(key.Band)
		gone.int64(0)
		gone.end()
	}
	gone.finish()
	where := "website_id = $1 and " + x.keyIn()
	spans := fmt.Sprintf("select distinct chain_start // %[1]d * %[1]d, session_end // %[1]d * %[1]d from sessions where %[2]s", quarterMillis, where)
	err := x.writer.once(ctx, spans, site, func(c *Chunk) error {
		for i := range c.Rows() {
			x.change.touch(x.erasure.WebsiteID, c.Int64s(0)[i], c.Int64s(1)[i])
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot look at the sessions: %w", err)
	}
	removed, err := x.remove(ctx, "sessions", where, site)
	if err != nil {
		return err
	}
	made, err := x.remake(ctx, site)
	x.proofs = append(x.proofs, store.Proof{Part: partSessions, Found: removed, Removed: removed - made})
	return err
}

func (x *eraser) remake(ctx context.Context, site []any) (made int64, err error) {
	var left []event.Event
	err = x.writer.once(ctx, fmt.Sprintf(eraseLeftSQL, x.keyIn()), site, func(c *Chunk) error {
		for i := range c.Rows() {
			left = append(left, readSessionEvent(c, i))
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("cannot read what is left of sessions: %w", err)
	}
	if len(left) == 0 {
		return 0, nil
	}
	sessions := x.rebuild(left)
	for i := range sessions {
		writeSession(x.tables.sessions, &sessions[i])
		x.change.touch(sessions[i].WebsiteID, sessions[i].ChainStart, sessions[i].End)
	}
	return int64(len(sessions)), x.tables.sessions.flush()
}

//go:embed sql/erase_hours.sql
var eraseHoursSQL string

// recount counts the hours that lost rows anew, and reads all hours of the site for the memory of the store.
func (x *eraser) recount(ctx context.Context) error {
	site := x.erasure.WebsiteID
	if err := x.writer.exec(ctx, "delete from event_hours where website_id = ? and list_contains(?::bigint[], hour)", site, x.hours); err != nil {
		return fmt.Errorf("cannot count the hours anew: %w", err)
	}
	if err := x.writer.exec(ctx, eraseHoursSQL, site, x.hours); err != nil {
		return fmt.Errorf("cannot count the hours anew: %w", err)
	}
	x.change.recounted = map[string][]countedHour{site: {}}
	return x.writer.each(ctx, "select hour, rows, first, last from event_hours where website_id = ?", []any{site}, func(c *Chunk) error {
		for i := range c.Rows() {
			x.change.recounted[site] = append(x.change.recounted[site], countedHour{c.Int64s(0)[i], hourRows{c.Int64s(1)[i], c.Int64s(2)[i], c.Int64s(3)[i]}})
		}
		return nil
	})
}

// removeFailed deletes the payloads that hold an id of the visitors, or all of the site.
func (x *eraser) removeFailed(ctx context.Context) error {
	rows, found := x.tables.rows, int64(0)
	defer rows.drop()
	err := x.writer.each(ctx, "select rowid, payload from failed_events where website_id = ? and received_at < ?", []any{x.erasure.WebsiteID, x.erasure.Before}, func(c *Chunk) error {
		for i, place := range c.Int64s(0)[:c.Rows()] {
			if x.mentions(c.Bytes(1, i)) {
				rows.int64(place)
				rows.end()
				found++
			}
		}
		return nil
	})
	if err == nil && found > 0 {
		rows.finish()
		err = x.writer.exec(ctx, "delete from failed_events where rowid in (select place from feed_rows())")
	}
	if err != nil {
		return fmt.Errorf("cannot delete failed payloads: %w", err)
	}
	// No other transaction writes, and what is not decoded cannot be looked for without the ids: this look is the proof.
	x.proofs = append(x.proofs, store.Proof{Part: partFailed, Found: found, Removed: found, VerifiedAt: x.opts.Clock().UnixMilli()})
	return nil
}

// mentions reports whether a payload holds an id, as it is or as JSON writes it.
func (x *eraser) mentions(payload []byte) bool {
	if x.erasure.Scope == event.EraseSite {
		return true
	}
	for _, id := range x.erasure.Visitors {
		written, _ := json.Marshal(id) // a string always has a JSON form
		if bytes.Contains(payload, []byte(id)) || bytes.Contains(payload, bytes.Trim(written, `"`)) {
			return true
		}
	}
	return false
}

// removeRollups takes the rows of the touched days, which a dirty day would leave where they are. Of a site that goes, all go, also
// those that are older than its events.
func (x *eraser) removeRollups(ctx context.Context) error {
	site := x.erasure.WebsiteID
	x.change.dirty = x.state.cleanDaysOf(x.change)
	days := make([]Day, 0, len(x.change.dirty))
	for _, d := range x.change.dirty {
		days = append(days, d.Day)
	}
	if x.erasure.Scope == event.EraseSite {
		days = x.state.cleanDays(site)
		x.change.dirty = x.change.dirty[:0]
		for _, day := range days {
			x.change.dirty = append(x.change.dirty, siteDay{site, day})
		}
	}
	if err := x.dropRollups(ctx, days); err != nil {
		return err
	}
	x.proofs = append(x.proofs, store.Proof{Part: partRollups, Found: int64(len(days)), Removed: int64(len(days)), VerifiedAt: x.opts.Clock().UnixMilli()})
	return nil
}

func (x *eraser) dropRollups(ctx context.Context, days []Day) error {
	drops := []string{
		"delete from rollup_days where website_id = ? and bucket >= ? and bucket < ?",
		"delete from rollup_quarters where website_id = ? and bucket >= ? and bucket < ?",
		"delete from rollup_clean where website_id = ? and day_start >= ? and day_start < ?",
	}
	sortDays(days)
	spans := joined(days)
	if x.erasure.Scope == event.EraseSite {
		spans = []Day{{math.MinInt64, math.MaxInt64}}
	}
	for _, span := range spans {
		for _, sql := range drops {
			if err := x.writer.exec(ctx, sql, x.erasure.WebsiteID, span.Start, span.End); err != nil {
				return fmt.Errorf("cannot delete rollups: %w", err)
			}
		}
	}
	return nil
}

// note writes down what has been done.
func (x *eraser) note(ctx context.Context) error {
	keys, digests := subjects(&x.kept)
	for _, part := range x.opts.ProvenElsewhere {
		x.proofs = append(x.proofs, store.Proof{Part: part})
	}
	now := x.opts.Clock().UnixMilli()
	err := x.writer.exec(ctx, "insert into erasures values (?, ?, ?, ?, ?, ?, ?, ?, ?)", x.kept.ID, x.kept.WebsiteID, string(x.kept.Scope),
		x.kept.AskedAt, x.kept.AskedBy, x.kept.Before, keys, digests, now)
	for i := range x.proofs {
		p := &x.proofs[i]
		if err == nil {
			err = x.writer.exec(ctx, "insert into erasure_proofs values (?, ?, ?, ?, ?, ?)", x.kept.ID, p.Part, p.Found, p.Removed, p.Left, p.VerifiedAt)
		}
	}
	if err == nil {
		err = x.writer.exec(ctx, "insert or replace into meta values (?, '1')", rewriteKey)
	}
	if err != nil {
		return fmt.Errorf("cannot write down the erasure: %w", err)
	}
	return nil
}

const erasedSQL = `select id, website_id, scope, asked_at, asked_by, before, keys, digests, applied_at
from erasures
where $1 = '' or website_id = $1
order by asked_at desc, id`

// Erased implements store.Eraser.
func (s *Store) Erased(ctx context.Context, yield func(event.Erased)) error {
	err := s.Select(ctx, erasedSQL, []any{""}, func(c *Chunk) error {
		for i := range c.Rows() {
			yield(readErased(c, i))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot read the erasures: %w", err)
	}
	return nil
}

func readErased(c *Chunk, i int) event.Erased {
	e := event.Erased{ID: c.Text(0, i), WebsiteID: c.Text(1, i), Scope: event.ErasureScope(c.Text(2, i)), AskedAt: c.Int64s(3)[i],
		AskedBy: c.Text(4, i), Before: c.Int64s(5)[i]}
	digests := c.TextList(7, i)
	for at, key := range c.Uint64List(6, i) {
		e.Subjects = append(e.Subjects, event.ParseSubject(key, digests[at]))
	}
	return e
}
