// Package redis is the live view of the cluster: Writer, of role process, puts the last 36 minutes of the topics events and
// metrics into Redis; Hub, of role web, shows any site from there.
//
// It promises that a Hub's Snapshot equals that of a live.Hub which got the same events, on any web process; that a replay
// changes nothing; and that a Redis that is lost is noticed, said, written again and shown again without anybody's help. It may
// import event, eventlog, live, stream and internal/redis. Keys and values are drawn in docs/format/redis.md, "Live view".
package redis
