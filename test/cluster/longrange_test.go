package cluster

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/test/harness"
)

const lakeSettings = `
druid_broker = ["http://127.0.0.1:%s"]
druid_coordinator = ["http://127.0.0.1:%s"]
[s3]
endpoint = "http://127.0.0.1:%s"
bucket = "%s"
access_key = "footfall"
secret_key = "footfall-secret"
[archive]
file_seconds = 3
[batch]
spark_home = %q
`

var longDays = flag.Int("days", 30, "finished days of the long range")

// month is many finished days of traffic, sent alike to an embedded installation and to a cluster.
type month struct {
	r        *rand.Rand
	from, to time.Time // UTC days, half open
	edge     int64     // of the late limit; Unix ms
	bodies   [][]byte
	events   int
}

func newMonth(seed uint64, visits int) *month {
	to := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -1)
	m := &month{r: rand.New(rand.NewPCG(seed, 30)), from: to.AddDate(0, 0, -*longDays), to: to, edge: time.Now().AddDate(0, 0, -7).UnixMilli()}
	var batch []map[string]any
	for range visits {
		batch = append(batch, m.visit()...)
		if len(batch) > 400 {
			m.bodies, batch = append(m.bodies, encode(batch)), nil
		}
	}
	if len(batch) > 0 {
		m.bodies = append(m.bodies, encode(batch))
	}
	return m
}

func encode(batch []map[string]any) []byte {
	text, err := json.Marshal(batch)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return text
}

var (
	longAgents = []string{
		harness.Browser,
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0",
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
	}
	longReferrers = []string{"", "", "https://www.google.com/", "https://news.ycombinator.com/", "https://chatgpt.com/", "https://www.bing.com/"}
	longAddresses = []string{"91.12.8.1", "81.2.69.142", "8.8.8.8", "133.11.5.1", "200.147.3.1"}
)

// agentOf returns a visitor's browser; every seventeenth is a crawler.
func agentOf(visitor int) string {
	if visitor%17 == 0 {
		return longAgents[len(longAgents)-1]
	}
	return longAgents[visitor%(len(longAgents)-1)]
}

// visit makes one visit: some pages, at times a purchase, an engagement and an event; a few go on over midnight.
func (m *month) visit() (events []map[string]any) {
	r := m.r
	visitor := r.IntN(4000)
	at := m.from.UnixMilli() + r.Int64N(m.to.Sub(m.from).Milliseconds()-2*3600*1000)
	if r.IntN(12) == 0 { // around midnight, UTC
		at -= at % event24h
		at += event24h - r.Int64N(600_000)
	}
	// A visit on both sides of the late limit is two for an hour (docs/adr/0011-versions-of-sessions.md).
	if before := m.edge - at; before > -2*3600*1000 && before < 3*3600*1000 {
		at += 6 * 3600 * 1000
	}
	query := ""
	if r.IntN(8) == 0 {
		query = fmt.Sprintf("?utm_source=letter&utm_medium=email&utm_campaign=week-%d", r.IntN(4))
	}
	for i := range 1 + r.IntN(5) {
		page := fmt.Sprintf("/p/%d", int(40*r.Float64()*r.Float64()))
		e := map[string]any{
			"id":   fmt.Sprintf("%08x-%04x-7%03x-8%03x-%012x", at>>16, at&0xffff, r.IntN(0x1000), r.IntN(0x1000), r.Uint64()&0xffffffffffff),
			"type": "pageview", "user_id": fmt.Sprint("v", visitor), "received_at": at + 500,
			"data": map[string]any{"page": page, "title": "Page " + page, "timestamp": at},
			"context": map[string]any{"url": "https://long.example" + page + query, "hostname": "long.example",
				"user_agent": agentOf(visitor), "ip": longAddresses[visitor%len(longAddresses)]},
		}
		data := e["data"].(map[string]any)
		switch {
		case i == 0:
			data["referrer"] = longReferrers[r.IntN(len(longReferrers))]
		case r.IntN(6) == 0:
			e["type"], data["action"] = "event", "signup"
			if r.IntN(2) == 0 {
				data["revenue"], data["currency"] = float64(r.IntN(9999))/100, "EUR"
			}
		case r.IntN(5) == 0:
			e["type"], data["time_on_page"] = "engagement", 1000+r.IntN(60_000)
		}
		events = append(events, e)
		at += 1 + r.Int64N(8*60_000)
		m.events++
	}
	return events
}

