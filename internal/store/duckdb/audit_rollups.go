package duckdb

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"strings"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/sketch"
)

//go:embed sql/audit_rollup_events.sql
var auditRollupEventsSQL string

//go:embed sql/audit_rollup_starts.sql
var auditRollupStartsSQL string

// auditRunDays bounds the days that are recomputed at once.
const auditRunDays = 7

// rollups recomputes the rows of clean days by going through events and sessions one by one.
func (a *auditor) rollups(ctx context.Context) error {
	clean := map[string][]Day{}
	err := a.each(ctx, "select website_id, day_start, day_end from rollup_clean order by all", nil, func(c *Chunk, i int) {
		site, day := c.Text(0, i), Day{c.Int64s(1)[i], c.Int64s(2)[i]}
		if from, ok := a.rawFrom[site]; !ok || day.Start >= from+2*dayMillis {
			clean[site] = append(clean[site], day)
		}
	})
	if err != nil {
		return err
	}
	for site, days := range clean {
		for len(days) > 0 {
			n := 1
			for n < len(days) && n < auditRunDays && days[n].Start == days[n-1].End {
				n++
			}
			if err := a.rollupRun(ctx, site, days[:n]); err != nil {
				return fmt.Errorf("rollups of site %q: %w", site, err)
			}
			a.report.Days += int64(n)
			days = days[n:]
		}
	}
	return nil
}

// recount collects the rows that a run of days should have.
type recount struct {
	days []int64 // by quarter hour since from
	from int64
	rows map[rollupKey]*recountRow
}

// recountRow is a row whose visitors are collected by internal/sketch alone.
type recountRow struct {
	rollupRow
	users *sketch.Sketch
}

func (r *recount) day(ms int64) int64 { return r.days[(ms-r.from)/quarterMillis] }

func (r *recount) row(dimension string, quarters bool, bucket int64, band uint8, value string) *recountRow {
	key := rollupKey{dimension, quarters, bucket, band, value}
	row := r.rows[key]
	if row == nil {
		row = &recountRow{users: sketch.New()}
		r.rows[key] = row
	}
	return row
}

// visitDimensions are the rollup dimensions that stand in sessions, and their columns as a list of SQL.
func visitDimensions() (names []string, columns string) {
	var list []string
	for _, d := range query.RollupDimensions {
		if d.Table == query.SessionsTable {
			names, list = append(names, d.Name), append(list, "sessions."+d.Column)
		}
	}
	return names, strings.Join(list, ", ")
}

func (a *auditor) rollupRun(ctx context.Context, site string, run []Day) error {
	r := &recount{days: daysByQuarter(run), from: run[0].Start, rows: map[rollupKey]*recountRow{}}
	names, columns := visitDimensions()
	args := []any{site, run[0].Start, run[len(run)-1].End}
	err := a.each(ctx, fmt.Sprintf(auditRollupEventsSQL, columns), args, func(c *Chunk, i int) { r.addEvent(names, c, i) })
	if err != nil {
		return err
	}
	err = a.each(ctx, fmt.Sprintf(auditRollupStartsSQL, columns), args, func(c *Chunk, i int) { r.addStart(names, c, i) })
	if err != nil {
		return err
	}
	if err := a.compareRows(ctx, site, args, r); err != nil {
		return err
	}
	for key, want := range r.rows {
		a.report.Add(site, key.String(), want.String(), "no row")
	}
	return nil
}

// addEvent puts an event into every row it counts in.
func (r *recount) addEvent(names []string, c *Chunk, i int) {
	ms, band, typ := c.Int64s(0)[i], c.Uint8s(1)[i], c.Text(2, i)
	day, quarter := r.day(ms), floor(ms, quarterMillis)
	rows := []*recountRow{r.row("", false, day, band, ""), r.row("", true, quarter, band, ""),
		r.row("event:page", false, day, band, c.Text(7, i)), r.row("event:hostname", false, day, band, c.Text(8, i))}
	if c.Bools(10)[i] {
		for n, name := range names {
			rows = append(rows, r.row(name, false, day, band, c.Text(11+n, i)))
		}
	}
	if typ == event.Engagement.String() {
		for _, row := range rows {
			row.engagedMs += c.Int64s(4)[i]
		}
		return
	}
	name := c.Text(9, i)
	if name == "" && typ == event.Pageview.String() {
		name = query.Pageview
	}
	for _, row := range append(rows, r.row(query.EventName, false, day, band, name)) {
		row.addCounted(typ, c.Uint32s(3)[i], c.Int64s(5)[i], c.Text(6, i))
	}
}

