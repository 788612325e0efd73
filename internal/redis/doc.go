// Package redis is what all parts that stand in Redis stand on: the connection, the names of keys, scripts, and Replay, which
// follows a topic into Redis.
//
// It promises that nobody waits for a Redis that is away (Client answers ErrUnavailable at once while there is no connection),
// and that what Redis loses is written again (Replay). It may import event and eventlog. Keys and values are drawn in
// docs/format/redis.md; the parts themselves are internal/live/redis, internal/session/redis and internal/cache/redis.
package redis
