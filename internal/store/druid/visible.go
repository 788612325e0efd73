package druid

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/footfall-analytics/footfall/internal/query"
)

// segment is a published piece of a datasource.
type segment struct {
	Interval string `json:"interval"`
	Version  string `json:"version"`
	ID       string `json:"identifier"`
}

// visible waits until every broker answers from the segments that are published for the days, and knows their columns.
func (s *Store) visible(ctx context.Context, r *Replacement) error {
	want, err := s.published(ctx, r)
	if err != nil {
		return err
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

// published returns the identifiers of the newest segments of the days, from the metadata store itself.
func (s *Store) published(ctx context.Context, r *Replacement) (map[string]bool, error) {
	body, err := json.Marshal([]string{r.interval()})
	if err != nil {
		return nil, err
	}
	var all []segment
	path := "/druid/coordinator/v1/metadata/datasources/" + s.opts.Prefix + r.Datasource + "/segments?full"
	if err := s.coordinate(ctx, http.MethodPost, path, body, &all); err != nil {
		return nil, fmt.Errorf("cannot list the segments: %w", err)
	}
	newest := map[string]string{}
	for _, one := range all {
		newest[one.Interval] = max(newest[one.Interval], one.Version)
	}
	ids := map[string]bool{}
	for _, one := range all {
		if one.Version == newest[one.Interval] {
			ids[one.ID] = true
		}
	}
	return ids, nil
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
