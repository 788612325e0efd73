// Package sketch counts distinct visitors approximately, in the bytes of
// Apache DataSketches HLL at lgK 12, the format that Spark, Druid and the
// Python package share.
//
// It promises that the same visitors give the same bytes and the same estimate
// on every engine and in whatever order they came: bytes are written in one
// canonical form, and the estimate is always the one a DataSketches union gives
// (exact to a thousandth up to 384 visitors, the composite estimator beyond;
// standard error 1.6 %). Reading hostile bytes gives an error, never a panic.
//
// It imports nothing of this module. The format is drawn in format.go; the
// vectors of testdata come from the Python package, by testdata/generate.py.
package sketch