const event24h = 24 * 3600 * 1000

// longQuestions are over more than 7 days: %[1]s to %[2]s, or %[3]s to %[2]s.
var longQuestions = func() (list []string) {
	all := `"metrics":["visitors","visits","pageviews","events","bounce_rate","visit_duration","views_per_visit"]`
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	for _, group := range []string{"", `,"dimensions":["time:day"]`, `,"dimensions":["time:week"]`, `,"dimensions":["time:month"]`, `,"dimensions":["visit:source"]`, `,"dimensions":["visit:utm_medium"]`,
		`,"dimensions":["visit:country"]`, `,"dimensions":["visit:device"]`, `,"dimensions":["visit:browser"]`, `,"dimensions":["visit:channel"]`, `,"dimensions":["visit:utm_campaign"]`,
		`,"dimensions":["visit:entry_page"]`, `,"dimensions":["visit:source","time:day"]`} {
		add(`%s,"date_range":["%%[1]s","%%[2]s"]%s`, all, group)
		add(`%s,"date_range":["%%[3]s","%%[2]s"]%s`, all, group)
	}
	for _, filter := range []string{`["is","visit:source",["Google"]]`, `["contains","visit:source",["oo"]]`, `["is_not","visit:country",["DE"]]`, `["is","visit:device",["Mobile","mobile"]]`} {
		add(`%s,"date_range":["%%[1]s","%%[2]s"],"filters":[%s]`, all, filter)
		add(`%s,"date_range":["%%[1]s","%%[2]s"],"dimensions":["time:day"],"filters":[%s]`, all, filter)
	}
	events := `"metrics":["visitors","pageviews","events","time_on_page","total_revenue","average_revenue"]`
	for _, rest := range []string{`"dimensions":["event:page"]`, `"dimensions":["event:page","time:week"]`, `"dimensions":["event:page"],"pagination":{"limit":10}`,
		`"filters":[["contains","event:page",["/p/1"]]]`, `"filters":[["matches","event:page",["^/p/[0-9]$"]]],"dimensions":["time:day"]`} {
		add(`%s,"date_range":["%%[1]s","%%[2]s"],%s`, events, rest)
	}
	add(`"metrics":["visitors","pageviews","percentage"],"date_range":["%%[1]s","%%[2]s"],"dimensions":["visit:browser"]`)
	add(`"metrics":["visits","bounce_rate"],"date_range":["%%[3]s","%%[2]s"],"include":{"compare":"previous_period"}`)
	return list
}()

// longRange is the month in an embedded installation and in a cluster.
type longRange struct {
	t     *testing.T
	d     *deployment
	here  *harness.Server
	sites [2][2]harness.Site // each site here and there
	month *month
	short bool // the second site keeps its events for a month
	asked int  // questions are not to be answered from a cache, which does not mind where an answer came from
}

var longZones = [2]string{"Etc/UTC", "Asia/Kolkata"} // a half-hour zone: no day of it is one of UTC

func newLongRange(t *testing.T) *longRange {
	d := configure(t, 7)
	d.lake()
	l := &longRange{t: t, d: d, here: harness.Start(t), month: newMonth(30, 2500)}
	d.start("process")
	d.submit("")
	d.start("collect")
	d.start("web")
	for i, zone := range longZones {
		domain := fmt.Sprintf("long%d.example", i)
		l.sites[i][0] = l.here.AddSite(domain, zone)
		l.sites[i][1] = d.addSite(domain, "--timezone", zone)
	}
	l.add(l.month)
	return l
}

