package query

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/footfall-analytics/footfall/internal/event"
)

// ErrTimeout is wrapped by the error of a query that took longer than Options.Timeout.
var ErrTimeout = errors.New("the query took too long")

// ErrMemory is wrapped by the error of a query for which a store had not enough memory.
var ErrMemory = errors.New("the query needs more memory than it may have")

// ErrUnavailable is wrapped by the error of a query whose store cannot be reached now.
var ErrUnavailable = errors.New("the event store cannot be reached")

// Options are what an Engine is made of. Source, Catalog and Clock are needed.
type Options struct {
	Source  Source
	Catalog Catalog
	// Clock tells the time: "today" in ranges, and how long a query took.
	Clock func() time.Time
	// FreshAt returns the time before which acknowledged events are counted, for the reply. Without it: the clock's.
	FreshAt func(websiteID string) int64
	// CacheBytes bounds the memory of cached answers. Default 32 MiB.
	CacheBytes uint64
	// Timeout bounds the run of one query. Default 30 s.
	Timeout time.Duration
	// Shared keeps answers for several processes; nil: this one has its own only.
	Shared Shared
}

// Engine answers queries. It is safe for concurrent use and has nothing to close.
type Engine struct {
	opts    Options
	cache   *otter.Cache[string, *result]
	flights *flights
}

// result is what the cache keeps of an answer: all but what differs from reply to reply.
type result struct {
	results []Result
	meta    Meta
	bytes   uint32
	shared  bool // another process found it
	passing bool // the rollups went away during the run: the key does not say how it was read, so it must not be kept
}

// New returns an engine.
func New(opts Options) (*Engine, error) {
	if opts.CacheBytes == 0 {
		opts.CacheBytes = 32 << 20
	}
	if opts.Timeout == 0 {
		opts.Timeout = 30 * time.Second
	}
	cache, err := otter.New(&otter.Options[string, *result]{
		MaximumWeight: opts.CacheBytes,
		Weigher:       func(key string, r *result) uint32 { return uint32(len(key)) + r.bytes },
	})
	if err != nil {
		return nil, fmt.Errorf("cannot make the cache of answers: %w", err)
	}
	return &Engine{opts: opts, cache: cache, flights: newFlights()}, nil
}

// Query answers a request body. Bad requests give an *Error.
func (e *Engine) Query(ctx context.Context, site *event.Site, body []byte) (*Reply, error) {
	req, err := Parse(body)
	if err != nil {
		return nil, err
	}
	return e.Ask(ctx, site, req)
}

// Ask answers a request that was parsed or made by Go code.
func (e *Engine) Ask(ctx context.Context, site *event.Site, req *Request) (*Reply, error) {
	began := e.opts.Clock()
	q, err := e.resolve(req, site, began)
	if err != nil {
		return nil, err
	}
	fresh := began.UnixMilli()
	if e.opts.FreshAt != nil {
		fresh = e.opts.FreshAt(site.WebsiteID)
	}
	version := e.versions(q) // before the facts, and these before the run
	plans, err := e.plans(q, "")
	if err != nil {
		return nil, err
	}
	key, err := keyOf(q, version, plans)
	if err != nil {
		return nil, err
	}
	found, cached := e.cache.GetIfPresent(key)
	if !cached {
		found, err = e.flights.do(ctx, key, func(ctx context.Context) (*result, error) { return e.answer(ctx, key, q, plans) })
		if err != nil {
			return nil, err
		}
		cached = found.shared
	}
	reply := &Reply{Results: found.results, Meta: found.meta, Query: q.echo(req)}
	reply.Meta.FreshAt, reply.Meta.Cached = fresh, cached
	reply.Meta.TookMs = float64(e.opts.Clock().Sub(began).Microseconds()) / 1000
	return reply, nil
}

func (e *Engine) resolve(req *Request, site *event.Site, now time.Time) (*Query, error) {
	first := int64(0)
	if req.DateRange.Name == "all" {
		first, _ = e.opts.Catalog.FirstEvent(site.WebsiteID)
	}
	return Resolve(req, site, now, first)
}

// versions returns the versions of what a query and its comparison read, as text.
func (e *Engine) versions(q *Query) (text []byte) {
	for ; q != nil; q = q.Compare {
		text = strconv.AppendUint(append(text, ' '), e.opts.Catalog.Version(q.WebsiteID, q.From, q.To), 10)
	}
	return text
}

// keyOf names an answer: the resolved query, the versions of what it reads, and how it is read where that makes the answer another one.
// The versions are read before the run, so an entry is never older than its key says.
func keyOf(q *Query, versions []byte, plans []*Plan) (string, error) {
	text, err := json.Marshal(q)
	if err != nil {
		return "", fmt.Errorf("cannot make the key of a query: %w", err)
	}
	text = append(text, versions...)
	for _, plan := range plans {
		text = append(text, plan.variant()...)
	}
	return string(text), nil
}

