package query

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
)

var testNow = time.Date(2026, 7, 15, 13, 20, 30, 5e6, time.UTC)

func testSite(timezone string) *event.Site {
	return &event.Site{WebsiteID: "s", Timezone: timezone, Threshold: 2}
}

func stamp(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestRanges(t *testing.T) {
	// want is the half-open range in the site's zone.
	f := func(zoneName, now, dates, want string) {
		t.Helper()
		if !strings.HasPrefix(dates, "[") {
			dates = `"` + dates + `"`
		}
		req := mustParse(t, `{"site_id":"s","metrics":["visitors"],"date_range":`+dates+`}`)
		q, err := Resolve(req, testSite(zoneName), stamp(t, now), stamp(t, "2025-11-03T23:30:00Z").UnixMilli())
		if err != nil {
			t.Errorf("%s %s: %v", zoneName, dates, err)
			return
		}
		loc, err := time.LoadLocation(zoneName)
		if err != nil {
			t.Fatal(err)
		}
		const form = "2006-01-02T15:04:05.999Z07:00"
		got := time.UnixMilli(q.From).In(loc).Format(form) + " " + time.UnixMilli(q.To).In(loc).Format(form)
		if got != want {
			t.Errorf("%s %s at %s:\n got %s\nwant %s", zoneName, dates, now, got, want)
		}
	}
	const noon = "2026-07-15T12:34:56Z"
	f("UTC", noon, "day", "2026-07-15T00:00:00Z 2026-07-16T00:00:00Z")
	f("UTC", noon, "24h", "2026-07-14T12:35:00Z 2026-07-15T12:35:00Z")
	f("UTC", noon, "7d", "2026-07-08T00:00:00Z 2026-07-15T00:00:00Z")
	f("UTC", noon, "28d", "2026-06-17T00:00:00Z 2026-07-15T00:00:00Z")
	f("UTC", noon, "30d", "2026-06-15T00:00:00Z 2026-07-15T00:00:00Z")
	f("UTC", noon, "91d", "2026-04-15T00:00:00Z 2026-07-15T00:00:00Z")
	f("UTC", noon, "month", "2026-07-01T00:00:00Z 2026-08-01T00:00:00Z")
	f("UTC", noon, "6mo", "2026-01-01T00:00:00Z 2026-07-01T00:00:00Z")
	f("UTC", noon, "12mo", "2025-07-01T00:00:00Z 2026-07-01T00:00:00Z")
	f("UTC", noon, "year", "2026-01-01T00:00:00Z 2027-01-01T00:00:00Z")
	f("UTC", noon, "all", "2025-11-03T00:00:00Z 2026-07-16T00:00:00Z")
	f("Asia/Kolkata", noon, "all", "2025-11-04T00:00:00+05:30 2026-07-16T00:00:00+05:30")
	f("Asia/Kolkata", "2026-07-15T18:29:59Z", "day", "2026-07-15T00:00:00+05:30 2026-07-16T00:00:00+05:30")
	f("Asia/Kolkata", "2026-07-15T18:30:00Z", "day", "2026-07-16T00:00:00+05:30 2026-07-17T00:00:00+05:30")
	f("Asia/Kathmandu", noon, "7d", "2026-07-08T00:00:00+05:45 2026-07-15T00:00:00+05:45")
	// daylight saving: a day of 23 hours, one of 25, one that starts at 01:00, one whose midnight comes twice
	f("Europe/Berlin", "2026-03-29T12:00:00Z", "day", "2026-03-29T00:00:00+01:00 2026-03-30T00:00:00+02:00")
	f("Europe/Berlin", "2026-10-25T12:00:00Z", "day", "2026-10-25T00:00:00+02:00 2026-10-26T00:00:00+01:00")
	f("America/Sao_Paulo", noon, `["2018-11-04","2018-11-04"]`, "2018-11-04T01:00:00-02:00 2018-11-05T00:00:00-02:00")
	f("Africa/Cairo", noon, `["2026-04-24","2026-04-24"]`, "2026-04-24T01:00:00+03:00 2026-04-25T00:00:00+03:00")
	f("America/Havana", noon, `["2026-11-01","2026-11-01"]`, "2026-11-01T00:00:00-04:00 2026-11-02T00:00:00-05:00")
	f("America/St_Johns", noon, `["2010-11-07","2010-11-07"]`, "2010-11-07T00:00:00-02:30 2010-11-08T00:00:00-03:30")
	f("Australia/Lord_Howe", noon, `["2026-04-05","2026-04-05"]`, "2026-04-05T00:00:00+11:00 2026-04-06T00:00:00+10:30")
	f("Pacific/Apia", noon, `["2011-12-29","2011-12-31"]`, "2011-12-29T00:00:00-10:00 2012-01-01T00:00:00+14:00")
	f("America/New_York", noon, `["2024-02-29","2024-02-29"]`, "2024-02-29T00:00:00-05:00 2024-03-01T00:00:00-05:00")
	f("America/New_York", noon, `["2026-01-01T10:00:00","2026-01-01T10:00:01"]`, "2026-01-01T10:00:00-05:00 2026-01-01T10:00:01-05:00")
	f("UTC", noon, `["2026-01-01T10:00:00.250+01:00","2026-01-01T12:00:00Z"]`, "2026-01-01T09:00:00.25Z 2026-01-01T12:00:00Z")
	f("UTC", noon, `["2026-01-01 10:00","2026-01-01T12:00Z"]`, "2026-01-01T10:00:00Z 2026-01-01T12:00:00Z")
}

func TestRangesRefused(t *testing.T) {
	f := func(dates, path, message string) {
		t.Helper()
		req := mustParse(t, `{"site_id":"s","metrics":["visitors"],"dimensions":["time:minute"],"date_range":`+dates+`}`)
		_, err := Resolve(req, testSite("UTC"), testNow, 0)
		bad, ok := err.(*Error)
		if !ok || bad.Path != path || !strings.Contains(bad.Message, message) {
			t.Errorf("%s: got %v, want %s: %s", dates, err, path, message)
		}
	}
	f(`["2026-01-02","2026-01-01"]`, "date_range", "ends before it starts")
	f(`["2026-01-02T10:00:00Z","2026-01-02T10:00:00Z"]`, "date_range", "ends before it starts")
	f(`["1969-12-31","2026-01-01"]`, "date_range[0]", "before 1970")
	f(`["1971-01-01","2026-01-01"]`, "date_range", "at most 50 years")
	f(`"7d"`, "dimensions", "up to 24 hours")
}

func TestBuckets(t *testing.T) {
	f := func(zoneName, interval, from, to, want string) {
		t.Helper()
		c, err := zone(zoneName)
		if err != nil {
			t.Fatal(err)
		}
		edges, labels, err := c.buckets(interval, span{stamp(t, from).UnixMilli(), stamp(t, to).UnixMilli()})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for i, label := range labels {
			got = append(got, fmt.Sprintf("%s+%s", label, time.Duration(edges[i+1]-edges[i])*time.Millisecond))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s %s:\n got %s\nwant %s", zoneName, interval, strings.Join(got, " "), want)
		}
	}
	f("UTC", timeMinute, "2026-01-01T10:00:30Z", "2026-01-01T10:02:10Z", "2026-01-01 10:00:00+30s 2026-01-01 10:01:00+1m0s 2026-01-01 10:02:00+10s")
	f("UTC", timeHour, "2026-01-01T10:30:00Z", "2026-01-01T12:00:00Z", "2026-01-01 10:00:00+30m0s 2026-01-01 11:00:00+1h0m0s")
	f("Asia/Kolkata", timeHour, "2026-01-01T00:00:00+05:30", "2026-01-01T02:00:00+05:30", "2026-01-01 00:00:00+1h0m0s 2026-01-01 01:00:00+1h0m0s")
	f("Europe/Berlin", timeHour, "2026-03-29T01:00:00+01:00", "2026-03-29T04:00:00+02:00", "2026-03-29 01:00:00+1h0m0s 2026-03-29 03:00:00+1h0m0s")
	f("Europe/Berlin", timeHour, "2026-10-25T01:00:00+02:00", "2026-10-25T04:00:00+01:00",
		"2026-10-25 01:00:00+1h0m0s 2026-10-25 02:00:00+1h0m0s 2026-10-25 02:00:00+1h0m0s 2026-10-25 03:00:00+1h0m0s")
	f("Australia/Lord_Howe", timeHour, "2026-04-05T00:00:00+11:00", "2026-04-05T04:00:00+10:30",
		"2026-04-05 00:00:00+1h0m0s 2026-04-05 01:00:00+1h0m0s 2026-04-05 01:00:00+30m0s 2026-04-05 02:00:00+1h0m0s 2026-04-05 03:00:00+1h0m0s")
	f("Europe/Berlin", timeDay, "2026-03-28T00:00:00+01:00", "2026-03-31T00:00:00+02:00", "2026-03-28+24h0m0s 2026-03-29+23h0m0s 2026-03-30+24h0m0s")
	f("Africa/Cairo", timeDay, "2026-04-23T00:00:00+02:00", "2026-04-26T00:00:00+03:00", "2026-04-23+24h0m0s 2026-04-24+23h0m0s 2026-04-25+24h0m0s")
	f("America/St_Johns", timeDay, "2010-11-06T00:00:00-02:30", "2010-11-09T00:00:00-03:30", "2010-11-06+24h0m0s 2010-11-07+25h0m0s 2010-11-08+24h0m0s")
	f("Pacific/Apia", timeDay, "2011-12-29T00:00:00-10:00", "2012-01-01T00:00:00+14:00", "2011-12-29+24h0m0s 2011-12-31+24h0m0s")
	f("UTC", timeDay, "2026-01-01T10:00:00Z", "2026-01-02T10:00:00Z", "2026-01-01+14h0m0s 2026-01-02+10h0m0s")
	f("UTC", timeWeek, "2026-07-01T00:00:00Z", "2026-07-15T00:00:00Z", "2026-07-01+120h0m0s 2026-07-06+168h0m0s 2026-07-13+48h0m0s")
	f("UTC", timeMonth, "2026-01-15T00:00:00Z", "2026-03-02T00:00:00Z", "2026-01-01+408h0m0s 2026-02-01+672h0m0s 2026-03-01+24h0m0s")
}

func TestCompareRanges(t *testing.T) {
	f := func(zoneName, dates, compare, want string) {
		t.Helper()
		req := mustParse(t, `{"site_id":"s","metrics":["visitors"],"date_range":`+dates+`,"include":{"compare":`+compare+`}}`)
		q, err := Resolve(req, testSite(zoneName), testNow, 0)
		if err != nil {
			t.Errorf("%s: %v", dates, err)
			return
		}
		loc, _ := time.LoadLocation(zoneName)
		got := time.UnixMilli(q.Compare.From).In(loc).Format(time.RFC3339) + " " + time.UnixMilli(q.Compare.To).In(loc).Format(time.RFC3339)
		if got != want {
			t.Errorf("%s %s %s:\n got %s\nwant %s", zoneName, dates, compare, got, want)
		}
	}
	f("UTC", `"7d"`, `"previous_period"`, "2026-07-01T00:00:00Z 2026-07-08T00:00:00Z")
	f("Europe/Berlin", `["2026-03-29","2026-03-30"]`, `"previous_period"`, "2026-03-27T00:00:00+01:00 2026-03-29T00:00:00+01:00")
	f("UTC", `"month"`, `"previous_period"`, "2026-05-31T00:00:00Z 2026-07-01T00:00:00Z")
	f("UTC", `["2026-01-01T10:00:00Z","2026-01-01T11:30:00Z"]`, `"previous_period"`, "2026-01-01T08:30:00Z 2026-01-01T10:00:00Z")
	f("UTC", `"month"`, `"year_over_year"`, "2025-07-01T00:00:00Z 2025-08-01T00:00:00Z")
	f("UTC", `["2024-02-01","2024-02-29"]`, `"year_over_year"`, "2023-02-01T00:00:00Z 2023-03-01T00:00:00Z")
	f("UTC", `["2026-01-01T10:00:00Z","2026-01-01T11:30:00Z"]`, `"year_over_year"`, "2025-01-01T10:00:00Z 2025-01-01T11:30:00Z")
	f("UTC", `"7d"`, `["2020-01-01","2020-01-31"]`, "2020-01-01T00:00:00Z 2020-02-01T00:00:00Z")
}
