package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/test/harness"
)

// patience bounds every wait on a condition: a busy machine took minutes to start an engine.
const patience = 5 * time.Minute

// deployment is one installation: its own topics, databases and keys on engines that it shares with nobody else at the time.
type deployment struct {
	t        *testing.T
	name     string // prefix of its topics, part of the names of its databases
	config   string // path of its settings
	database string // of ClickHouse
	servers  map[string]*harness.Server
	job      string // of Flink
	jobDays  int
	key      string
}

func engines(t *testing.T) {
	if os.Getenv("FOOTFALL_TEST_CLUSTER") == "" {
		t.Skip("FOOTFALL_TEST_CLUSTER is not set: make test-cluster starts the engines and sets it")
	}
}

func port(name string, fallback int) string {
	if p := os.Getenv("FOOTFALL_ENGINES_" + name + "_PORT"); p != "" {
		return p
	}
	return strconv.Itoa(fallback)
}

func flinkURL() string      { return "http://127.0.0.1:" + port("FLINK_REST", 18081) }
func clickhouseURL() string { return "http://127.0.0.1:" + port("CLICKHOUSE_HTTP", 18123) }

const settings = `data = %q
[store]
retention_months = 0
[cluster]
topic_prefix = "%s."
kafka = ["127.0.0.1:%s"]
clickhouse = ["127.0.0.1:%s"]
database = "%s"
reader = "footfall_reader"
redis = ["127.0.0.1:%s"]
postgres = "postgres://footfall@127.0.0.1:%s/%s?sslmode=disable"
stream_days = %d
`

// deploy starts an installation: the processes named (a role, and a number where there are several) and the job. Events up to
// streamDays old go through Flink.
func deploy(t *testing.T, streamDays int, processes ...string) *deployment {
	d := configure(t, streamDays)
	d.start(processes[0]) // makes the topics, which the job wants
	d.submit("")
	for _, p := range processes[1:] {
		d.start(p)
	}
	var key struct{ Key string }
	d.runJSON(&key, "key", "add", "--site", "*", "--scope", "admin", "--json")
	d.key = key.Key
	return d
}

// configure makes the settings and the databases of an installation of which nothing runs yet.
func configure(t *testing.T, streamDays int) *deployment {
	engines(t)
	d := &deployment{t: t, name: "t" + strconv.FormatInt(time.Now().UnixNano()/1e6, 36), servers: map[string]*harness.Server{}, jobDays: streamDays}
	d.database = "footfall_" + d.name
	dir := t.TempDir()
	d.config = filepath.Join(dir, "cluster.toml")
	text := fmt.Sprintf(settings, dir, d.name, port("KAFKA", 19092), port("CLICKHOUSE_NATIVE", 19009), d.database, port("REDIS", 16379), port("POSTGRES", 15432), d.database, streamDays)
	if err := os.WriteFile(d.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	d.sql("create database " + d.database)
	t.Cleanup(d.remove)
	return d
}

// start starts a process; its role is its name without a number.
func (d *deployment) start(process string) *harness.Server {
	d.t.Helper()
	role := strings.TrimRight(process, "0123456789")
	s := harness.StartBinary(d.t, harness.Binary(d.t), d.t.TempDir(), "--config", d.config, "--roles", role)
	d.servers[process] = s
	return s
}

func (d *deployment) url(process string) string { return d.servers[process].URL }

// submit starts the job, from a savepoint or checkpoint if one is given.
func (d *deployment) submit(from string) {
	d.t.Helper()
	jar, err := filepath.Abs("../../jobs/realtime/target/footfall-realtime.jar")
	if err != nil {
		d.t.Fatal(err)
	}
	d.job = d.script([]string{"PARALLELISM=2", "SAVEPOINT=" + from}, "submit.sh", jar, "--bootstrap", "127.0.0.1:"+port("KAFKA", 19092),
		"--prefix", d.name+".", "--parallelism", "2", "--group", d.name+".flink", "--state-days", strconv.Itoa(max(d.jobDays, 8)))
}

// script runs one of test/engines and returns its last line.
func (d *deployment) script(env []string, name string, args ...string) string {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "../engines/"+name, args...)
	cmd.Env = append(os.Environ(), env...)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		d.t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out.Bytes(), errOut.Bytes())
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	return lines[len(lines)-1]
}

// sql runs a statement in PostgreSQL's own database.
func (d *deployment) sql(statement string) {
	d.t.Helper()
	dsn := "postgres://footfall@127.0.0.1:" + port("POSTGRES", 15432) + "/footfall?sslmode=disable"
	if out, err := exec.Command("psql", "-q", dsn, "-c", statement).CombinedOutput(); err != nil {
		d.t.Fatalf("%s: %v\n%s", statement, err, out)
	}
}