// answer finds the answer of a key that is not in the cache, and puts it there.
func (e *Engine) answer(ctx context.Context, key string, q *Query, plans []*Plan) (r *result, err error) {
	ctx, cancel := context.WithTimeout(ctx, e.opts.Timeout)
	defer cancel()
	run := func(ctx context.Context) (*result, error) { return e.run(ctx, q, plans) }
	if e.opts.Shared != nil {
		r, err = e.together(ctx, key, run)
	} else {
		r, err = run(ctx)
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) && err != nil {
		return nil, fmt.Errorf("%w: more than %s", ErrTimeout, e.opts.Timeout)
	}
	if err != nil {
		return nil, err
	}
	if !r.passing {
		e.cache.Set(key, r)
	}
	return r, nil
}

// run runs the plans. Where the rollups do not answer, the query is planned anew without them.
func (e *Engine) run(ctx context.Context, q *Query, plans []*Plan) (*result, error) {
	answers, err := e.execute(ctx, q, plans)
	var away *AwayError
	passing := errors.As(err, &away) && ctx.Err() == nil
	if passing {
		if plans, err = e.plans(q, away.Why); err != nil {
			return nil, err
		}
		answers, err = e.execute(ctx, q, plans)
	}
	if err == nil {
		err = ctx.Err() // a source may end early without saying so
	}
	if err != nil {
		return nil, err
	}
	r := q.shape(plans, answers)
	r.passing = passing
	r.meta.Engines = e.enginesOf(plans)
	return r, nil
}

// plans returns the plan of the query and that of its comparison. away is why the rollups cannot be asked, "" to go by the facts.
func (e *Engine) plans(q *Query, away string) (plans []*Plan, err error) {
	for ; q != nil; q = q.Compare {
		facts := e.opts.Catalog.Facts(q.WebsiteID, q.From, q.To, q.Days)
		if away != "" {
			facts.Away = away
		}
		plan, err := q.Plan(facts)
		if err != nil {
			return nil, err
		}
		plans = append(plans, plan)
	}
	return plans, nil
}

// enginesOf returns the names of the engines that run the plans, each once.
func (e *Engine) enginesOf(plans []*Plan) (names []string) {
	for _, plan := range plans {
		for i := range plan.Parts {
			if name := e.engineOf(&plan.Parts[i]); name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// engineOf returns the name of the engine that runs a part, "" where the source does not tell.
func (e *Engine) engineOf(part *Part) string {
	if source, ok := e.opts.Source.(Namer); ok {
		return source.Engine(part.View)
	}
	return ""
}

// execute runs all parts on one snapshot.
func (e *Engine) execute(ctx context.Context, q *Query, plans []*Plan) ([]*answer, error) {
	stepper, steps := e.opts.Source.(Stepper)
	r := newRun(q, plans, steps)
	if steps {
		err := stepper.Steps(ctx, r.next, r.add)
		return r.finish(), err
	}
	err := e.opts.Source.Run(ctx, r.next(), r.add)
	return r.finish(), err
}

// Explanation says how a query would be answered.
type Explanation struct {
	Plan     *Plan             `json:"plan"`
	Compare  *Plan             `json:"compare,omitempty"`
	SQL      []Statement       `json:"sql"`
	Source   string            `json:"source"`
	Ledger   *Ledger           `json:"ledger"`
	Versions map[string]uint64 `json:"versions"` // by range of ms
}

// Statement is the SQL of one part. Of a long answer the parts that read visitors come last, here as if for all values: they are run
// for those that can be on the page.
type Statement struct {
	Part   int    `json:"part"`
	Engine string `json:"engine,omitempty"`
	Text   string `json:"text"`
	Args   []any  `json:"args"`
}

// Explain plans a request without running it.
func (e *Engine) Explain(ctx context.Context, site *event.Site, body []byte) (*Explanation, error) {
	req, err := Parse(body)
	if err != nil {
		return nil, err
	}
	q, err := e.resolve(req, site, e.opts.Clock())
	if err != nil {
		return nil, err
	}
	plans, err := e.plans(q, "")
	if err != nil {
		return nil, err
	}
	out := &Explanation{Plan: plans[0], Source: plans[0].Source, SQL: []Statement{}, Versions: map[string]uint64{}}
	if len(plans) > 1 {
		out.Compare = plans[1]
	}
	_, steps := e.opts.Source.(Stepper)
	for _, plan := range plans {
		for _, part := range q.statements(plan, steps) {
			text, args := e.opts.Source.Render(&part)
			out.SQL = append(out.SQL, Statement{len(out.SQL), e.engineOf(&part), text, args})
		}
	}
	for one := q; one != nil; one = one.Compare {
		out.Versions[fmt.Sprintf("%d-%d", one.From, one.To)] = e.opts.Catalog.Version(one.WebsiteID, one.From, one.To)
	}
	out.Ledger, err = e.opts.Catalog.Ledger(ctx, q.WebsiteID, q.From, q.To)
	return out, err
}
