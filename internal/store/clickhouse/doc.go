// Package clickhouse is the event store of a cluster: it takes what the loaders read from the log's topics and what a
// processor commits, and answers the parts of query plans, to the same digit as the embedded store.
//
// It promises that what is inserted under one token is stored once, the views that hang on it included, however often it
// is tried; that a commit, once its first row stands, is finished by whoever opens its writer next; and that readers see
// the newest row of each session. A server that is away is an error that may be tried again, never a panic. It may import
// event, query, store and sqlgen, and the client library. Tables and rules are drawn in docs/format/clickhouse.md.
package clickhouse
