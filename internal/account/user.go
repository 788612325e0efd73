package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"
)

// User is somebody who can log in. Every user may see and manage every site.
type User struct {
	ID, Email, Name string
	CreatedAt       int64
}

// NewUser is what a user is made from.
type NewUser struct{ Email, Password, Name string }

const maxNameRunes = 200

// AddUser makes a user. ErrConflict when the email has one.
func (s *Store) AddUser(ctx context.Context, spec NewUser) (*User, error) {
	return s.addUser(ctx, spec, `select count(*) from users where email = $1`)
}

// AddFirstUser makes a user only when there is none yet, else ErrConflict.
func (s *Store) AddFirstUser(ctx context.Context, spec NewUser) (*User, error) {
	// Cheap refusal before the hash; the count in the transaction decides.
	if has, err := s.HasUsers(ctx); err != nil || has {
		return nil, fmt.Errorf("cannot add the first user: %w", cmpErr(err, ErrConflict))
	}
	return s.addUser(ctx, spec, `select count(*) from users where email = $1 or 1 = 1`)
}

// addUser inserts the user when the count, whose parameter is the email, is 0.
func (s *Store) addUser(ctx context.Context, spec NewUser, count string) (*User, error) {
	user := &User{ID: newID(), Email: normalEmail(spec.Email), Name: strings.TrimSpace(spec.Name), CreatedAt: s.nowMillis()}
	if err := checkUser(user, spec.Password); err != nil {
		return nil, err
	}
	hash, err := s.hasher.hash(ctx, spec.Password)
	if err != nil {
		return nil, fmt.Errorf("cannot add user: %w", err)
	}
	err = s.change(ctx, func(ctx context.Context, tx *sql.Tx, _ *snapshot) error {
		var taken int
		if err := tx.QueryRowContext(ctx, count, user.Email).Scan(&taken); err != nil || taken > 0 {
			return cmpErr(err, ErrConflict)
		}
		_, err := tx.ExecContext(ctx, `insert into users (id, email, name, password, created_at) values ($1, $2, $3, $4, $5)`,
			user.ID, user.Email, user.Name, hash, user.CreatedAt)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot add user: %w", err)
	}
	return user, nil
}

func normalEmail(text string) string { return strings.ToLower(strings.TrimSpace(text)) }

func checkUser(user *User, password string) error {
	address, err := mail.ParseAddress(user.Email)
	if err != nil || address.Address != user.Email || len(user.Email) > 254 {
		return invalid("email", "the email is no address, as name@example.com")
	}
	if user.Name != "" {
		if err := checkName("name", user.Name); err != nil {
			return err
		}
	}
	return checkPassword(password)
}

// checkName refuses what cannot be shown on one line.
func checkName(field, name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return invalid(field, "a %s is needed", field)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return invalid(field, "the %s has control characters", field)
	case utf8.RuneCountInString(name) > maxNameRunes:
		return invalid(field, "the %s may have at most %d characters", field, maxNameRunes)
	}
	return nil
}

// HasUsers reports whether setup is done.
func (s *Store) HasUsers(ctx context.Context) (bool, error) {
	var n int64
	err := s.db.find(ctx, []any{&n}, `select count(*) from users`)
	return n > 0, err
}

// user returns a user and the stored form of the password, by a column that is unique.
func (s *Store) user(ctx context.Context, where, value string) (*User, string, error) {
	user, hash := new(User), ""
	err := s.db.find(ctx, []any{&user.ID, &user.Email, &user.Name, &hash, &user.CreatedAt},
		`select id, email, name, password, created_at from users where `+where+` = $1`, value)
	if errors.Is(err, ErrNotFound) {
		return nil, "", ErrNotFound
	}
	return user, hash, err
}
