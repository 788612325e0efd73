package account

import (
	"context"
	"database/sql"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/footfall-analytics/footfall/internal/event"
)

// SettleSalts keeps each offered salt for whose purpose and day none is kept yet, destroys every salt of a day before oldest
// and returns all that are kept then, in no order. Of several processes that offer a salt of the same day at once, one is
// heard, and all are returned its salt. What is returned is durable.
//
// The server's clock bounds what a process whose own clock is wrong can do: no salt is destroyed of which less than 48 h
// have passed since its day began, and one of a day after tomorrow is refused. oldest 0 destroys nothing.
func (s *Store) SettleSalts(ctx context.Context, oldest int64, offers []event.Salt) ([]event.Salt, error) {
	offers = slices.SortedFunc(slices.Values(offers), compareSalts) // one order of locks
	var kept []event.Salt
	err := s.db.change(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		now, err := s.db.nowMillis(ctx, tx, s.nowMillis())
		if err != nil {
			return err
		}
		today := now / event.DayMillis
		if err := checkSalts(offers, today); err != nil {
			return err
		}
		oldest := min(oldest, today-1)
		if _, err := tx.ExecContext(ctx, `delete from salts where day < $1`, oldest); err != nil {
			return err
		}
		if err := insertSalts(ctx, tx, offers, oldest); err != nil {
			return err
		}
		kept, err = readSalts(ctx, tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot settle salts: %w", err)
	}
	return kept, nil
}

func compareSalts(a, b event.Salt) int {
	if a.Purpose != b.Purpose {
		return strings.Compare(a.Purpose, b.Purpose)
	}
	return int(a.Day - b.Day)
}

func checkSalts(offers []event.Salt, today int64) error {
	for _, salt := range offers {
		if salt.Day > today+1 {
			return fmt.Errorf("the %s is of no day near the database's, %d: one of the clocks is wrong", salt, today)
		}
	}
	return nil
}

func insertSalts(ctx context.Context, tx *sql.Tx, offers []event.Salt, oldest int64) error {
	for _, salt := range offers {
		if salt.Day < oldest {
			continue
		}
		_, err := tx.ExecContext(ctx, `insert into salts (purpose, day, secret) values ($1, $2, $3) on conflict (purpose, day) do nothing`,
			salt.Purpose, salt.Day, base64.StdEncoding.EncodeToString(salt.Secret[:]))
		if err != nil {
			return err
		}
	}
	return nil
}

func readSalts(ctx context.Context, tx *sql.Tx) ([]event.Salt, error) {
	rows, err := tx.QueryContext(ctx, `select purpose, day, secret from salts`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var kept []event.Salt
	for rows.Next() {
		var salt event.Salt
		var secret string
		if err := rows.Scan(&salt.Purpose, &salt.Day, &secret); err != nil {
			return nil, err
		}
		raw, err := base64.StdEncoding.DecodeString(secret)
		if err != nil || len(raw) != len(salt.Secret) {
			return nil, fmt.Errorf("the %s is not 16 bytes of base64", salt)
		}
		copy(salt.Secret[:], raw)
		kept = append(kept, salt)
	}
	return kept, rows.Err()
}

// forgetSalts destroys what has lived for 48 h, also where no door runs.
func (s *Store) forgetSalts(ctx context.Context) error {
	_, err := s.SettleSalts(ctx, s.nowMillis()/event.DayMillis-1, nil)
	return err
}
