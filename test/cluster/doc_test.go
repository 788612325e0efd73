// Package cluster puts the real binary, as the processes of a cluster, to the real engines: the conformance suite by both ways
// that events go, kills under load, freshness. The engines are those of test/engines; make test-cluster starts them and runs this.
//
//	FOOTFALL_TEST_CLUSTER=1 go test ./test/cluster [-kills N]
package cluster
