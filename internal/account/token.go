package account

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"time"

	"github.com/alexedwards/scs/v2"
)

// tokenStore keeps sessions by the hash of their token.
type tokenStore struct{ db *sql.DB }

var _ scs.CtxStore = (*tokenStore)(nil)

// prolongStep is how much later an end must be to be worth a write.
const prolongStep = time.Minute

// hashToken is the form scs gives to the store with HashTokenInStore.
func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// FindCtx returns the data of a session that has not ended.
func (t *tokenStore) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	var data string
	err := t.db.QueryRowContext(ctx, `select data from login_sessions where token = $1 and expires_at > $2`, token, time.Now().UnixMilli()).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	raw, err := base64.StdEncoding.DecodeString(data)
	return raw, err == nil, err
}

// CommitCtx stores a session.
func (t *tokenStore) CommitCtx(ctx context.Context, token string, data []byte, end time.Time) error {
	_, err := t.db.ExecContext(ctx, `insert into login_sessions (token, data, expires_at) values ($1, $2, $3)
		on conflict (token) do update set data = excluded.data, expires_at = excluded.expires_at`,
		token, base64.StdEncoding.EncodeToString(data), end.UnixMilli())
	return err
}

// DeleteCtx ends a session.
func (t *tokenStore) DeleteCtx(ctx context.Context, token string) error {
	_, err := t.db.ExecContext(ctx, `delete from login_sessions where token = $1`, token)
	return err
}

// prolong moves the end of a session that still exists, when that is worth a write.
func (t *tokenStore) prolong(ctx context.Context, token string, end time.Time) error {
	var stored int64
	err := t.db.QueryRowContext(ctx, `select expires_at from login_sessions where token = $1`, token).Scan(&stored)
	if errors.Is(err, sql.ErrNoRows) || err == nil && end.UnixMilli()-stored < prolongStep.Milliseconds() {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = t.db.ExecContext(ctx, `update login_sessions set expires_at = $1 where token = $2`, end.UnixMilli(), token)
	return err
}

// removeEnded deletes the sessions that have ended.
func (t *tokenStore) removeEnded(ctx context.Context) error {
	_, err := t.db.ExecContext(ctx, `delete from login_sessions where expires_at <= $1`, time.Now().UnixMilli())
	return err
}

// Find, Commit and Delete are there for scs, which calls the forms above.

// Find is FindCtx without a context.
func (t *tokenStore) Find(token string) ([]byte, bool, error) {
	return t.FindCtx(context.Background(), token)
}

// Commit is CommitCtx without a context.
func (t *tokenStore) Commit(token string, data []byte, end time.Time) error {
	return t.CommitCtx(context.Background(), token, data, end)
}

// Delete is DeleteCtx without a context.
func (t *tokenStore) Delete(token string) error { return t.DeleteCtx(context.Background(), token) }
