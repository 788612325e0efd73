package druid

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/footfall-analytics/footfall/internal/query"
)

// segment is a published piece of a datasource: a day, as one hashed shard holds all of it.
type segment struct {
	ID       string `json:"identifier"`
	Interval string `json:"interval"`
	Version  string `json:"version"`
	Shard    struct {
		Type string `json:"type"`
	} `json:"shardSpec"`
}

// empty reports whether the segment only says that its day has no rows.
func (s *segment) empty() bool { return s.Shard.Type == "tombstone" }

// visible waits until every broker answers from the segments that are published for the days, and knows their columns.
func (s *Store) visible(ctx context.Context, r *Replacement) error {
	newest, err := s.published(ctx, r.Datasource, []string{r.interval()})
	if err != nil {
		return err
	}
	want := map[string]bool{}
	for _, one := range newest {
		want[one.ID] = true
	}
	for _, broker := range s.brokers {
		for pause := pauses(ctx); ; {
			missing, err := s.missing(ctx, broker, r, want)
			if err == nil && missing == 0 {
				break
			}
			if err != nil && !errors.Is(err, query.ErrUnavailable) {
				return fmt.Errorf("cannot see the new rows at %s: %w", broker, err)
			}
			if stopped := pause(); stopped != nil {
				return fmt.Errorf("cannot see the new rows at %s: %d segments: %w", broker, missing, errors.Join(stopped, err))
			}
		}
	}
	return nil
}

// published returns the newest segments of the intervals, from the metadata store itself. Older ones stay published for a while.
func (s *Store) published(ctx context.Context, datasource string, intervals []string) (newest []segment, err error) {
	body, err := json.Marshal(intervals)
	if err != nil {
		return nil, err
	}
	var all []segment
	path := "/druid/coordinator/v1/metadata/datasources/" + s.opts.Prefix + datasource + "/segments?full"
	if err := s.coordinate(ctx, http.MethodPost, path, body, &all); err != nil {
		return nil, fmt.Errorf("cannot list the segments: %w", err)
	}
	versions := map[string]string{}
	for _, one := range all {
		versions[one.Interval] = max(versions[one.Interval], one.Version)
	}
	return slices.DeleteFunc(all, func(one segment) bool { return one.Version != versions[one.Interval] }), nil
}

// missing counts the segments that a broker does not answer from yet.
func (s *Store) missing(ctx context.Context, broker string, r *Replacement, want map[string]bool) (int, error) {
	left := len(want)
	err := s.each(ctx, []string{broker}, segmentsSQL, []any{s.opts.Prefix + r.Datasource}, func(fields [][]byte) error {
		id, err := appendText(nil, fields[0])
		if want[string(id)] {
			left--
		}
		return err
	})
	return left, err
}
