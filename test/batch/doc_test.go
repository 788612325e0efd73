// Package batch puts the daily job as role batch runs it to the real engines: the archive on S3, Spark, Druid, ClickHouse and
// PostgreSQL. The engines are those of test/engines; make test-cluster starts them and runs this.
//
//	FOOTFALL_TEST_SPARK=<spark_home> FOOTFALL_TEST_DRUID=... FOOTFALL_TEST_S3=... go test ./test/batch
package batch
