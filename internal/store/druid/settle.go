package druid

import (
	"context"
	"fmt"
	"regexp"
	"slices"

	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/store/sqlgen"
)

// settled returns the part with its heavy patterns replaced by the values that match them, found here: Druid's own matching can take a
// core for ever over one text, and no timeout ends it.
func (s *Source) settled(ctx context.Context, part *query.Part) (*query.Part, error) {
	if !hasHeavy(part.Where) {
		return part, nil
	}
	where, err := s.settle(ctx, part, part.Where)
	if err != nil {
		return nil, err
	}
	out := *part
	out.Where = where
	return &out, nil
}

func isHeavy(p *query.Predicate) bool {
	return p.Op == "matches" && slices.ContainsFunc(p.Values, sqlgen.Heavy)
}

func hasHeavy(p *query.Predicate) bool {
	return p != nil && (isHeavy(p) || slices.ContainsFunc(p.Args, hasHeavy))
}

func (s *Source) settle(ctx context.Context, part *query.Part, p *query.Predicate) (*query.Predicate, error) {
	if isHeavy(p) {
		return s.matching(ctx, part, p)
	}
	out := *p
	out.Args = make([]*query.Predicate, len(p.Args))
	for i, arg := range p.Args {
		var err error
		if out.Args[i], err = s.settle(ctx, part, arg); err != nil {
			return nil, err
		}
	}
	return &out, nil
}

// matching reads the values that the column has in the part's ranges and returns the condition that it is one of those that match.
func (s *Source) matching(ctx context.Context, part *query.Part, p *query.Predicate) (*query.Predicate, error) {
	patterns := make([]*regexp.Regexp, len(p.Values))
	for i, value := range p.Values {
		if p.Fold {
			value = "(?i)" + value
		}
		var err error
		if patterns[i], err = regexp.Compile(value); err != nil {
			return nil, fmt.Errorf("cannot read pattern %q: %w", value, err)
		}
	}
	values := query.Part{Of: part.Of, View: part.View, WebsiteID: part.WebsiteID, Threshold: part.Threshold, Ranges: part.Ranges,
		Dimensions: []query.Column{*p.Column}, Measures: part.Measures[:0]}
	out := &query.Predicate{Op: "among", Column: p.Column, Values: []string{}}
	err := s.read(ctx, &values, func(rows *query.Rows) error {
		for _, value := range rows.Values[0] {
			matches := func(pattern *regexp.Regexp) bool { return pattern.Match(value) }
			if len(value) == 0 && p.Empty || len(value) > 0 && slices.ContainsFunc(patterns, matches) {
				out.Values = append(out.Values, string(value))
			}
		}
		return nil
	})
	if len(out.Values) == 0 {
		out.Op = "in" // of nothing
	}
	return out, err
}

// read runs a part alone.
func (s *Source) read(ctx context.Context, part *query.Part, yield func(*query.Rows) error) error {
	text, args := s.Render(part)
	r, err := s.store.covered(ctx, part, text, args)
	if err != nil {
		return err
	}
	defer r.close()
	if err = newPartReader(part).readAll(r, yield); err == nil {
		err = r.complete()
	}
	return because(ctx, err)
}
