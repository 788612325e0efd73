// Package objecttest gives tests of other packages a store on the S3 server of test/engines, whose URL they read from FOOTFALL_TEST_S3. Without it they are skipped.
package objecttest
