// Package account keeps who may do what: users, sites, API keys and logins.
//
// It promises that a change is visible to every caller of the Store when the
// call that made it returns: the hot path (ByTracking, ByID, Authorize) reads
// an immutable snapshot without a lock, and a new snapshot is published before
// a change is reported as done. No usable secret is at rest: passwords are
// argon2id, API keys and login tokens are stored as SHA-256.
//
// The database is SQLite, or PostgreSQL where several processes share it. The
// SQL is the same: text and bigint only, numbered parameters. On PostgreSQL
//   - a change takes the row of the table revision first, so that the changes
//     of all processes stand in one queue and what a change has checked stays
//     true until it is committed;
//   - a change is announced in its transaction; the other processes show it
//     within 1 s, or within 5 s where the announcement was lost, as they look
//     at the revision every 2 s besides;
//   - while the server is away the hot path goes on from the last snapshot, and
//     all else fails with ErrUnavailable within 5 s. It recovers by itself;
//   - wrong tries to log in are counted by each process for itself.
//
// The tables are drawn in docs/format/accounts.md. The package may import event.
package account
