package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alexedwards/scs/v2"
)

// How long a login lives without a request, and at most.
const (
	LoginIdle     = 14 * 24 * time.Hour
	LoginAbsolute = 90 * 24 * time.Hour
)

const sessionUser = "user" // key of the user's id in a session's values

// newLogins keeps only the token's hash in the store: a copy of the database logs nobody in.
func newLogins(tokens *tokenStore) *scs.SessionManager {
	// Not scs.New, which starts a goroutine for a store that is not used.
	return &scs.SessionManager{
		Store:            tokens,
		Codec:            scs.GobCodec{},
		IdleTimeout:      LoginIdle,
		Lifetime:         LoginAbsolute,
		HashTokenInStore: true,
	}
}

// Login checks the password and starts a session. An unknown email and a wrong password give the same error,
// ErrWrongPassword, by the same work. After 10 wrong tries for one email and address in 15 minutes: TooManyError.
func (s *Store) Login(ctx context.Context, email, password, address string) (*User, string, error) {
	email = normalEmail(email)
	attempt, err := s.tries.start(email, address, s.options.Clock())
	if err != nil {
		return nil, "", err
	}
	user, err := s.checkLogin(ctx, email, password)
	if err != nil {
		if !errors.Is(err, ErrWrongPassword) {
			s.tries.forget(attempt) // not the caller's fault
		}
		return nil, "", err
	}
	s.tries.succeed(attempt)
	token, err := s.StartSession(ctx, user)
	return user, token, err
}

// checkLogin does the same work whether the email is known or not.
func (s *Store) checkLogin(ctx context.Context, email, password string) (*User, error) {
	user, hash, err := s.user(ctx, "email", email)
	if errors.Is(err, ErrNotFound) {
		hash, err = s.hasher.decoy, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot log in: %w", err)
	}
	if len(password) > maxPasswordBytes {
		password = password[:maxPasswordBytes+1] // too long to be anybody's
	}
	ok, err := s.hasher.verify(ctx, hash, password)
	if err != nil {
		return nil, fmt.Errorf("cannot log in: %w", err)
	}
	if !ok || user == nil {
		return nil, ErrWrongPassword
	}
	return user, nil
}

// StartSession makes a session of its own for the user and returns its token, the value of the cookie.
func (s *Store) StartSession(ctx context.Context, user *User) (string, error) {
	ctx, err := s.logins.Load(ctx, "")
	if err != nil {
		return "", fmt.Errorf("cannot start a session: %w", err)
	}
	s.logins.Put(ctx, sessionUser, user.ID)
	token, _, err := s.logins.Commit(ctx)
	if err != nil {
		return "", fmt.Errorf("cannot start a session: %w", err)
	}
	return token, nil
}

// SessionUser returns the user of a session that has not ended, and prolongs it; ErrNotFound for any other token.
func (s *Store) SessionUser(ctx context.Context, token string) (*User, error) {
	if token == "" {
		return nil, ErrNotFound
	}
	session, err := s.logins.Load(ctx, token)
	if err != nil {
		return nil, fmt.Errorf("cannot read a session: %w", err)
	}
	id := s.logins.GetString(session, sessionUser)
	if id == "" {
		return nil, ErrNotFound
	}
	user, _, err := s.user(ctx, "id", id)
	if err != nil {
		return nil, err
	}
	return user, s.prolong(session, token)
}

// prolong moves the idle end of a session. It only ever updates: a session that was ended meanwhile stays ended,
// which committing it through scs would not give.
func (s *Store) prolong(session context.Context, token string) error {
	end := time.Now().Add(LoginIdle)
	if deadline := s.logins.Deadline(session); end.After(deadline) {
		end = deadline
	}
	return s.tokens.prolong(session, hashToken(token), end)
}

// EndSession logs out. Ending an unknown session is no error.
func (s *Store) EndSession(ctx context.Context, token string) error {
	if err := s.tokens.DeleteCtx(ctx, hashToken(token)); err != nil {
		return fmt.Errorf("cannot end a session: %w", err)
	}
	return nil
}
