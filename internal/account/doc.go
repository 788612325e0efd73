// Package account keeps who may do what: users, sites, API keys and logins.
//
// It promises that a change is visible to every caller of the Store when the
// call that made it returns: the hot path (ByTracking, ByID, Authorize) reads
// an immutable snapshot without a lock, and a new snapshot is published before
// a change is reported as done. No usable secret is at rest: passwords are
// argon2id, API keys and login tokens are stored as SHA-256.
//
// The database is SQLite; the SQL is the part that PostgreSQL shares (text and
// bigint only, numbered parameters). The package may import event.
package account
