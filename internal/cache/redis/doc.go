// Package redis is the part of the cache of answers that processes share: Answers is a query.Shared.
//
// It promises that an answer is found by one process at a time, whoever dies, and that a Redis that is slow or away costs a query a
// quarter of a second at most, and soon nothing. It may import query and internal/redis. Keys and values are drawn in
// docs/format/redis.md, "Answers".
package redis
