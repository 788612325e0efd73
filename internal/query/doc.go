// Package query answers questions: it reads the query language, resolves its
// times, plans which stored views answer it, runs the plan and shapes the reply.
//
// It promises that one question has one meaning: a query is planned once,
// without an engine in mind, and every engine gets the same parts. Parse, Resolve
// and Plan are pure; the clock is a parameter. It may import event and sketch,
// and no engine: engines implement Source and Catalog. The language is
// docs/format/api.md, the meaning of every metric docs/semantics.md.
package query
