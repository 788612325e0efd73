package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"go.uber.org/goleak"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var databases atomic.Int64

// serverAddress returns where the server is. Without one the test is skipped.
func serverAddress(t testing.TB) string {
	t.Helper()
	address := os.Getenv("FOOTFALL_TEST_CLICKHOUSE")
	if address == "" {
		t.Skip("no ClickHouse: set FOOTFALL_TEST_CLICKHOUSE to host:port of the native protocol of a server whose user default may make databases")
	}
	return address
}

// testOptions are those of a database of the test's own, which goes with it.
func testOptions(t testing.TB) Options {
	t.Helper()
	opts := Options{Addresses: []string{serverAddress(t)}, Database: fmt.Sprintf("footfall_test_%d_%d", os.Getpid(), databases.Add(1)), RetentionMonths: 1200} // histories are of long ago
	t.Cleanup(func() { drop(t, opts) })
	return opts
}

func drop(t testing.TB, opts Options) {
	server, err := clickhouse.Open(&clickhouse.Options{Addr: opts.Addresses})
	if err == nil {
		err = server.Exec(context.Background(), "drop database if exists "+opts.Database+" sync")
		_ = server.Close()
	}
	if err != nil {
		t.Error(err)
	}
}

func openTest(t testing.TB) *Store {
	t.Helper()
	return openWith(t, testOptions(t))
}

func openWith(t testing.TB, opts Options) *Store {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := Open(ctx, opts)
	if err != nil {
		t.Fatal(err)
	}
	s.secondLook = 10 * time.Millisecond
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// count runs a statement that returns one number.
func count(t testing.TB, s *Store, sql string) (n int64) {
	t.Helper()
	if err := s.reader.QueryRow(context.Background(), "select toInt64(("+sql+"))").Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// sessionsOf returns the sessions of a site, in any order.
func sessionsOf(s *Store, websiteID string) (list []event.Session, err error) {
	err = eachSession(context.Background(), s.each, "where website_id = {p1:String}", []any{websiteID}, func(session *event.Session, _ bool) { list = append(list, *session) })
	return list, err
}

func equalText(t *testing.T, got, want any) {
	t.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		t.Errorf("got  %s\nwant %s", g, w)
	}
}

func TestQueryWithoutMemory(t *testing.T) {
	s := openTest(t)
	err := s.each(context.Background(), "select groupArray(number) from numbers(100000000) settings max_memory_usage = 10000000", nil, func(scanner) error { return nil })
	if !errors.Is(err, query.ErrMemory) {
		t.Errorf("got %v", err)
	}
}
