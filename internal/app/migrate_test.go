package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/jackc/pgx/v5"

	"github.com/footfall-analytics/footfall/internal/account"
	"github.com/footfall-analytics/footfall/internal/collect"
	"github.com/footfall-analytics/footfall/internal/config"
	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
	"github.com/footfall-analytics/footfall/internal/store/clickhouse"
	"github.com/footfall-analytics/footfall/internal/store/duckdb"
)

// clusterSettings are those of a cluster whose PostgreSQL schema and ClickHouse database go with the test. Without engines the
// test is skipped. Kafka and Redis are named, not used.
func clusterSettings(t *testing.T) config.Config {
	t.Helper()
	address, dsn := os.Getenv("FOOTFALL_TEST_CLICKHOUSE"), os.Getenv("FOOTFALL_TEST_POSTGRES")
	if address == "" || dsn == "" {
		t.Skip("set FOOTFALL_TEST_CLICKHOUSE (host:port, native protocol) and FOOTFALL_TEST_POSTGRES (a URL) to run it")
	}
	ctx := context.Background()
	name := fmt.Sprintf("footfall_moving_%d_%d", os.Getpid(), time.Now().UnixNano())
	inPostgres(t, dsn, "create schema "+name)
	t.Cleanup(func() { inPostgres(t, dsn, "drop schema "+name+" cascade") })
	t.Cleanup(func() {
		server, err := chgo.Open(&chgo.Options{Addr: []string{address}})
		if err == nil {
			err = server.Exec(ctx, "drop database if exists "+name+" sync")
			_ = server.Close()
		}
		if err != nil {
			t.Error(err)
		}
	})
	place, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	values := place.Query()
	values.Set("search_path", name)
	place.RawQuery = values.Encode()
	to := config.Default()
	to.Cluster.Kafka, to.Cluster.Redis = []string{"127.0.0.1:1"}, []string{"127.0.0.1:1"}
	to.Cluster.ClickHouse, to.Cluster.Database, to.Cluster.Postgres = []string{address}, name, place.String()
	return to
}

func inPostgres(t *testing.T, dsn, statement string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), dsn)
	if err == nil {
		_, err = conn.Exec(context.Background(), statement)
		_ = conn.Close(context.Background())
	}
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// moved is an embedded installation and the cluster that it moves into.
type moved struct {
	t       *testing.T
	app     *App
	site    *event.Site
	to      config.Config
	store   *clickhouse.Store // of the cluster
	engine  *query.Engine     // of the cluster
	cluster *account.Store
}

func openMoved(t *testing.T) *moved {
	t.Helper()
	m := &moved{t: t, to: clusterSettings(t)}
	cfg := config.Default()
	cfg.Data, cfg.OpsListen = t.TempDir(), "off"
	var err error
	m.app, err = Open(cfg, Options{Version: "test", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.app.Close(); err != nil {
			t.Error(err)
		}
	})
	m.site, err = m.app.accounts.AddSite(t.Context(), account.NewSite{Domain: "moving.example", Timezone: "Europe/Berlin"})
	if err != nil {
		t.Fatal(err)
	}
	m.catchUp()
	return m
}

func (m *moved) catchUp() {
	m.t.Helper()
	if err := m.app.CatchUp(m.t.Context()); err != nil {
		m.t.Fatal(err)
	}
}

// traffic imports the first days of the demo's.
func (m *moved) traffic(batches int) {
	m.t.Helper()
	enough := fmt.Errorf("enough")
	_, err := batchTraffic(m.site, time.Now().UnixMilli(), func(body []byte) error {
		if batches--; batches < 0 {
			return enough
		}
		return m.app.importBatch(m.t.Context(), m.site, body)
	})
	if err != enough {
		m.t.Fatal(err)
	}
}

