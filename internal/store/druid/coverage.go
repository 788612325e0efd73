package druid

import (
	"context"

	"github.com/footfall-analytics/footfall/internal/query"
)

var querySettings = map[string]any{}

func (s *Store) coverage(ctx context.Context, r *reply, part *query.Part) func() error {
	return func() error { return nil }
}

func (s *Store) isEmpty(ctx context.Context, err error, part *query.Part) (bool, error) { return false, nil }
func emptyReply() *reply { return nil }
