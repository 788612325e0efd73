package demo

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Options say what traffic Generate makes. The zero value of a field stands for the default in its comment.
type Options struct {
	Seed       uint64         // the same seed and options give the same events
	Days       int            // whole days before today: 90
	Events     int            // about how many, within 1 %: 300,000
	Now        int64          // ms; required; every event is before it
	Location   *time.Location // whose days and hours people keep: UTC
	Hostname   string         // of the made-up shop: lumen-and-loom.example
	TrackingID string         // required
}

// ErrOptions is wrapped by the error for options that make no sense.
var ErrOptions = errors.New("invalid options of the demo traffic")

func (o *Options) complete() error {
	if o.TrackingID == "" || o.Now <= 0 {
		return fmt.Errorf("%w: tracking id and now are required", ErrOptions)
	}
	if o.Days < 0 || o.Days > 3660 || o.Events < 0 {
		return fmt.Errorf("%w: %d days, %d events", ErrOptions, o.Days, o.Events)
	}
	if o.Days == 0 {
		o.Days = 90
	}
	if o.Events == 0 {
		o.Events = 300_000
	}
	if o.Location == nil {
		o.Location = time.UTC
	}
	if o.Hostname == "" {
		o.Hostname = "lumen-and-loom.example"
	}
	return nil
}

const hourMillis = 3600_000

// Generate makes the traffic of the last Days days and of today so far, and hands it to yield in the order of time.
// The event is yield's until it returns. The first error of yield ends Generate and is returned as it is.
func Generate(opt Options, yield func(*Event) error) error {
	if err := opt.complete(); err != nil {
		return err
	}
	g := newGenerator(opt)
	weights, total := g.hours()
	made, due := 0.0, 0.0
	for i, weight := range weights {
		due += weight / total * float64(opt.Events)
		start := g.from + int64(i)*hourMillis
		for made < due {
			made += float64(g.visit(start + g.rng.Int64N(min(hourMillis, opt.Now-start))))
		}
		if err := g.flush(min(start+hourMillis, opt.Now), yield); err != nil {
			return err
		}
	}
	return nil
}

// generator holds the tables, the visitors who may return and the events that are made but not yet due.
type generator struct {
	Options
	rng  *rand.Rand
	from int64 // the first instant of the first day

	pages     []page
	sources   []source
	countries []country
	browsers  []agent
	bots      []agent
	words     []string

	byPage, bySource, byLoyalty, byCountry, byBrowser, byBot picker

	byKind [journalPage + 1]picker // of pages of that kind

	regulars []visitor
	pending  []Event
}

func newGenerator(opt Options) *generator {
	now := time.UnixMilli(opt.Now).In(opt.Location)
	first := time.Date(now.Year(), now.Month(), now.Day()-opt.Days, 0, 0, 0, 0, opt.Location)
	g := &generator{
		Options: opt, from: first.UnixMilli(), rng: rand.New(rand.NewPCG(opt.Seed, 0x666f6f7466616c6c)),
		pages: pages(), sources: sources(), countries: countries(), browsers: browsers(), bots: bots(), words: searchWords(),
	}
	g.byPage = newPicker(len(g.pages), func(i int) float64 { return g.pages[i].weight })
	g.bySource = newPicker(len(g.sources), func(i int) float64 { return g.sources[i].weight })
	g.byLoyalty = newPicker(len(g.sources), func(i int) float64 { return g.sources[i].loyal })
	g.byCountry = newPicker(len(g.countries), func(i int) float64 { return g.countries[i].weight })
	g.byBrowser = newPicker(len(g.browsers), func(i int) float64 { return g.browsers[i].weight })
	g.byBot = newPicker(len(g.bots), func(i int) float64 { return g.bots[i].weight })
	for kind := range g.byKind {
		g.byKind[kind] = newPicker(len(g.pages), func(i int) float64 {
			if g.pages[i].kind != pageKind(kind) {
				return 0
			}
			return g.pages[i].weight
		})
	}
	return g
}

// hours returns the weight of each hour from the first day on and their sum: growth, week, day, and the two days on which
// everybody talks about the shop. The running hour counts for the part of it that has passed.
func (g *generator) hours() (weights []float64, total float64) {
	ofDay := [24]float64{1.6, 1, 0.7, 0.5, 0.5, 0.8, 1.8, 3.2, 4.6, 5.6, 6.1, 6.2, 6, 5.8, 5.7, 5.6, 5.5, 5.6, 5.9, 6.6, 7.2, 6.8, 5, 3}
	ofWeek := [7]float64{1.15, 1.08, 1.02, 1, 0.98, 0.9, 1.04} // from Sunday on
	noise, yearDay := 1.0, -1
	for at := g.from; at < g.Now; at += hourMillis {
		now := time.UnixMilli(at).In(g.Location)
		if now.YearDay() != yearDay {
			yearDay, noise = now.YearDay(), 0.92+0.16*g.rng.Float64()
		}
		part := float64(at-g.from) / float64(g.Now-g.from)
		weight := ofDay[now.Hour()] * ofWeek[now.Weekday()] * noise * (0.7 + 0.6*part)
		switch day := int(part * float64(g.Days)); day {
		case g.Days * 3 / 5:
			weight *= 2.1 // an article goes round
		case g.Days*3/5 + 1:
			weight *= 1.5
		}
		weight *= float64(min(hourMillis, g.Now-at)) / hourMillis
		weights, total = append(weights, weight), total+weight
	}
	return weights, total
}

// flush yields the pending events before the time given, in order, and keeps the rest.
func (g *generator) flush(before int64, yield func(*Event) error) error {
	slices.SortStableFunc(g.pending, func(a, b Event) int { return int(a.Timestamp - b.Timestamp) })
	n := 0
	for ; n < len(g.pending) && g.pending[n].Timestamp < before; n++ {
		if err := yield(&g.pending[n]); err != nil {
			return err
		}
	}
	g.pending = slices.Delete(g.pending, 0, n)
	return nil
}
