package cluster

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/store/clickhouse"
	"github.com/footfall-analytics/footfall/test/harness"
)

// migration is what the test needs of the command's report.
type migration struct {
	Agree  bool
	Copied struct{ Events, Sessions int64 }
	Days   []struct {
		Day, Status string
		Here, There struct{ Events, Sessions int64 }
	}
}

// TestMovingUp moves the demo's 90 days into a cluster by the commands, as docs/cluster.md tells it, and kills the server in
// the middle.
func TestMovingUp(t *testing.T) {
	d := configure(t, 7)
	if status, body := harness.Do(t, "POST", clickhouseURL(), "", []byte("create database "+d.database)); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	s := harness.Start(t, "--demo")
	harness.Eventually(t, "the demo traffic is in", func() string {
		if strings.Contains(s.Output(), "the demo traffic is in") {
			return ""
		}
		return "it is not"
	})
	ended := make(chan int)
	go func() {
		_, _, status := s.TryRun("", "migrate", "--to", d.config)
		ended <- status
	}()
	harness.Eventually(t, "something is copied", func() string {
		if n := d.there(); n < 10_000 {
			return fmt.Sprint(n, " events are")
		}
		return ""
	})
	s.Kill()
	if status := <-ended; status != 1 {
		t.Errorf("a migration whose server was killed ended with status %d", status)
	}
	d.steadyClickHouse()
	if n := d.there(); n > 299_000 {
		t.Errorf("the kill came too late to tell anything: %d events are there", n)
	}
	s.Restart()
	d.migrated(s, true)
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	last := d.migrated(s, false) // by the command itself
	events, sessions := int64(0), int64(0)
	for _, day := range last.Days {
		events, sessions = events+day.Here.Events, sessions+day.Here.Sessions
	}
	if events < 250_000 || sessions < 20_000 || int64(d.there()) != events {
		t.Errorf("%d events and %d sessions here, %d events there", events, sessions, d.there())
	}
	d.audited(events)
	d.sameAnswers(s)
}

// steadyClickHouse waits until the engine has answered for 5 s, and starts it where it does not: the library that the tests run
// ends with "terminate called" when a client that was killed resets its connection at the wrong moment.
func (d *deployment) steadyClickHouse() {
	d.t.Helper()
	steady := 0
	harness.Eventually(d.t, "ClickHouse answers steadily", func() string {
		if status, _, err := harness.Try("POST", clickhouseURL(), "", []byte("select 1")); err != nil || status != 200 {
			steady = 0
			_ = exec.Command("../engines/up.sh", "clickhouse").Run() // fails while the old process ends
			return "it is away"
		}
		if steady++; steady < 25 {
			time.Sleep(200 * time.Millisecond)
			return "not for long"
		}
		return ""
	})
}

// there returns how many events the cluster has.
func (d *deployment) there() int {
	rows := d.clickhouse("select sum(total_rows) from system.tables where database = '" + d.database + "' and name = 'events'")
	if len(rows) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(rows[0]) // \N while there is no table
	return n
}

// migrated runs a migration to its end, which must be agreement.
func (d *deployment) migrated(s *harness.Server, copies bool) (m migration) {
	d.t.Helper()
	if err := json.Unmarshal([]byte(s.Run("migrate", "--to", d.config, "--json")), &m); err != nil {
		d.t.Fatal(err)
	}
	for _, day := range m.Days {
		if day.Status != "agrees" || day.Here != day.There {
			d.t.Errorf("%+v", day)
		}
	}
	if !m.Agree || len(m.Days) < 90 || copies != (m.Copied.Events > 0) {
		d.t.Errorf("agree %v, copied %+v, %d days", m.Agree, m.Copied, len(m.Days))
	}
	return m
}

// audited recounts the cluster's store. The command would leave out what is newer than the loaders, of which none runs yet.
func (d *deployment) audited(events int64) {
	d.t.Helper()
	ctx := d.t.Context()
	s, err := clickhouse.Open(ctx, clickhouse.Options{Addresses: []string{"127.0.0.1:" + port("CLICKHOUSE_NATIVE", 19009)}, Database: d.database,
		Clock: func() time.Time { return time.Now().Add(10 * time.Minute) }}) // and the audit what came a moment ago
	if err != nil {
		d.t.Fatal(err)
	}
	defer s.Close()
	report, err := s.Audit(ctx)
	if err != nil || report.Found > 0 || report.Events != events || report.Sessions == 0 {
		d.t.Errorf("audit %+v, %v; want %d events", report, err, events)
	}
}

// sameAnswers puts questions to the installation that was left and to the cluster.
func (d *deployment) sameAnswers(s *harness.Server) {
	d.t.Helper()
	for _, question := range []string{
		`"metrics":["visitors","visits","pageviews","events","bounce_rate","visit_duration"],"date_range":"7d"`,
		`"metrics":["visitors","visits","pageviews"],"date_range":"91d","dimensions":["time:day"]`,
		`"metrics":["visitors","visits","bounce_rate"],"date_range":"91d","dimensions":["visit:source"]`,
		`"metrics":["visitors","pageviews","time_on_page","scroll_depth"],"date_range":"7d","dimensions":["event:page"]`,
	} {
		question = `{"site_id":"demo.example",` + question + `}`
		results := func(args ...string) (list []any) {
			out, errOut, code := harness.Command(d.t, harness.Binary(d.t), question, append([]string{"query", "-"}, args...)...)
			var reply struct{ Results []any }
			if err := json.Unmarshal([]byte(out), &reply); err != nil || code != 0 {
				d.t.Fatalf("%s: %v, status %d %s", question, err, code, errOut)
			}
			return reply.Results
		}
		here, there := results("--data", s.Dir), results("--config", d.config)
		if len(here) == 0 || !reflect.DeepEqual(here, there) {
			d.t.Errorf("%s:\n%v embedded\n%v in the cluster", question, here, there)
		}
	}
}