func (row *recountRow) addCounted(typ string, coupon uint32, revenue int64, currency string) {
	row.events++
	if typ == event.Pageview.String() {
		row.pageviews++
	}
	row.users.Add(coupon)
	if currency == "" {
		return
	}
	row.revenueEvents++
	if row.currency != "" && row.currency != currency {
		row.currency = event.MixedCurrency
	}
	if row.currency == event.MixedCurrency {
		row.revenue = 0
		return
	}
	row.currency = currency
	row.revenue += revenue
}

// addStart puts the measures of a session into the rows of its start.
func (r *recount) addStart(names []string, c *Chunk, i int) {
	ms, band := c.Int64s(0)[i], c.Uint8s(1)[i]
	day, quarter := r.day(ms), floor(ms, quarterMillis)
	rows := []*recountRow{r.row("", false, day, band, ""), r.row("", true, quarter, band, "")}
	for n, name := range names {
		rows = append(rows, r.row(name, false, day, band, c.Text(5+n, i)))
	}
	for _, row := range rows {
		row.visits++
		if c.Bools(2)[i] {
			row.bounces++
		}
		row.durationMs += c.Int64s(3)[i]
		row.sessionPageviews += c.Int64s(4)[i]
	}
}

const rollupMeasures = "pageviews, events, engaged_ms, revenue_events, revenue, currency, visits, bounces, duration_ms, session_pageviews, visitors"

// compareRows takes the stored rows that are as expected out of r.
func (a *auditor) compareRows(ctx context.Context, site string, args []any, r *recount) error {
	run := func(sql string, args []any, yield func(*Chunk) error) error {
		return a.reader.Select(ctx, sql, args, yield)
	}
	rosters, err := readRosters(run, site, 4, args[1].(int64), args[2].(int64))
	if err != nil {
		return err
	}
	for _, quarters := range []bool{false, true} {
		sql := "select dimension, bucket, bot_band, value, " + rollupMeasures + " from rollup_days where website_id = ? and bucket >= ? and bucket < ?"
		if quarters {
			sql = "select '', bucket, bot_band, '', " + rollupMeasures + " from rollup_quarters where website_id = ? and bucket >= ? and bucket < ?"
		}
		err := a.each(ctx, sql, args, func(c *Chunk, i int) {
			key := rollupKey{c.Text(0, i), quarters, c.Int64s(1)[i], c.Uint8s(2)[i], c.Text(3, i)}
			want, got := r.rows[key], readRollup(rosters, c, i)
			delete(r.rows, key)
			switch {
			case want == nil:
				a.report.Add(site, key.String(), "no row", got.String())
			case want.measures() != got.measures():
				a.report.Add(site, key.String(), want.measures(), got.measures())
			case !bytes.Equal(want.users.AppendBinary(nil), got.users.AppendBinary(nil)):
				a.report.Add(site, key.String(), want.String(), got.String())
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// readRollup reads a stored row. Visitors that cannot be read are none.
func readRollup(rosters *rosters, c *Chunk, i int) *recountRow {
	row := rollupRow{pageviews: c.Int64s(4)[i], events: c.Int64s(5)[i], engagedMs: c.Int64s(6)[i], revenueEvents: c.Int64s(7)[i],
		revenue: c.Int64s(8)[i], currency: c.Text(9, i), visits: c.Int64s(10)[i], bounces: c.Int64s(11)[i],
		durationMs: c.Int64s(12)[i], sessionPageviews: c.Int64s(13)[i]}
	users := sketch.New()
	coupons, many, err := rosters.read(nil, c.Bytes(14, i), c.Int64s(1)[i], c.Uint8s(2)[i])
	for _, coupon := range coupons {
		users.Add(coupon)
	}
	if err == nil && many != nil {
		err = users.MergeBytes(many)
	}
	if err != nil {
		users = sketch.New()
	}
	return &recountRow{row, users}
}

func (k rollupKey) String() string {
	if k.quarters {
		return fmt.Sprintf("rollup_quarters, bucket %d, band %d", k.bucket, k.band)
	}
	return fmt.Sprintf("rollup_days, dimension %q, day %d, band %d, value %q", k.dimension, k.bucket, k.band, k.value)
}

func (row *rollupRow) measures() string {
	return fmt.Sprintf("pageviews %d, events %d, engaged_ms %d, revenue_events %d, revenue %d %s, visits %d, bounces %d, duration_ms %d, session_pageviews %d",
		row.pageviews, row.events, row.engagedMs, row.revenueEvents, row.revenue, row.currency, row.visits, row.bounces, row.durationMs, row.sessionPageviews)
}

func (row *recountRow) String() string {
	return fmt.Sprintf("%s, visitors %.2f", row.measures(), row.users.Estimate())
}
