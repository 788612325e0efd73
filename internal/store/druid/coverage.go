package druid

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/footfall-analytics/footfall/internal/query"
)

// A broker answers from the segments that historicals serve, and says nothing of others: when a historical is away, sums are too
// small. What it does say, when asked, is which intervals no segment covers: days that nothing was ever stored for, and those that
// are missing. The coordinator knows the difference.

// maxUncovered bounds the intervals that a broker lists.
const maxUncovered = 100

var coverageSetting = map[string]any{"uncoveredIntervalsLimit": maxUncovered}

// contextHeader holds what a broker says beside the rows.
const contextHeader = "X-Druid-Response-Context"

// errHeader is the error of an answer that does not say what it left out: something between has cut it off.
var errHeader = errors.New("the answer has no " + contextHeader)

// coverage begins to find out whether a reply misses stored days, and returns a function that waits for the answer: an error that
// wraps query.ErrUnavailable when it does.
func (s *Store) coverage(ctx context.Context, header http.Header, part *query.Part) func() error {
	var said struct {
		Intervals []string `json:"uncoveredIntervals"`
		More      bool     `json:"uncoveredIntervalsOverflowed"`
	}
	if err := json.Unmarshal([]byte(header.Get(contextHeader)), &said); err != nil {
		return func() error { return fmt.Errorf("%w: %w", errHeader, err) }
	}
	intervals := said.Intervals
	if said.More {
		intervals = intervalsOf(part.Ranges)
	}
	if len(intervals) == 0 {
		return func() error { return nil }
	}
	found := make(chan error, 1)
	go func() {
		stored, err := s.stored(ctx, part.View, intervals)
		if err == nil && len(stored) > 0 {
			err = fmt.Errorf("%w: %d stored segments are served by no historical, %s is one", query.ErrUnavailable, len(stored), stored[0].ID)
		}
		found <- err
	}()
	return func() error { return <-found }
}

// stored returns the segments with rows that are published in the intervals.
func (s *Store) stored(ctx context.Context, view query.View, intervals []string) ([]segment, error) {
	newest, err := s.published(ctx, string(view), intervals)
	return slices.DeleteFunc(newest, func(one segment) bool { return one.empty() }), err
}

func intervalsOf(ranges []query.Range) (intervals []string) {
	for _, one := range ranges {
		intervals = append(intervals, time.UnixMilli(one.From).UTC().Format(time.RFC3339Nano)+"/"+time.UnixMilli(one.To).UTC().Format(time.RFC3339Nano))
	}
	return intervals
}

// unknown reports whether a refusal says that the broker does not know the datasource or a column of it, as before its first day.
func unknown(err error) bool {
	var refused *Error
	return errors.As(err, &refused) && refused.Code == "invalidInput" && strings.Contains(refused.Message, "not found")
}

// covered runs a statement over the part's view and ranges and calls yield for its rows. It fails where stored days are missing; a
// datasource that nothing is stored in has no rows.
func (s *Store) covered(ctx context.Context, part *query.Part, text string, args []any) (*reply, error) {
	r, err := s.run(ctx, s.brokers, text, args, coverageSetting)
	if err == nil {
		r.complete = s.coverage(ctx, r.header, part)
		return r, nil
	}
	if !unknown(err) {
		return nil, err
	}
	stored, storedErr := s.stored(ctx, part.View, intervalsOf(part.Ranges))
	switch {
	case storedErr != nil:
		return nil, errors.Join(err, storedErr)
	case len(stored) > 0:
		return nil, fmt.Errorf("%w: %w", query.ErrUnavailable, err)
	}
	return emptyReply(), nil
}
