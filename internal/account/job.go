package account

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// holdEvery is how often the holder of a lock looks whether it still has it.
const holdEvery = 2 * time.Second

// Lead runs do when no other process on the database leads under that name, and returns whether it did. PostgreSQL holds the lock for
// as long as the connection lives, so it ends with the process; when the connection breaks, the context of do ends.
func (s *Store) Lead(ctx context.Context, name string, do func(ctx context.Context) error) (led bool, err error) {
	if s.db.postgres == nil {
		return true, do(ctx) // the directory has one process
	}
	conn, err := s.connect(ctx)
	if err != nil {
		return false, fmt.Errorf("cannot ask for the lead of %q: %w: %w", name, ErrUnavailable, err)
	}
	defer closeConn(conn)
	const lock = `select pg_try_advisory_lock(hashtextextended('footfall/' || current_schema() || '/' || $1, 0))`
	if err := conn.QueryRow(ctx, lock, name).Scan(&led); err != nil || !led {
		return false, fault(err)
	}
	leading, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		hold(leading, conn, func(err error) { stop(fmt.Errorf("%w: the lead of %q is lost: %w", ErrUnavailable, name, err)) })
	}()
	err = do(leading)
	if cause := context.Cause(leading); err != nil && cause != nil && ctx.Err() == nil {
		err = cause
	}
	stop(nil)
	<-watched // before the connection is closed
	return true, err
}

// hold looks after a connection until ctx ends or the connection breaks.
func hold(ctx context.Context, conn *pgx.Conn, broken func(error)) {
	for ctx.Err() == nil {
		pause(ctx, holdEvery)
		if ctx.Err() != nil {
			return
		}
		looking, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTime)
		err := conn.Ping(looking)
		cancel()
		if err != nil {
			broken(err)
			return
		}
	}
}

// SaveJob keeps what a job has to say, in place of what it said before.
func (s *Store) SaveJob(ctx context.Context, name string, state []byte) error {
	const upsert = `insert into jobs (name, state) values ($1, $2) on conflict (name) do update set state = excluded.state`
	if err := s.db.exec(ctx, upsert, name, string(state)); err != nil {
		return fmt.Errorf("cannot keep the state of job %q: %w", name, err)
	}
	return nil
}

// Job returns what a job said last; ErrNotFound when it never did.
func (s *Store) Job(ctx context.Context, name string) (state []byte, err error) {
	var text string
	if err := s.db.find(ctx, []any{&text}, `select state from jobs where name = $1`, name); err != nil {
		return nil, fmt.Errorf("cannot read the state of job %q: %w", name, err)
	}
	return []byte(text), nil
}
