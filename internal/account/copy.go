package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/footfall-analytics/footfall/internal/event"
)

// Copied counts rows.
type Copied struct {
	Users, Sites, Keys, Salts int // that were made
	Present                   int // that were there already, and equal
}

// DifferentError is a row that both Stores have, with different values.
type DifferentError struct{ What, Name string }

// Error names the row.
func (e *DifferentError) Error() string {
	return fmt.Sprintf("%s %q is there already and differs", e.What, e.Name)
}

// copyBatch is how many rows one transaction copies: other changes wait for it.
const copyBatch = 200

// copyTable is how the rows of a table are copied. The first column is the primary key.
type copyTable struct {
	what               string
	read, insert, find string
	compared           int // columns from the left that must be equal in a row that is there already
	count              func(c *Copied) *int
}

// copyTables are in the order of their references. The last use of a key moves on and is not compared.
func copyTables() []copyTable {
	return []copyTable{
		{
			what:   "user",
			read:   `select id, email, name, password, created_at from users`,
			insert: `insert into users (id, email, name, password, created_at) values ($1, $2, $3, $4, $5) on conflict do nothing`,
			find:   `select id, email, name, password, created_at from users where id = $1 or email = $2`,
			count:  func(c *Copied) *int { return &c.Users }, compared: 5,
		},
		{
			what: "site",
			read: `select website_id, domain, tracking_id, timezone, threshold, ip_policy, hostnames, ignore_signals, query_keys,
				retention_months, demo, created_at from sites`,
			insert: `insert into sites (website_id, domain, tracking_id, timezone, threshold, ip_policy, hostnames, ignore_signals,
				query_keys, retention_months, demo, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict do nothing`,
			find: `select website_id, domain, tracking_id, timezone, threshold, ip_policy, hostnames, ignore_signals, query_keys,
				retention_months, demo, created_at from sites where website_id = $1 or domain = $2`,
			count: func(c *Copied) *int { return &c.Sites }, compared: 12,
		},
		{
			what: "key",
			read: `select id, hash, website_id, name, prefix, scopes, created_at, last_used_at from api_keys`,
			insert: `insert into api_keys (id, hash, website_id, name, prefix, scopes, created_at, last_used_at)
				values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing`,
			find:  `select id, hash, website_id, name, prefix, scopes, created_at, last_used_at from api_keys where id = $1 or hash = $2`,
			count: func(c *Copied) *int { return &c.Keys }, compared: 7,
		},
	}
}

// CopyFrom copies users, sites with their settings, keys and salts of another Store, with their ids, times and hashes.
// Logins are not copied. It may be repeated: rows that are there already are left alone when they are equal, and a
// DifferentError when not; what was copied before the error stays. Nobody should change source meanwhile.
func (s *Store) CopyFrom(ctx context.Context, source *Store) (Copied, error) {
	var copied Copied
	if err := source.flushUses(ctx); err != nil {
		return copied, fmt.Errorf("cannot copy accounts: %w", err)
	}
	for _, table := range copyTables() {
		if err := s.copyTable(ctx, source, table, &copied); err != nil {
			return copied, fmt.Errorf("cannot copy accounts: %w", err)
		}
	}
	salts, err := source.SettleSalts(ctx, 0, nil)
	if err != nil {
		return copied, fmt.Errorf("cannot copy accounts: %w", err)
	}
	return copied, s.copySalts(ctx, salts, &copied)
}

// CopySalts copies the salts of another store, as a file of the embedded product. Those whose 48 h have passed are left out.
// It may be repeated, as CopyFrom.
func (s *Store) CopySalts(ctx context.Context, salts []event.Salt) (Copied, error) {
	var copied Copied
	return copied, s.copySalts(ctx, salts, &copied)
}

func (s *Store) copyTable(ctx context.Context, source *Store, table copyTable, copied *Copied) error {
	rows, err := source.readRows(ctx, table)
	if err != nil {
		return err
	}
	for batch := range slices.Chunk(rows, copyBatch) {
		made := 0
		err := s.change(ctx, func(ctx context.Context, tx *sql.Tx, _ *snapshot) error {
			made = 0 // it may run again
			for _, row := range batch {
				done, err := table.copyRow(ctx, tx, row)
				if err != nil {
					return err
				}
				made += done
			}
			return nil
		})
		if err != nil {
			return err
		}
		*table.count(copied) += made
		copied.Present += len(batch) - made
	}
	return nil
}

// readRows returns the rows of a table; values are strings, int64s and nil on both engines.
func (s *Store) readRows(ctx context.Context, table copyTable) (list [][]any, err error) {
	err = s.db.look(ctx, func(ctx context.Context, tx *sql.Tx) error {
		list = nil
		rows, err := tx.QueryContext(ctx, table.read)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			row, err := scanRow(rows)
			if err != nil {
				return err
			}
			list = append(list, row)
		}
		return rows.Err()
	})
	return list, err
}

func scanRow(rows *sql.Rows) ([]any, error) {
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	row, to := make([]any, len(columns)), make([]any, len(columns))
	for i := range row {
		to[i] = &row[i]
	}
	return row, rows.Scan(to...)
}

// copyRow returns 1 when it made the row, 0 when it is there already and equal. A DifferentError names it by its second
// column where that may be shown.
func (t copyTable) copyRow(ctx context.Context, tx *sql.Tx, row []any) (made int, err error) {
	result, err := tx.ExecContext(ctx, t.insert, row...)
	if err != nil {
		return 0, err
	}
	if n, err := result.RowsAffected(); err != nil || n == 1 {
		return int(n), err
	}
	found, err := tx.QueryContext(ctx, t.find, row[0], row[1])
	if err != nil {
		return 0, err
	}
	defer found.Close()
	equal := 0
	for found.Next() {
		there, err := scanRow(found)
		if err != nil {
			return 0, err
		}
		if slices.Equal(there[:t.compared], row[:t.compared]) {
			equal++
		}
	}
	if err := found.Err(); err != nil || equal == 1 {
		return 0, err
	}
	return 0, &DifferentError{t.what, t.name(row)}
}

func (t copyTable) name(row []any) string {
	if t.what == "key" {
		return fmt.Sprint(row[0]) // not by its hash
	}
	return fmt.Sprint(row[1])
}

func (s *Store) copySalts(ctx context.Context, salts []event.Salt, copied *Copied) error {
	before, err := s.SettleSalts(ctx, 0, nil)
	if err != nil {
		return fmt.Errorf("cannot copy salts: %w", err)
	}
	after, err := s.SettleSalts(ctx, 0, s.living(salts))
	if err != nil {
		return fmt.Errorf("cannot copy salts: %w", err)
	}
	var different error
	for _, salt := range s.living(salts) {
		switch {
		case slices.Contains(before, salt):
			copied.Present++
		case slices.Contains(after, salt):
			copied.Salts++
		default:
			different = errors.Join(different, &DifferentError{"salt", salt.String()})
		}
	}
	if different != nil {
		return fmt.Errorf("cannot copy salts: %w", different)
	}
	return nil
}

// living leaves out the salts that must be destroyed by now.
func (s *Store) living(salts []event.Salt) []event.Salt {
	today := s.nowMillis() / event.DayMillis
	return slices.DeleteFunc(slices.Clone(salts), func(salt event.Salt) bool { return salt.Day < today-1 })
}
