// Package redis is the session store of the cluster: Writer, of role process, puts what topic raw_events says of running
// sessions and visitors into Redis; Store, of role collect, is a session.Store that asks Redis for what it does not know.
//
// It promises that a request waits at most about 20 ms for Redis, and not at all while Redis is away or slow; and that a visitor
// keeps yesterday's hash over midnight whichever collector is asked, as soon as Redis has the event before: about a second. It
// may import event, eventlog, session and internal/redis. Keys are drawn in docs/format/redis.md, "Sessions".
package redis