// send puts a body to the door and returns the status.
func (m *moved) send(path, body string, header ...string) int {
	m.t.Helper()
	routes, err := m.app.routes()
	if err != nil {
		m.t.Fatal(err)
	}
	req := httptest.NewRequest("POST", path, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36")
	req.Header.Set("Accept-Language", "en")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	routes.ServeHTTP(w, req)
	return w.Code
}

// imported imports a page view of a session.
func (m *moved) imported(session string, ms int64) {
	m.t.Helper()
	body := fmt.Sprintf(`[{"type":"pageview","tracking_id":"moving.example","session_id":%q,"user_id":%q,"data":{"page":"/late","timestamp":%d}}]`, session, session, ms)
	reply, err := m.app.door.ImportBatch(m.t.Context(), m.site, []byte(body))
	if err != nil || len(reply.Rejected) > 0 {
		m.t.Fatalf("%+v, %v", reply, err)
	}
}

// migrate runs a migration by way of the admin handler.
func (m *moved) migrate() *migrationReport {
	m.t.Helper()
	settings, err := json.Marshal(m.to)
	if err != nil {
		m.t.Fatal(err)
	}
	w := httptest.NewRecorder()
	m.app.Admin().ServeHTTP(w, httptest.NewRequest("POST", "/admin/migrate", bytes.NewReader(settings)))
	if w.Code != http.StatusOK {
		m.t.Fatalf("%d %s", w.Code, w.Body)
	}
	lines := strings.Split(strings.TrimSpace(w.Body.String()), "\n")
	var last struct {
		Report *migrationReport
		Error  any
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || last.Report == nil || len(lines) < 2 {
		m.t.Fatalf("%v in %q, error %v", err, lines, last.Error)
	}
	return last.Report
}

// openCluster opens what was made, as a cluster's processes would, 10 minutes later: audits leave out what came a moment ago.
func (m *moved) openCluster() {
	m.t.Helper()
	k := &m.to.Cluster
	var err error
	later := func() time.Time { return time.Now().Add(10 * time.Minute) }
	m.store, err = clickhouse.Open(m.t.Context(), clickhouse.Options{Addresses: k.ClickHouse, Database: k.Database, Clock: later})
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = m.store.Close() })
	if m.cluster, err = account.Open(account.Options{DSN: k.Postgres}); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = m.cluster.Close() })
	source := m.store.Source()
	if m.engine, err = query.New(query.Options{Source: source, Catalog: source, Clock: time.Now}); err != nil {
		m.t.Fatal(err)
	}
}

// sameAnswers puts questions to both engines.
func (m *moved) sameAnswers() {
	m.t.Helper()
	there, ok := m.cluster.ByID(m.site.WebsiteID)
	if !ok || !reflect.DeepEqual(there, m.site) {
		m.t.Fatalf("the cluster's site: %+v, want %+v", there, m.site)
	}
	time.Sleep(1100 * time.Millisecond) // the catalog of the cluster may be a second old
	for _, question := range []string{
		`{"metrics":["visitors","visits","pageviews","events","bounce_rate","visit_duration","views_per_visit"],"date_range":"all"}`,
		`{"metrics":["visitors","visits","pageviews"],"date_range":"all","dimensions":["time:day"]}`,
		`{"metrics":["visitors","visits","bounce_rate"],"date_range":"all","dimensions":["visit:source"]}`,
		`{"metrics":["visitors","pageviews","time_on_page","scroll_depth"],"date_range":"all","dimensions":["event:page"]}`,
		`{"metrics":["visitors","events"],"date_range":"all","dimensions":["event:name"]}`,
		`{"metrics":["visits","visit_duration"],"date_range":"all","dimensions":["visit:country","visit:device"]}`,
		`{"metrics":["visits"],"date_range":"all","dimensions":["visit:entry_page","visit:exit_page"]}`,
		`{"metrics":["visitors","visits"],"date_range":"all","filters":[["is","event:page",["/late"]]]}`,
		`{"metrics":["visitors","pageviews"],"date_range":"day","dimensions":["time:hour"]}`,
		`{"metrics":["events","total_revenue"],"date_range":"day","dimensions":["event:props:a"],"filters":[["is","event:name",["bought"]]]}`,
	} {
		body := []byte(strings.Replace(question, "{", `{"site_id":"moving.example",`, 1))
		here, err := m.app.engine.Query(m.t.Context(), m.site, body)
		if err != nil {
			m.t.Fatalf("%s: %v", question, err)
		}
		answer, err := m.engine.Query(m.t.Context(), there, body)
		if err != nil {
			m.t.Fatalf("%s in the cluster: %v", question, err)
		}
		want, _ := json.Marshal(here.Results)
		got, _ := json.Marshal(answer.Results)
		if len(here.Results) == 0 || !bytes.Equal(want, got) {
			m.t.Errorf("%s:\n%s embedded\n%s in the cluster", question, want, got)
		}
	}
}

