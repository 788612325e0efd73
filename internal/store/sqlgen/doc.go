// Package sqlgen renders the parts of a plan as SQL: the only place where a query becomes text.
//
// It promises that values reach the engine as bound parameters only, in the order of their marks, and that what differs
// between engines stands in a Dialect. It may import query. Golden files in testdata show the text of each view:
// run the tests with -rewrite and read the diff.
package sqlgen
