package stream

import (
	"cmp"
	"slices"
	"strings"

	"github.com/footfall-analytics/footfall/internal/event"
)

// Dimension is one of those that have a list of top values in the live view.
type Dimension uint8

// The dimensions. The source of an event is that of its session, as far as the door knew it.
const (
	TopPage Dimension = iota
	TopSource
	TopCountry
	topDimensions
)

// Bounds of what is remembered: beyond them values are left out and the view says that it is approximate.
const (
	maxTouches   = 200    // values of one visitor
	maxTopValues = 50_000 // values of all dimensions of a site
)

type topKey struct {
	dimension Dimension
	value     string
}

// touch is one value that a visitor had in counted events, and the newest minute, by band, in which it had it.
type touch struct {
	value  uint32
	minute [bands]int32 // 0: never
}

// topTable numbers the values.
type topTable struct {
	ids  map[topKey]uint32
	keys []topKey
	full bool
}

// Top is one row of a list: a value and the distinct visitors that had it.
type Top struct {
	Value    string
	Visitors int64
}

func (w *Windows) touch(v *visitor, e *event.Event) {
	source := e.Source
	if e.Session != nil {
		source = e.Session.Source
	}
	minute := int32(floorDiv(e.Timestamp, MinuteMillis))
	for dimension, value := range [topDimensions]string{TopPage: e.Page, TopSource: source, TopCountry: e.Country} {
		id, ok := w.tops.id(topKey{Dimension(dimension), value})
		if !ok || !v.touch(id, minute, e.BotBand) {
			w.tops.full = true
		}
	}
}

// id returns the number of a value, false when there is no room for a new one.
func (t *topTable) id(key topKey) (uint32, bool) {
	id, ok := t.ids[key]
	if ok {
		return id, true
	}
	if len(t.keys) >= maxTopValues {
		return 0, false
	}
	key.value = strings.Clone(key.value) // an event's strings share the buffer of the whole record
	id = uint32(len(t.keys))
	t.keys = append(t.keys, key)
	t.ids[key] = id
	return id, true
}

func (v *visitor) touch(id uint32, minute int32, band uint8) bool {
	for i := range v.touches {
		if t := &v.touches[i]; t.value == id {
			t.minute[band] = max(t.minute[band], minute)
			return true
		}
	}
	if len(v.touches) >= maxTouches {
		return false
	}
	t := touch{value: id}
	t.minute[band] = minute
	v.touches = append(v.touches, t)
	return true
}

// expire forgets the touches whose minutes are all before first, and the values that nobody touches.
func (t *topTable) expire(visitors []visitor, first int64) {
	renumbered := make([]uint32, len(t.keys)) // new number + 1
	var kept []topKey
	for i := range visitors {
		v := &visitors[i]
		v.touches = slices.DeleteFunc(v.touches, func(t touch) bool { return int64(slices.Max(t.minute[:])) < first })
		for j := range v.touches {
			old := v.touches[j].value
			if renumbered[old] == 0 {
				kept = append(kept, t.keys[old])
				renumbered[old] = uint32(len(kept))
			}
			v.touches[j].value = renumbered[old] - 1
		}
	}
	t.keys, t.full = kept, t.full && len(visitors) > 0
	t.ids = make(map[topKey]uint32, len(kept))
	for id, key := range kept {
		t.ids[key] = uint32(id)
	}
}

// Tops returns the n values of each dimension with the most distinct visitors in the last 30 minutes, most first, ties by value.
func (w *Windows) Tops(now int64, threshold uint8, n int) [topDimensions][]Top {
	first := int32(floorDiv(FirstMinute(now), MinuteMillis))
	counts := make([]int64, len(w.tops.keys))
	for v := range w.counted() {
		for _, t := range v.touches {
			if slices.Max(t.minute[:]) >= first && touched(t.minute[:min(threshold, bands)], first) {
				counts[t.value]++
			}
		}
	}
	var lists [topDimensions][]Top
	for id, count := range counts {
		if key := w.tops.keys[id]; count > 0 {
			lists[key.dimension] = append(lists[key.dimension], Top{key.value, count << w.level})
		}
	}
	for d := range lists {
		slices.SortFunc(lists[d], func(a, b Top) int {
			return cmp.Or(cmp.Compare(b.Visitors, a.Visitors), strings.Compare(a.Value, b.Value))
		})
		lists[d] = lists[d][:min(n, len(lists[d])):min(n, len(lists[d]))]
	}
	return lists
}

func touched(minutes []int32, first int32) bool {
	for _, m := range minutes {
		if m >= first {
			return true
		}
	}
	return false
}