// lake adds the engines of long ranges to the settings.
func (d *deployment) lake() {
	d.t.Helper()
	for _, name := range []string{"s3", "druid", "spark"} {
		d.script(nil, "up.sh", name)
	}
	text, err := os.ReadFile(d.config)
	if err != nil {
		d.t.Fatal(err)
	}
	more := fmt.Sprintf(lakeSettings, port("DRUID_BROKER", 19082), port("DRUID_COORDINATOR", 19081), port("S3", 19000), d.name, os.Getenv("FOOTFALL_TEST_SPARK"))
	if err := os.WriteFile(d.config, append(text, more...), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

// add sends the traffic to both, and waits until it is in answers.
func (l *longRange) add(m *month) {
	l.t.Helper()
	l.addTo(m, l.sites[:]...)
}

func (l *longRange) addTo(m *month, sites ...[2]harness.Site) {
	l.t.Helper()
	for _, site := range sites {
		for _, body := range m.bodies {
			importInto(l.t, l.here.URL, site[0], body)
			l.d.await("the collector knows the site", func() string {
				status, answer, err := harness.Try("POST", l.d.url("collect")+"/v1/import", site[1].Key, forSite(body, site[1]))
				if err != nil || status != 200 || bytes.Contains(answer, []byte("rejected")) {
					return fmt.Sprint(status, " ", string(answer), err)
				}
				return ""
			})
		}
		l.d.fresh("web", site[1])
	}
}

func forSite(body []byte, site harness.Site) []byte {
	return bytes.ReplaceAll(body, []byte(`"type":`), []byte(`"tracking_id":"`+site.TrackingID+`","type":`))
}

func importInto(t *testing.T, url string, site harness.Site, body []byte) {
	t.Helper()
	if status, answer := harness.Do(t, "POST", url+"/v1/import", site.Key, forSite(body, site)); status != 200 || bytes.Contains(answer, []byte("rejected")) {
		t.Fatalf("import: %d %s", status, answer)
	}
}

// batch runs the daily job for the month until all of it is rolled: the archive may be some seconds behind.
func (l *longRange) batch() {
	l.t.Helper()
	l.d.await("all days are rolled", func() string {
		if out, err := l.startBatch().CombinedOutput(); err != nil {
			return fmt.Sprint(err, " ", tail(string(out), 5))
		}
		return ""
	})
}

func (l *longRange) startBatch() *exec.Cmd {
	return exec.Command(harness.Binary(l.t), "batch", "run", "--config", l.d.config, "--from", l.month.from.Format(time.DateOnly),
		"--to", l.month.to.AddDate(0, 0, -1).Format(time.DateOnly), "--json")
}

// killedBatch ends runs of the job at different moments.
func (l *longRange) killedBatch() {
	l.t.Helper()
	for _, after := range []time.Duration{2 * time.Second, 20 * time.Second, 45 * time.Second} {
		cmd := l.startBatch()
		if err := cmd.Start(); err != nil {
			l.t.Fatal(err)
		}
		time.Sleep(after)
		_ = cmd.Process.Kill() // it may have ended by itself
		_ = cmd.Wait()
	}
}

// batchWithoutS3 takes the object store away in the middle of a run.
func (l *longRange) batchWithoutS3() {
	l.t.Helper()
	cmd := l.startBatch()
	if err := cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	time.Sleep(5 * time.Second)
	l.d.script(nil, "down.sh", "s3")
	time.Sleep(10 * time.Second)
	l.d.script(nil, "up.sh", "s3")
	_ = cmd.Wait() // it may have failed, or waited
}

// druidTotals are sums of all rows of the sites in Druid.
func (l *longRange) druidTotals(sites ...[2]harness.Site) string {
	l.t.Helper()
	total, ids := "", ""
	for _, site := range sites {
		ids += ",'" + site[1].WebsiteID + "'"
	}
	for _, sql := range []string{
		`select sum(views), sum(events), sum(total_time), sum(revenue), count(*) from %[1]s_page_views where website_id in (%[2]s)`,
		`select sum(sessions), sum(bounces), sum(duration), sum(pageviews), count(*) from %[1]s_sources where website_id in (%[2]s)`,
	} {
		body, _ := json.Marshal(map[string]string{"query": fmt.Sprintf(sql, l.d.name, ids[1:]), "resultFormat": "array"})
		status, answer := harness.Do(l.t, "POST", "http://127.0.0.1:"+port("DRUID_BROKER", 19082)+"/druid/v2/sql", "", body)
		if status != 200 {
			l.t.Fatalf("%d %s", status, answer)
		}
		total += string(answer)
	}
	return total
}

type longReply struct {
	Results []struct {
		Dimensions []any
		Metrics    []any
		Comparison any
	}
	Meta struct {
		Source string
		Exact  bool
	}
	Query any
}

func (l *longRange) question(text string, site int) string {
	from, to := l.month.from.AddDate(0, 0, 1), l.month.to.AddDate(0, 0, -2)
	text = fmt.Sprintf(text, from.Format(time.DateOnly), to.Format(time.DateOnly), to.AddDate(0, 0, -10).Format(time.DateOnly))
	if !strings.Contains(text, "pagination") {
		text = fmt.Sprintf(`"pagination":{"limit":%d},%s`, 1000+l.asked, text)
	}
	return fmt.Sprintf(`{"site_id":"long%d.example",%s}`, site, text)
}

func (l *longRange) ask(url, key, question string) (r longReply) {
	l.t.Helper()
	status, raw := harness.Do(l.t, "POST", url+"/api/v2/query", key, []byte(question))
	if err := json.Unmarshal(raw, &r); status != 200 || err != nil {
		l.t.Fatalf("%s: %d %s", question, status, raw)
	}
	return r
}

// sameAnswers puts the questions to both. source is part of what the cluster says of where its answers come from.
func (l *longRange) sameAnswers(when, source string) {
	l.t.Helper()
	l.builtHere()
	l.asked++
	groups, rolled, refused := 0, 0, 0
	for site := range l.sites {
		for _, text := range longQuestions {
			question := l.question(text, site)
			if l.refused(site, question) {
				refused++
				continue
			}
			here, there := l.ask(l.here.URL, l.sites[site][0].Key, question), l.ask(l.d.url("web"), l.sites[site][1].Key, question)
			if strings.Contains(there.Meta.Source, "rollups") {
				rolled++
			}
			if source == "events" && there.Meta.Source != "events" {
				l.t.Errorf("%s: %s: the source is %q", when, question, there.Meta.Source)
			}
			groups += len(here.Results)
			if len(here.Results) == 0 || len(here.Results) != len(there.Results) {
				l.t.Errorf("%s: %s: %d rows embedded, %d in the cluster", when, question, len(here.Results), len(there.Results))
				continue
			}
			for i := range here.Results {
				if !reflect.DeepEqual(here.Results[i], there.Results[i]) {
					l.t.Errorf("%s: %s: row %d:\n%s embedded (%s)\n%s in the cluster (%s)", when, question, i, row(here, i), here.Meta.Source, row(there, i), there.Meta.Source)
					break
				}
			}
		}
	}
	if least := 2 * (len(longQuestions) - 1); source == "rollups" && rolled < least { // one question has its own limit, so a cache may answer it
		l.t.Errorf("%s: only %d answers of %d read rollups", when, rolled, 2*len(longQuestions))
	}
	if refused > mostRefused {
		l.t.Errorf("%s: %d questions are refused", when, refused)
	}
	l.t.Logf("%s: %d rows of %d questions compared, %d of them with rollups", when, groups, 2*len(longQuestions)-refused, rolled)
}

// mostRefused is how many of longQuestions ask for what the rollups lack, the channel for one, over days behind the retention.
const mostRefused = 3

// refused reports whether the cluster says that it cannot answer, as the site's events have gone and the rollups lack a dimension.
func (l *longRange) refused(site int, question string) bool {
	l.t.Helper()
	if !l.short || site != 1 {
		return false
	}
	status, raw := harness.Do(l.t, "POST", l.d.url("web")+"/api/v2/query", l.sites[site][1].Key, []byte(question))
	return status == 400 && bytes.Contains(raw, []byte("single events are kept since"))
}

func row(r longReply, i int) string {
	text, _ := json.Marshal(r.Results[i])
	return string(text)
}

// builtHere waits until the embedded installation answers a long question from rollups, as it does when nothing disturbs it.
func (l *longRange) builtHere() {
	l.t.Helper()
	for site := range l.sites {
		l.d.await("the embedded rollups are built", func() string {
			l.asked++
			question := l.question(longQuestions[0], site)
			if source := l.ask(l.here.URL, l.sites[site][0].Key, question).Meta.Source; source != "rollups" {
				return source
			}
			return ""
		})
	}
}

// TestLongRanges: -days days in both shapes of the product. Whatever happens to the rollups, the cluster's answers are the embedded
// ones to the last digit, and say where they come from.
func TestLongRanges(t *testing.T) {
	if os.Getenv("FOOTFALL_TEST_SPARK") == "" {
		t.Skip("FOOTFALL_TEST_SPARK is not set: make test-cluster starts the engines of long ranges and sets it")
	}
	l := newLongRange(t)
	l.sameAnswers("before the first run", "events")

	l.batch()
	l.sameAnswers("after the first run", "rollups")
	if !testing.Short() {
		before := l.druidTotals(l.sites[:]...)
		if strings.Contains(before, "null") || strings.Contains(before, "[0,") {
			t.Errorf("Druid's sums are %s", before)
		}
		l.batch()
		l.sameAnswers("after the same days again", "rollups")
		if again := l.druidTotals(l.sites[:]...); again != before {
			t.Errorf("Druid holds %s after the second run, %s before", again, before)
		}
	}

	l.add(newMonth(77, 60))
	l.sameAnswers("with late events", "")
	if !testing.Short() { // test/batch has both for a few days
		l.killedBatch()
		l.sameAnswers("after runs that were killed", "")
		l.batchWithoutS3()
		l.sameAnswers("after an outage of S3", "")
	}
	l.batch()
	l.sameAnswers("after the next run", "rollups")

	l.d.script(nil, "down.sh", "druid")
	l.sameAnswers("without Druid", "events")
	l.d.script(nil, "up.sh", "druid")
	l.d.await("Druid is asked again", func() string {
		l.asked++
		question := l.question(longQuestions[0], 0)
		if source := l.ask(l.d.url("web"), l.sites[0][1].Key, question).Meta.Source; !strings.Contains(source, "rollups") {
			return source
		}
		return ""
	})
	l.sameAnswers("with Druid again", "rollups")
	if out := l.d.run("audit", "--json", "--from", l.month.from.Format(time.DateOnly), "--to", l.month.to.AddDate(0, 0, -1).Format(time.DateOnly)); !strings.Contains(out, `"found": 0`) && !strings.Contains(out, `"found":0`) {
		t.Errorf("audit: %s", out)
	}
}

// TestRetentionInLongRanges: the events of a site that keeps them for a month go, and its answers stay, whatever comes for the other site
// on the same days and however often the daily job runs.
func TestRetentionInLongRanges(t *testing.T) {
	if os.Getenv("FOOTFALL_TEST_SPARK") == "" {
		t.Skip("FOOTFALL_TEST_SPARK is not set: make test-cluster starts the engines of long ranges and sets it")
	}
	if testing.Short() {
		t.Skip("of the long form: internal/batch has it with rollups of its own")
	}
	defer func(days int) { *longDays = days }(*longDays)
	*longDays = 50
	l := newLongRange(t)
	l.batch()
	l.sameAnswers("after the first run", "rollups")

	short := l.sites[1]
	before := l.druidTotals(short)
	var admin struct{ Key string }
	l.d.runJSON(&admin, "key", "add", "--site", "*", "--scope", "admin", "--json")
	l.d.await("the web process knows the key", func() string {
		if status, answer := harness.Do(t, "PUT", l.d.url("web")+"/api/v1/sites/"+short[1].WebsiteID, admin.Key, []byte(`{"retention_months":1}`)); status != 200 {
			return fmt.Sprint(status, " ", string(answer))
		}
		return ""
	})
	l.d.servers["process"].Kill()
	l.d.servers["process"].Restart() // it looks once an hour, and at its start
	from := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -31)
	l.d.await("the events of the short site have gone", func() string {
		left := l.d.clickhouse(fmt.Sprintf("select count() from events where website_id = '%s' and timestamp < '%s'", short[1].WebsiteID, from.Format(time.DateTime)))
		if left[0] != "0" {
			return left[0]
		}
		return ""
	})
	l.d.fresh("web", short[1])
	l.short = true
	l.sameAnswers("after the events of a site have gone", "")

	l.addTo(newMonth(78, 100), l.sites[0])
	l.sameAnswers("with late events of the other site", "")
	for range 2 {
		out, err := l.startBatch().CombinedOutput()
		if !bytes.Contains(out, []byte("keeps its events no longer")) {
			t.Errorf("the daily job says nothing of days that it cannot make: %v, %s", err, tail(string(out), 5))
		}
		l.sameAnswers("after the next run", "")
	}
	if after := l.druidTotals(short); after != before {
		t.Errorf("Druid holds %s of the site, %s before", after, before)
	}
}
