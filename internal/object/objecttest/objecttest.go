package objecttest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/object"
)

// Options returns those of the test server (test/engines/s3), with a prefix of the test's own in bucket footfall-test.
func Options(t testing.TB, endpoint string) object.S3Options {
	t.Helper()
	if endpoint == "" {
		t.Skip("FOOTFALL_TEST_S3 is not set")
	}
	return object.S3Options{
		Endpoint: endpoint, Bucket: "footfall-test", AccessKey: "footfall", SecretKey: "footfall-secret",
		Prefix: fmt.Sprintf("t%d", time.Now().UnixNano()),
	}
}

// S3 returns an empty store, which is emptied at the test's end.
func S3(t testing.TB, endpoint string) *object.S3Store {
	t.Helper()
	store, err := object.OpenS3(Options(t, endpoint))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		var keys []string
		err := store.List(context.Background(), "", func(o object.Object) error {
			keys = append(keys, o.Key)
			return nil
		})
		if err == nil {
			err = store.Delete(context.Background(), keys...)
		}
		if err != nil {
			t.Errorf("cannot clean up: %v", err)
		}
	})
	return store
}
