package account

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// channel is where a change is announced. A process of another schema that hears of it looks once in vain.
	channel = "footfall_accounts"
	// pollEvery is the net below the announcements: the revision is looked at even when none came.
	pollEvery = 2 * time.Second
	// lookTime bounds one look at the revision, and the making of a connection.
	lookTime = 2 * time.Second
	// reconnectPause is the time between two tries to hear of changes again.
	reconnectPause = 500 * time.Millisecond
)

// follow publishes the changes of other processes until ctx ends. While the server is away the last snapshot stays.
func (s *Store) follow(ctx context.Context) {
	away := false
	for ctx.Err() == nil {
		err := s.listen(ctx, func() {
			if away {
				s.options.Logger.Info("accounts are followed again")
			}
			away = false
		})
		if !away && ctx.Err() == nil {
			s.options.Logger.Error("cannot follow accounts; the last state known is used", "error", err)
			away = true
		}
		pause(ctx, reconnectPause)
	}
}

// listen hears of changes on a connection of its own until that breaks. What was missed before is read first; begun is
// called then.
func (s *Store) listen(ctx context.Context, begun func()) error {
	conn, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer closeConn(conn)
	if _, err := conn.Exec(ctx, `listen `+channel); err != nil {
		return err
	}
	if err := s.refresh(ctx); err != nil {
		return err
	}
	begun()
	for {
		if err := await(ctx, conn); err != nil {
			return err
		}
		if err := s.catchUp(ctx, conn); err != nil {
			return err
		}
	}
}

func (s *Store) connect(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	return pgx.ConnectConfig(ctx, s.db.postgres.Copy())
}

func closeConn(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), lookTime)
	defer cancel()
	conn.Close(ctx) // an error here is a server that has gone
}

// await returns when a change was announced, or when it is time to look without.
func await(ctx context.Context, conn *pgx.Conn) error {
	waiting, cancel := context.WithTimeout(ctx, pollEvery)
	defer cancel()
	_, err := conn.WaitForNotification(waiting)
	if pgconn.Timeout(err) && ctx.Err() == nil {
		return nil
	}
	return err
}

// catchUp publishes what the database holds if that is not what the snapshot shows.
func (s *Store) catchUp(ctx context.Context, conn *pgx.Conn) error {
	looking, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	var revision int64
	if err := conn.QueryRow(looking, `select changes from revision where id = 1`).Scan(&revision); err != nil {
		return err
	}
	if revision == s.snapshot.Load().revision {
		return nil
	}
	return s.refresh(ctx)
}
