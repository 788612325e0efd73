package stream

import (
	"iter"

	"github.com/footfall-analytics/footfall/internal/event"
)

// Widths of the live view.
const (
	WindowMillis    = 10_000
	MinuteMillis    = 60_000
	LateMillis      = 35 * 60_000 // a window takes events until it has been closed for this long
	CurrentMillis   = 5 * 60_000
	RealtimeMinutes = 30

	bands = 4
	// aheadMillis is how far an event may be ahead of the caller's clock: the door never lets one be ahead of its own.
	aheadMillis = 60_000
)

// Windows is the live state of one site: tumbling 10-second windows and minutes of event time, and the visitors in them.
// Numbers exist for every threshold at once: an event of band b counts for the thresholds above b.
// The caller's clock must not go back.
type Windows struct {
	maxVisitors int
	windows     [ringWindows]bucket
	minutes     [ringMinutes]bucket
	visitors    visitorTable
	tops        topTable
	// level halves the visitors that are counted each time maxVisitors is reached: counts are then those of one visitor
	// in 2^level, times 2^level. 0: exact. Going down takes as long as the view is: until then the visitors of the level
	// below are stored (since storedSince), but not counted.
	level, storing uint
	storedSince    int64
	clockMinute    int64
}

// The rings are longer than what is shown or corrected, so that two live buckets never share a place.
const (
	ringWindows = presenceWindows
	ringMinutes = 64
)

// bucket holds the counts of one window or minute.
type bucket struct {
	index     int64 // start / width, or emptyBucket
	changed   bool
	pageviews [bands]int64 // by band
	events    [bands]int64 // by band
	visitors  [bands]int64 // [t-1]: distinct tracked visitors under threshold t
}

const emptyBucket = -1 << 62

// Tally is what one bucket counts under one threshold.
type Tally struct {
	Start                       int64
	Pageviews, Events, Visitors int64
}

// NewWindows returns the empty state of one site, which tracks at most maxVisitors distinct visitors (0: 100,000) before it samples.
func NewWindows(maxVisitors int) *Windows {
	if maxVisitors <= 0 {
		maxVisitors = 100_000
	}
	w := &Windows{maxVisitors: maxVisitors}
	for i := range w.windows {
		w.windows[i].index = emptyBucket
	}
	for i := range w.minutes {
		w.minutes[i].index = emptyBucket
	}
	w.visitors.index = make(map[uint64]int32)
	w.tops.ids = make(map[topKey]uint32)
	return w
}

// Live reports whether an event of that time still belongs to the live view.
func Live(timestamp, now int64) bool {
	end := timestamp - floorMod(timestamp, WindowMillis) + WindowMillis
	return now-end < LateMillis && timestamp-now <= aheadMillis
}

// Add counts the event and reports whether it changed anything: events that are too late or form no sessions do not.
func (w *Windows) Add(e *event.Event, now int64) bool {
	if !e.Type.InSession() || e.BotBand >= bands || !Live(e.Timestamp, now) {
		return false
	}
	w.Expire(now)
	if e.Type.Counted() {
		w.count(e)
	}
	if atLevel(e.SampleKey, w.storing) {
		w.see(e)
	}
	return true
}

func (w *Windows) count(e *event.Event) {
	for _, b := range [...]*bucket{w.window(floorDiv(e.Timestamp, WindowMillis)), w.minute(floorDiv(e.Timestamp, MinuteMillis))} {
		b.changed = true
		b.events[e.BotBand]++
		if e.Type == event.Pageview {
			b.pageviews[e.BotBand]++
		}
	}
}

// see notes the event's visitor.
func (w *Windows) see(e *event.Event) {
	v := w.visitors.get(e.SampleKey)
	p := v.presence(e.BotBand)
	p.active = max(p.active, e.Timestamp)
	if e.Type.Counted() {
		if atLevel(v.key, w.level) {
			w.tally(v, floorDiv(e.Timestamp, WindowMillis), e.BotBand)
		}
		v.presence(e.BotBand).see(floorDiv(e.Timestamp, WindowMillis))
		w.touch(v, e)
	}
	if len(w.visitors.all) > w.maxVisitors {
		w.sample()
	}
}

// tally adds the visitor to the window and its minute, for the thresholds under which it is not in them yet.
func (w *Windows) tally(v *visitor, window int64, band uint8) {
	minute := floorDiv(window, MinuteMillis/WindowMillis)
	wb, mb := w.window(window), w.minute(minute)
	for t := band + 1; t <= bands; t++ {
		if !v.seenIn(window, window, t) {
			wb.visitors[t-1]++
		}
		first := minute * (MinuteMillis / WindowMillis)
		if !v.seenIn(first, first+MinuteMillis/WindowMillis-1, t) {
			mb.visitors[t-1]++
		}
	}
}

// atLevel reports whether the visitor is among the one in 2^level that a level keeps.
func atLevel(key uint64, level uint) bool { return level == 0 || key>>(64-level) == 0 }

// sample raises the level until the visitors fit.
func (w *Windows) sample() {
	for len(w.visitors.all) > w.maxVisitors && w.storing < 63 {
		w.storing++
		w.visitors.keep(func(v *visitor) bool { return atLevel(v.key, w.storing) })
	}
	if w.level < w.storing {
		w.level = w.storing
		w.recountAll()
	}
}

