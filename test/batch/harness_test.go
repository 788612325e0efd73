package batch

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/app"
	"github.com/footfall-analytics/footfall/internal/config"
	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/lake"
	"github.com/footfall-analytics/footfall/internal/object"
	"github.com/footfall-analytics/footfall/internal/store/clickhouse"
	"github.com/footfall-analytics/footfall/internal/store/druid"
	"github.com/footfall-analytics/footfall/internal/stream"
)

// address returns what the variable names; without it the test is skipped.
func address(t *testing.T, variable string) string {
	t.Helper()
	value := os.Getenv(variable)
	if value == "" {
		t.Skipf("%s names no engine: make test-cluster starts them", variable)
	}
	return value
}

// installation is one installation of its own on engines that may be shared.
type installation struct {
	t       *testing.T
	cfg     config.Config
	store   *clickhouse.Store
	druid   *druid.Store
	objects *object.S3Store
	way     *way // to S3

	events   []event.Event // that are stored, in the order in which they came
	sessions *stream.Sessions
	position int64
}

func install(t *testing.T) *installation {
	t.Helper()
	i := &installation{t: t, sessions: stream.NewSessions(0, stream.NothingStored)}
	name := fmt.Sprintf("footfall_batch_%d", os.Getpid())
	servers := strings.Split(address(t, "FOOTFALL_TEST_DRUID"), ",")
	i.way = open(t, strings.TrimPrefix(address(t, "FOOTFALL_TEST_S3"), "http://"))
	c := config.Default()
	c.Data, c.Roles = t.TempDir(), []string{"batch"}
	c.Listen, c.OpsListen = "127.0.0.1:0", "off"
	c.Store.RetentionMonths = 0
	c.Cluster.TopicPrefix = name + "."
	c.Cluster.Kafka, c.Cluster.ClickHouse = []string{address(t, "FOOTFALL_TEST_KAFKA")}, []string{address(t, "FOOTFALL_TEST_CLICKHOUSE")}
	c.Cluster.Redis, c.Cluster.Database = []string{address(t, "FOOTFALL_TEST_REDIS")}, name
	c.Cluster.DruidBroker, c.Cluster.DruidCoordinator = servers[:1], servers[1:2]
	c.Cluster.Postgres = strings.Replace(address(t, "FOOTFALL_TEST_POSTGRES"), "/footfall?", "/"+name+"?", 1)
	c.S3 = config.S3{Endpoint: "http://" + i.way.address(), Region: "us-east-1", Bucket: strings.ReplaceAll(name, "_", "-"), Prefix: "lake", AccessKey: "footfall", SecretKey: "footfall-secret"}
	c.Batch = config.Batch{SparkHome: address(t, "FOOTFALL_TEST_SPARK"), Master: "local[2]", Memory: "1g", Work: t.TempDir(), EveryMinutes: 1, MaxDays: 31,
		Options: []string{"--driver-java-options", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}}
	i.cfg = c
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	i.sql("create database " + name)
	t.Cleanup(func() { i.sql("drop database if exists " + name + " with (force)") })
	i.connect(name)
	return i
}

// connect opens what the test itself looks into.
func (i *installation) connect(name string) {
	t := i.t
	var err error
	i.store, err = clickhouse.Open(t.Context(), clickhouse.Options{Addresses: i.cfg.Cluster.ClickHouse, Database: name, RetentionMonths: 570})
	if err == nil {
		i.druid, err = druid.Open(druid.Options{Brokers: i.cfg.Cluster.DruidBroker, Coordinators: i.cfg.Cluster.DruidCoordinator, Prefix: strings.ReplaceAll(i.cfg.Cluster.TopicPrefix, ".", "_")})
	}
	if err == nil {
		s3 := i.cfg.S3
		i.objects, err = object.OpenS3(object.S3Options{Endpoint: os.Getenv("FOOTFALL_TEST_S3"), Bucket: s3.Bucket, Prefix: s3.Prefix, AccessKey: s3.AccessKey, SecretKey: s3.SecretKey})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = i.store.Close()
		_ = i.druid.Close()
		i.clickhouse("drop database if exists " + name + " sync")
	})
}

func (i *installation) sql(statement string) {
	i.t.Helper()
	if out, err := exec.Command("psql", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement, os.Getenv("FOOTFALL_TEST_POSTGRES")).CombinedOutput(); err != nil {
		i.t.Fatalf("%s: %v: %s", statement, err, out)
	}
}

// clickhouse runs a statement over HTTP.
func (i *installation) clickhouse(statement string) string {
	i.t.Helper()
	port := os.Getenv("FOOTFALL_ENGINES_CLICKHOUSE_HTTP_PORT")
	if port == "" {
		port = "18123"
	}
	out, err := exec.Command("curl", "-sS", "--fail-with-body", "http://127.0.0.1:"+port+"/?database=default", "--data-binary", statement).CombinedOutput()
	if err != nil {
		i.t.Errorf("%s: %v: %s", statement, err, out)
	}
	return strings.TrimSpace(string(out))
}