// audited checks that nothing differs on either side.
func (m *moved) audited() {
	m.t.Helper()
	report, err := m.store.Audit(m.t.Context())
	if err != nil || report.Found > 0 || report.Events < 5000 {
		m.t.Errorf("audit of the cluster: %+v, %v", report, err)
	}
	if _, clean, err := (auditorForAPI{m.app.parts.(*embedded)}).Audit(m.t.Context()); err != nil || !clean {
		m.t.Errorf("audit of the embedded store: %v %v", clean, err)
	}
}

// server is a connection to the cluster's database past the store.
func (m *moved) server() driver.Conn {
	m.t.Helper()
	server, err := chgo.Open(&chgo.Options{Addr: m.to.Cluster.ClickHouse, Auth: chgo.Auth{Database: m.to.Cluster.Database}})
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = server.Close() })
	return server
}

// rows counts what ClickHouse has, old versions included.
func (m *moved) rows() string {
	m.t.Helper()
	var events, sessions, counts, commits uint64
	const sql = `select (select count() from events), (select count() from sessions final), (select toUInt64(sum(count)) from ledger), (select count() from commits)`
	if err := m.server().QueryRow(m.t.Context(), sql).Scan(&events, &sessions, &counts, &commits); err != nil {
		m.t.Fatal(err)
	}
	return fmt.Sprintf("%d events, %d sessions, %d in the ledger, %d commits", events, sessions, counts, commits)
}

func (m *moved) agrees(r *migrationReport) {
	m.t.Helper()
	if !r.Agree || len(r.Accounts.Differences) > 0 {
		m.t.Errorf("%+v", r)
	}
	for _, day := range r.Days {
		if day.Status != dayAgrees || day.Here != day.There || day.WebsiteID != "" && day.Domain != "moving.example" {
			m.t.Errorf("%+v", day)
		}
	}
}

func TestMovingUp(t *testing.T) {
	m := openMoved(t)
	m.traffic(12)
	quiet := time.Now().Add(-40 * 24 * time.Hour).Truncate(24 * time.Hour).Add(10 * time.Hour).UnixMilli()
	m.imported("bridged", quiet)
	m.imported("bridged", quiet+40*60_000)
	live := `[{"id":"0190b5a0-7c3e-7abc-8def-0123456789ab","type":"event","tracking_id":"moving.example","data":{"name":"bought","page":"/shop","revenue":"9.95","currency":"EUR","properties":{"b":"2","a":"1"}}},
		{"type":"event","tracking_id":"moving.example"},{"type":"pageview","tracking_id":"nobody.example"}]`
	for range 2 { // the second time duplicates
		if status := m.send("/v1/events", live); status != http.StatusOK {
			t.Fatal(status)
		}
	}
	m.send("/v1/events", `[{"type":"pageview","tracking_id":"moving.example","data":{"page":"/"}}]`, "Sec-GPC", "1")
	m.send("/v1/events", "no json")
	if _, _, err := m.app.accounts.AddKey(t.Context(), "moving.example", "k", []string{account.ScopeStats}); err != nil {
		t.Fatal(err)
	}
	m.catchUp()

	first := m.migrate()
	m.agrees(first)
	if first.Copied.Events < 5000 || first.Copied.Sessions < 500 || first.Accounts.Sites != 1 || first.Accounts.Keys != 1 || len(first.Days) < 3 {
		t.Errorf("copied %+v, accounts %+v, %d days", first.Copied, first.Accounts, len(first.Days))
	}
	t.Logf("%+v in %d passes, %+v, %d days", first.Copied, first.Passes, first.Accounts, len(first.Days))
	m.openCluster()
	m.sameAnswers()
	m.audited()
	m.sameLedger()
	m.sameSalts()

	before := m.rows()
	second := m.migrate()
	m.agrees(second)
	if after := m.rows(); second.Passes != 1 || second.Copied.Events+second.Copied.Sessions != 0 || after != before {
		t.Errorf("the second run: %+v, %s and then %s", second.Copied, before, after)
	}

	m.imported("bridged", quiet+20*60_000) // two sessions become one
	m.send("/v1/events", `[{"type":"pageview","tracking_id":"moving.example","data":{"page":"/after"}}]`)
	m.catchUp()
	third := m.migrate()
	m.agrees(third)
	if third.Copied.Events != 2 {
		t.Errorf("the third run copied %+v", third.Copied)
	}
	m.sameAnswers()
	m.audited()
	m.sameLedger()

	if _, err := m.app.door.Erase(t.Context(), m.site, collect.Forget{Visitor: "bridged"}); err != nil {
		t.Fatal(err)
	}
	m.catchUp()
	m.agrees(m.migrate())
	m.sameAnswers()
	m.audited()
	m.sameLedger()
	reports, err := m.store.Erasures(t.Context(), m.site.WebsiteID)
	if err != nil || len(reports) != 1 || reports[0].Verified() == 0 {
		t.Errorf("erasures of the cluster: %+v, %v", reports, err)
	}
}