// relax lowers the level, in two steps, when there is room for twice the visitors and more.
func (w *Windows) relax(now int64) {
	switch {
	case w.storing < w.level && now-w.storedSince > LateMillis+2*MinuteMillis:
		w.level = w.storing
		w.recountAll()
	case w.storing == w.level && w.level > 0 && len(w.visitors.all) < w.maxVisitors/4:
		w.storing--
		w.storedSince = now
	}
}

// recountAll makes the counts of visitors anew.
func (w *Windows) recountAll() {
	for i := range w.windows {
		w.windows[i].visitors, w.windows[i].changed = [bands]int64{}, true
	}
	for i := range w.minutes {
		w.minutes[i].visitors, w.minutes[i].changed = [bands]int64{}, true
	}
	for v := range w.counted() {
		w.recount(v)
	}
}

// counted yields the visitors that the current level counts.
func (w *Windows) counted() iter.Seq[*visitor] {
	return func(yield func(*visitor) bool) {
		for i := range w.visitors.all {
			if v := &w.visitors.all[i]; atLevel(v.key, w.level) && !yield(v) {
				return
			}
		}
	}
}

// recount adds a visitor, as if nothing had been counted of it, to all buckets it was seen in.
func (w *Windows) recount(v *visitor) {
	seen := visitor{key: v.key}
	for band := range uint8(bands) {
		v.eachWindow(band, func(window int64) {
			if w.windows[floorMod(window, ringWindows)].index == window {
				w.tally(&seen, window, band)
				seen.presence(band).see(window)
			}
		})
	}
}

// Expire forgets visitors and values that are out of every view. Add calls it; a site without traffic needs the call.
func (w *Windows) Expire(now int64) {
	minute := floorDiv(now, MinuteMillis)
	if minute <= w.clockMinute {
		return
	}
	w.clockMinute = minute
	w.visitors.keep(func(v *visitor) bool { return v.last() > now-LateMillis-MinuteMillis })
	w.tops.expire(w.visitors.all, minute-RealtimeMinutes)
	w.relax(now)
}

// Empty reports whether no visitor is left in any view.
func (w *Windows) Empty() bool { return len(w.visitors.all) == 0 && w.level == 0 }

// Approximate reports whether counts of visitors are estimated from a sample, because there are more than are tracked.
func (w *Windows) Approximate() bool { return w.level > 0 || w.tops.full }

func (w *Windows) window(index int64) *bucket {
	return at(&w.windows[floorMod(index, ringWindows)], index)
}
func (w *Windows) minute(index int64) *bucket {
	return at(&w.minutes[floorMod(index, ringMinutes)], index)
}

// at returns the bucket for index, which takes the place of an older one.
func at(b *bucket, index int64) *bucket {
	if b.index < index {
		*b = bucket{index: index}
	}
	return b
}

// Window returns the counts of the window that starts at start, a multiple of WindowMillis.
func (w *Windows) Window(start int64, threshold uint8) Tally {
	index := floorDiv(start, WindowMillis)
	return w.tallyOf(&w.windows[floorMod(index, ringWindows)], index, WindowMillis, threshold)
}

// Minute returns the counts of the minute that starts at start, a multiple of MinuteMillis.
func (w *Windows) Minute(start int64, threshold uint8) Tally {
	index := floorDiv(start, MinuteMillis)
	return w.tallyOf(&w.minutes[floorMod(index, ringMinutes)], index, MinuteMillis, threshold)
}

func (w *Windows) tallyOf(b *bucket, index, width int64, threshold uint8) Tally {
	t := Tally{Start: index * width}
	threshold = min(threshold, bands)
	if b.index != index || threshold == 0 {
		return t
	}
	for band := range threshold {
		t.Pageviews += b.pageviews[band]
		t.Events += b.events[band]
	}
	t.Visitors = b.visitors[threshold-1] << w.level
	return t
}

// FirstMinute returns the start of the oldest of the last 30 minutes.
func FirstMinute(now int64) int64 {
	return now - floorMod(now, MinuteMillis) - (RealtimeMinutes-1)*MinuteMillis
}

// Totals returns the counts of the last 30 minutes, the running one included.
func (w *Windows) Totals(now int64, threshold uint8) Tally {
	first := FirstMinute(now)
	total := Tally{Start: first}
	for i := range int64(RealtimeMinutes) {
		m := w.Minute(first+i*MinuteMillis, threshold)
		total.Pageviews += m.Pageviews
		total.Events += m.Events
	}
	from := floorDiv(first, WindowMillis)
	for v := range w.counted() {
		if v.seenSince(from, threshold) {
			total.Visitors++
		}
	}
	total.Visitors <<= w.level
	return total
}

// Current returns the visitors with a counted or engagement event in (now - 5 min, now].
func (w *Windows) Current(now int64, threshold uint8) int64 {
	n := int64(0)
	for v := range w.counted() {
		if v.activeSince(now-CurrentMillis, threshold) {
			n++
		}
	}
	return n << w.level
}

// Changed calls window and minute with the start of each bucket that changed since the last call, oldest first.
func (w *Windows) Changed(window, minute func(start int64)) {
	changed(w.windows[:], WindowMillis, window)
	changed(w.minutes[:], MinuteMillis, minute)
}

func changed(ring []bucket, width int64, yield func(start int64)) {
	newest := int64(emptyBucket)
	for i := range ring {
		newest = max(newest, ring[i].index)
	}
	n := int64(len(ring))
	for index := newest - n + 1; index <= newest; index++ {
		if b := &ring[floorMod(index, n)]; b.index == index && b.changed {
			b.changed = false
			yield(index * width)
		}
	}
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func floorMod(a, b int64) int64 { return a - floorDiv(a, b)*b }
