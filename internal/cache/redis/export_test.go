package redis

import (
	"context"

	"github.com/redis/rueidis"
)

// LockAndDie leaves a lock as a process does that dies at once.
func (a *Answers) LockAndDie(ctx context.Context, key string) error {
	_, err := a.do(ctx, func(b rueidis.Builder) rueidis.Completed {
		return b.Set().Key(a.name("f", key)).Value("dead").Nx().Px(lockLife).Build()
	})
	return err
}