// sameLedger compares the counts of both sides.
func (m *moved) sameLedger() {
	m.t.Helper()
	here := map[string]int64{}
	err := m.app.parts.(*embedded).store.Select(m.t.Context(), "select website_id, outcome, reason, sum(count)::bigint from ledger group by all", nil, func(c *duckdb.Chunk) error {
		for i := range c.Rows() {
			here[strings.Join([]string{c.Text(0, i), c.Text(1, i), c.Text(2, i)}, "/")] = c.Int64s(3)[i]
		}
		return nil
	})
	if err != nil {
		m.t.Fatal(err)
	}
	rows, err := m.server().Query(m.t.Context(), "select website_id, outcome, reason, toInt64(sum(count)) from ledger group by website_id, outcome, reason")
	if err != nil {
		m.t.Fatal(err)
	}
	defer rows.Close()
	there := map[string]int64{}
	for rows.Next() {
		var site, outcome, reason string
		var n int64
		if err := rows.Scan(&site, &outcome, &reason, &n); err != nil {
			m.t.Fatal(err)
		}
		there[site+"/"+outcome+"/"+reason] = n
	}
	if !maps.Equal(here, there) || here[m.site.WebsiteID+"/duplicate/"] != 1 || here[m.site.WebsiteID+"/filtered/gpc"] != 1 || here["/failed/unreadable"] != 1 {
		m.t.Errorf("ledger\n%v, in the cluster\n%v", here, there)
	}
}

// sameSalts checks that a visitor keeps the id of today.
func (m *moved) sameSalts() {
	m.t.Helper()
	here, err := collect.NewSaltFile(m.app.cfg.Data).SettleSalts(m.t.Context(), 0, nil)
	if err != nil {
		m.t.Fatal(err)
	}
	there, err := m.cluster.SettleSalts(m.t.Context(), 0, nil)
	if err != nil {
		m.t.Fatal(err)
	}
	for _, salt := range here {
		if !slices.Contains(there, salt) {
			m.t.Errorf("the cluster has not %s", salt)
		}
	}
	if len(here) < 2 {
		m.t.Errorf("%d salts", len(here))
	}
}

func TestMigrationRefusesOtherSettings(t *testing.T) {
	m := &migrator{}
	for settings, want := range map[string]string{"{": "cannot read the settings", "{}": "not those of a cluster", `{"Cluster":{"Kafka":["a:1"]}}`: "cannot use the settings"} {
		if _, err := m.Migrate(t.Context(), []byte(settings), func(any) {}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", settings, err, want)
		}
	}
}
