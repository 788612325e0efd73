package duckdb

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/footfall-analytics/footfall/internal/event"
)

//go:embed sql/session_keys.sql
var sessionKeysSQL string

// SessionKeys calls yield for each key that has a stored event that forms sessions with timestamp >= from: what the
// session operator must know after a restart to tell new keys from old ones.
func (s *Store) SessionKeys(ctx context.Context, from int64, yield func(event.SessionKey)) error {
	err := s.Select(ctx, sessionKeysSQL, []any{from}, func(c *Chunk) error {
		for row := range c.Rows() {
			yield(event.SessionKey{WebsiteID: c.Text(0, row), SessionID: c.Text(1, row), Band: c.Uint8s(2)[row]})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot read the session keys since %d: %w", from, err)
	}
	return nil
}