// come lets events come: into the event store with their sessions, as the stream would have made them, and into the archive.
func (i *installation) come(events []event.Event) {
	t, ctx := i.t, i.t.Context()
	t.Helper()
	i.archive(events)
	from := clickhouse.Provenance{Topic: "events", Positions: make([]int64, len(events))}
	var versions []uint64
	i.sessions.Missing(events)
	var changes stream.Changes
	i.sessions.Apply(events)
	i.sessions.Settle(&changes)
	var rows []event.SessionChange
	for _, ref := range changes.Withdrawals {
		rows = append(rows, event.SessionChange{Session: event.Session{SessionKey: ref.SessionKey, Start: ref.Start}, Withdrawn: true})
	}
	for _, s := range changes.Upserts {
		rows = append(rows, event.SessionChange{Session: s})
	}
	for n := range rows {
		versions = append(versions, clickhouse.Version(clickhouse.Stream, 0, i.position<<12|int64(n)))
	}
	token := fmt.Sprint("come-", i.position)
	if err := i.store.InsertEvents(ctx, token, events, from); err != nil {
		t.Fatal(err)
	}
	if err := i.store.InsertSessions(ctx, token, rows, versions); err != nil {
		t.Fatal(err)
	}
	if err := i.store.InsertLedger(ctx, token, ledgerOf(events)); err != nil {
		t.Fatal(err)
	}
	i.events = append(i.events, events...)
	i.position += int64(len(events))
}

// archive puts events into the archive alone.
func (i *installation) archive(events []event.Event) {
	i.t.Helper()
	entries := make([]eventlog.Entry, len(events))
	for n := range events {
		entries[n] = eventlog.Entry{Offset: i.position + int64(n), Value: events[n].AppendRecord(nil)}
	}
	archive := lake.NewArchive(lake.ArchiveOptions{Store: i.objects})
	token := fmt.Sprintf("events-0-%020d-%020d", i.position, i.position+int64(len(events)))
	if err := archive.Insert(eventlog.Events)(i.t.Context(), token, entries); err != nil {
		i.t.Fatal(err)
	}
	if n := archive.Undecodable.Load(); n > 0 {
		i.t.Fatalf("%d records cannot be decoded", n)
	}
}

// start opens a process with the role batch.
func (i *installation) start() *app.App {
	i.t.Helper()
	a, err := app.Open(i.cfg, app.Options{Version: "test"})
	if err != nil {
		i.t.Fatal(err)
	}
	return a
}

// way is a proxy whose connections can be cut.
type way struct {
	listener net.Listener
	target   string
	mu       sync.Mutex
	cut      bool
	open     map[net.Conn]bool
}

func open(t *testing.T, target string) *way {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &way{listener: listener, target: target, open: map[net.Conn]bool{}}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go w.carry(conn)
		}
	}()
	return w
}

func (w *way) address() string { return w.listener.Addr().String() }

func (w *way) carry(conn net.Conn) {
	defer conn.Close()
	target, err := net.Dial("tcp", w.target)
	if err != nil {
		return
	}
	defer target.Close()
	w.mu.Lock()
	cut := w.cut
	w.open[conn], w.open[target] = true, true
	w.mu.Unlock()
	if !cut {
		go func() { _, _ = io.Copy(target, conn); target.Close() }()
		_, _ = io.Copy(conn, target)
	}
	w.mu.Lock()
	delete(w.open, conn)
	delete(w.open, target)
	w.mu.Unlock()
}

// set cuts the way, and all that is under way, or lets it be again.
func (w *way) set(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
	for conn := range w.open {
		if cut {
			conn.Close()
		}
	}
}

// eventually waits for a condition; the bound is for broken code, not for speed.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Minute); !holds(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 10 minutes: %s", what)
		}
	}
}

// objectsBelow counts the objects of a prefix.
func (i *installation) objectsBelow(prefix string) (n int) {
	i.t.Helper()
	err := i.objects.List(context.Background(), prefix, func(object.Object) error { n++; return nil })
	if err != nil {
		i.t.Fatal(err)
	}
	return n
}

// ledgerOf says that the events were received and stored.
func ledgerOf(events []event.Event) (rows []event.LedgerRow) {
	for n := range events {
		for _, outcome := range []event.Outcome{event.Received, event.Stored} {
			rows = append(rows, event.LedgerRow{WebsiteID: events[n].WebsiteID, Minute: event.Minute(events[n].ReceivedAt), Outcome: outcome, Count: 1})
		}
	}
	return rows
}

// audit compares the stores by day, as footfall audit --from --to does.
func (i *installation) audit(from, last time.Time) (clean bool, differences []string) {
	i.t.Helper()
	cfg := i.cfg
	cfg.Roles = []string{"web"}
	a, err := app.Open(cfg, app.Options{Version: "test"})
	if err != nil {
		i.t.Fatal(err)
	}
	defer a.Close()
	body := fmt.Sprintf(`{"from":%q,"to":%q}`, from.Format(time.DateOnly), last.Format(time.DateOnly))
	w := httptest.NewRecorder()
	a.Admin().ServeHTTP(w, httptest.NewRequest("POST", "/admin/audit", strings.NewReader(body)))
	var report struct {
		Clean       bool
		Days        int
		Differences []struct{ What, Expected, Found string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &report); err != nil || w.Code != 200 || report.Days == 0 {
		i.t.Fatalf("an audit: %d %s: %v", w.Code, w.Body, err)
	}
	for _, d := range report.Differences {
		differences = append(differences, fmt.Sprintf("%s: expected %s, found %s", d.What, d.Expected, d.Found))
	}
	return report.Clean, differences
}
