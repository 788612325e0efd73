package sqlgen

import "fmt"

// run is a row of buckets of one width: the index of the first, where it starts, and where the last one ends.
type run struct {
	index             int
	start, width, end int64
}

// runs joins neighbouring buckets of one width, so that a year of days is three runs: the days between two changes of
// the clock.
func runs(edges []int64) (out []run) {
	for i := range len(edges) - 1 {
		width := edges[i+1] - edges[i]
		if n := len(out); n > 0 && out[n-1].width == width {
			out[n-1].end = edges[i+1]
			continue
		}
		out = append(out, run{i, edges[i], width, edges[i+1]})
	}
	return out
}

// bucket renders the index of the bucket that the time lies in.
func (r *renderer) bucket(time string) string {
	all := runs(r.part.Edges)
	time = fmt.Sprintf(r.d.Millis, time)
	if len(all) == 1 {
		return fmt.Sprintf(r.d.Long, r.within(all[0], time))
	}
	text := "case"
	for _, one := range all[:len(all)-1] {
		text += fmt.Sprintf(" when %s < %s", time, r.arg(one.end))
		text += " then " + r.within(one, time)
	}
	text += " else " + r.within(all[len(all)-1], time) + " end"
	return fmt.Sprintf(r.d.Long, text)
}

func (r *renderer) within(one run, time string) string {
	if one.end-one.start == one.width {
		return r.arg(int64(one.index))
	}
	start := r.arg(one.start)
	text := fmt.Sprintf(r.d.Divide, fmt.Sprintf("(%s - %s)", time, start), r.arg(one.width))
	if one.index == 0 {
		return text
	}
	return text + " + " + r.arg(int64(one.index))
}
