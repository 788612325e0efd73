package account

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"github.com/alexedwards/scs/v2"
)

// tokenStore keeps sessions by the hash of their token.
type tokenStore struct{ db *database }

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
	err := t.db.find(ctx, []any{&data}, `select data from login_sessions where token = $1 and expires_at > $2`, token, time.Now().UnixMilli())
	if errors.Is(err, ErrNotFound) {
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
	return t.db.exec(ctx, `insert into login_sessions (token, data, expires_at) values ($1, $2, $3)
		on conflict (token) do update set data = excluded.data, expires_at = excluded.expires_at`,
		token, base64.StdEncoding.EncodeToString(data), end.UnixMilli())
}

// DeleteCtx ends a session.
func (t *tokenStore) DeleteCtx(ctx context.Context, token string) error {
	return t.db.exec(ctx, `delete from login_sessions where token = $1`, token)
}

// prolong moves the end of a session that still exists, when that is worth a write.
func (t *tokenStore) prolong(ctx context.Context, token string, end time.Time) error {
	var stored int64
	err := t.db.find(ctx, []any{&stored}, `select expires_at from login_sessions where token = $1`, token)
	if errors.Is(err, ErrNotFound) || err == nil && end.UnixMilli()-stored < prolongStep.Milliseconds() {
		return nil
	}
	if err != nil {
		return err
	}
	return t.db.exec(ctx, `update login_sessions set expires_at = $1 where token = $2 and expires_at < $1`, end.UnixMilli(), token)
}

// removeEnded deletes the sessions that have ended.
func (t *tokenStore) removeEnded(ctx context.Context) error {
	return t.db.exec(ctx, `delete from login_sessions where expires_at <= $1`, time.Now().UnixMilli())
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
