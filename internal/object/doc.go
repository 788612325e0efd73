// Package object is the store of whole objects by key: a folder, or a bucket of S3.
//
// It promises that a Put is atomic (a reader sees the old object or the new one, whole) and durable when it returns, and that
// both stores do the same: the battery in object_test.go runs against each. Consumers declare the part of it that they need.
// Keys are relative paths with "/": no empty, "." or ".." segment, none that begins with a dot, and no key that is also a
// folder of another key (a folder cannot hold both). It imports nothing of this module. Keys of the lake: docs/format/parquet.md.
package object