// clickhouse runs a statement and returns its rows, columns separated by tabs.
func (d *deployment) clickhouse(statement string) []string {
	d.t.Helper()
	resp, err := http.Post(clickhouseURL()+"/?database="+url.QueryEscape(d.database), "text/plain", strings.NewReader(statement))
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		d.t.Fatalf("%s: %d %s %v", statement, resp.StatusCode, body, err)
	}
	return strings.FieldsFunc(string(body), func(r rune) bool { return r == '\n' })
}

// remove takes the installation away.
func (d *deployment) remove() {
	for _, s := range d.servers {
		s.Kill()
	}
	if d.job != "" {
		d.cancelJob()
	}
	d.clickhouse("drop database if exists " + d.database)
	d.sql("drop database if exists " + d.database + " with (force)")
	if d.t.Failed() {
		for name, s := range d.servers {
			d.t.Logf("%s printed:\n%s", name, tail(s.Output(), 30))
		}
	}
}

func tail(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

func (d *deployment) cancelJob() {
	req, _ := http.NewRequest(http.MethodPatch, flinkURL()+"/jobs/"+d.job+"?mode=cancel", nil)
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
	}
	harness.Eventually(d.t, "the job ends", func() string {
		switch state := d.jobState(); state {
		case "CANCELED", "FAILED", "FINISHED", "":
			return ""
		default:
			return state
		}
	})
}

// jobState is "" for a job that Flink does not know.
func (d *deployment) jobState() string {
	resp, err := http.Get(flinkURL() + "/jobs/" + d.job)
	if err != nil {
		return "no answer"
	}
	defer resp.Body.Close()
	var job struct{ State string }
	_ = json.NewDecoder(resp.Body).Decode(&job) // an error's body has no state
	return job.State
}

// run runs a command on the cluster.
func (d *deployment) run(args ...string) string {
	d.t.Helper()
	out, errOut, code := harness.Command(d.t, harness.Binary(d.t), "", append(args, "--config", d.config)...)
	if code != 0 {
		d.t.Fatalf("footfall %s: exit status %d\n%s%s", strings.Join(args, " "), code, out, errOut)
	}
	return out
}

func (d *deployment) runJSON(into any, args ...string) {
	d.t.Helper()
	if err := json.Unmarshal([]byte(d.run(args...)), into); err != nil {
		d.t.Fatal(err)
	}
}

// addSite adds a site and a key for it; options are those of the command.
func (d *deployment) addSite(domain string, options ...string) harness.Site {
	d.t.Helper()
	var site harness.Site
	d.runJSON(&site, append([]string{"site", "add", domain, "--json"}, options...)...)
	var key struct{ Key string }
	d.runJSON(&key, "key", "add", "--site", domain, "--json")
	site.Domain, site.Key = domain, key.Key
	return site
}

// fresh waits until answers count all that was acknowledged before the call.
func (d *deployment) fresh(process string, site harness.Site) time.Duration {
	d.t.Helper()
	begin := time.Now()
	d.await("answers are fresh", func() string {
		at, _, err := d.ask(process, site)
		if err != nil || at < begin.UnixMilli() {
			return fmt.Sprintf("%d ms behind, %v", begin.UnixMilli()-at, err)
		}
		return ""
	})
	return time.Since(begin)
}

// ask returns how fresh an answer is, and how many events it counts today.
func (d *deployment) ask(process string, site harness.Site) (freshAt int64, events float64, err error) {
	body := fmt.Sprintf(`{"site_id":%q,"metrics":["events"],"date_range":"24h"}`, site.Domain)
	status, raw, err := harness.Try("POST", d.url(process)+"/api/v2/query", site.Key, []byte(body))
	if err != nil {
		return 0, 0, err
	}
	var reply struct {
		Results []struct{ Metrics []float64 }
		Meta    struct {
			FreshAt int64 `json:"fresh_at"`
		}
	}
	if err := json.Unmarshal(raw, &reply); err != nil || status != 200 || len(reply.Results) != 1 {
		return 0, 0, fmt.Errorf("status %d: %s", status, raw)
	}
	return reply.Meta.FreshAt, reply.Results[0].Metrics[0], nil
}

func (d *deployment) await(what string, ok func() string) {
	d.t.Helper()
	last := ""
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if last = ok(); last == "" {
			return
		}
	}
	d.t.Fatalf("%s: not within %v: %s", what, patience, last)
}
