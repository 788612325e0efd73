package query

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestParseRefuses(t *testing.T) {
	// body is completed with site_id, date_range and metrics where it does not have them.
	f := func(body, path, message string) {
		t.Helper()
		_, err := Parse([]byte(body))
		var bad *Error
		if !errors.As(err, &bad) {
			t.Errorf("%s: got %v, want an error at %q", body, err, path)
			return
		}
		if bad.Path != path || !strings.Contains(bad.Message, message) {
			t.Errorf("%s:\n got %q: %s\nwant %q: %s", body, bad.Path, bad.Message, path, message)
		}
	}
	with := func(extra string) string {
		return `{"site_id":"s","date_range":"7d","metrics":["visitors"],` + extra + `}`
	}
	filter := func(text string) string { return with(`"filters":[` + text + `]`) }
	metric := func(text string) string { return `{"site_id":"s","date_range":"7d","metrics":` + text + `}` }
	dates := func(text string) string { return `{"site_id":"s","metrics":["visitors"],"date_range":` + text + `}` }

	f(``, "", "not valid JSON")
	f(`{`, "", "not valid JSON")
	f(`{"site_id":"s",}`, "", "not valid JSON at byte")
	f(`[]`, "", "must be a JSON object")
	f(`null`, "", "must be a JSON object")
	f(`"7d"`, "", "must be a JSON object")
	f(with(`"x":1`)+`{}`, "", "text behind the request")
	f(`{"date_range":"7d","metrics":["visitors"]}`, "site_id", "is required")
	f(`{"site_id":"s","metrics":["visitors"]}`, "date_range", "is required")
	f(`{"site_id":"s","date_range":"7d"}`, "metrics", "is required")
	f(`{"site_id":"","date_range":"7d","metrics":["visitors"]}`, "site_id", "must be a string")
	f(`{"site_id":7,"date_range":"7d","metrics":["visitors"]}`, "site_id", "must be a string")
	f(with(`"limit":1`), "limit", `unknown key "limit"`)
	f(with(`"b":1,"a":1`), "a", `unknown key "a"`)

	f(dates(`"8d"`), "date_range", `unknown date range "8d"`)
	f(dates(`"7D"`), "date_range", "unknown date range")
	f(dates(`7`), "date_range", "must be a name or a pair")
	f(dates(`null`), "date_range", "must be a name or a pair")
	f(dates(`{}`), "date_range", "must be a name or a pair")
	f(dates(`[]`), "date_range", "must be a pair")
	f(dates(`["2026-01-01"]`), "date_range", "must be a pair")
	f(dates(`["2026-01-01",2]`), "date_range[1]", "must be a string")
	f(dates(`["2026-01-32","2026-02-01"]`), "date_range[0]", "neither a date")
	f(dates(`["2026-02-01","2026-02-30"]`), "date_range[1]", "neither a date")
	f(dates(`["01.02.2026","2026-02-01"]`), "date_range[0]", "neither a date")
	f(dates(`["2026-01-01","2026-01-02T10:00:00Z"]`), "date_range", "two dates or two date-times")
	f(dates(`["2026-01-02T25:00:00Z","2026-01-02T10:00:00Z"]`), "date_range[0]", "neither a date")

	f(metric(`[]`), "metrics", "at least one metric")
	f(metric(`"visitors"`), "metrics", "must be an array")
	f(metric(`[1]`), "metrics[0]", "must be a string")
	f(metric(`["visitors","users"]`), "metrics[1]", `unknown metric "users"`)
	f(metric(`["Visitors"]`), "metrics[0]", "unknown metric")
	f(metric(`["visitors","visitors"]`), "metrics[1]", "stands twice")
	f(metric(`["conversion_rate"]`), "metrics[0]", "needs an event:goal filter")
	f(metric(`["visits","group_conversion_rate"]`), "metrics[1]", "needs an event:goal filter")

	f(with(`"dimensions":"event:page"`), "dimensions", "must be an array")
	f(with(`"dimensions":[null]`), "dimensions[0]", "must be a string")
	f(with(`"dimensions":["page"]`), "dimensions[0]", `unknown dimension "page"`)
	f(with(`"dimensions":["visit:pages"]`), "dimensions[0]", "unknown dimension")
	f(with(`"dimensions":["event:props:"]`), "dimensions[0]", "unknown dimension")
	f(with(`"dimensions":["time:year"]`), "dimensions[0]", "unknown dimension")
	f(with(`"dimensions":["event:goal"]`), "dimensions[0]", "no goals")
	f(with(`"dimensions":["event:page","event:page"]`), "dimensions[1]", "stands twice")
	f(with(`"dimensions":["time:day","time:week"]`), "dimensions[1]", "at most one time dimension")
	f(with(`"dimensions":["event:page","visit:os","visit:device","visit:city","visit:source","visit:region","visit:country","visit:screen","visit:channel"]`), "dimensions", "at most 8")

	f(with(`"filters":{}`), "filters", "must be an array")
	f(filter(`"x"`), "filters[0]", "must be an array that starts with an operator")
	f(filter(`[]`), "filters[0]", "must be an array that starts with an operator")
	f(filter(`[1]`), "filters[0][0]", "operator must be a string")
	f(filter(`["equals","event:page",["/"]]`), "filters[0][0]", `unknown operator "equals"`)
	f(filter(`["is"]`), "filters[0]", "must be [operator, dimension, [values]]")
	f(filter(`["is","event:page"]`), "filters[0]", "must be [operator, dimension, [values]]")
	f(filter(`["is",1,["/"]]`), "filters[0][1]", "dimension must be a string")
	f(filter(`["is","page",["/"]]`), "filters[0][1]", `unknown dimension "page"`)
	f(filter(`["is","time:day",["2026-01-01"]]`), "filters[0][1]", "cannot be filtered")
	f(filter(`["is","event:goal",["Signup"]]`), "filters[0][1]", "no goals")
	f(filter(`["is","segment",[1]]`), "filters[0][1]", "segments are not supported")
	f(filter(`["is","event:page","/"]`), "filters[0][2]", "array of at least one value")
	f(filter(`["is","event:page",[]]`), "filters[0][2]", "array of at least one value")
	f(filter(`["is","event:page",["/",null]]`), "filters[0][2][1]", "must be a string or a number")
	f(filter(`["is","event:page",[["/"]]]`), "filters[0][2][0]", "must be a string or a number")
	f(filter(`["is","event:page",["/"],true]`), "filters[0][3]", "must be an object")
	f(filter(`["is","event:page",["/"],{"case":false}]`), "filters[0][3].case", "unknown key")
	f(filter(`["is","event:page",["/"],{"case_sensitive":0}]`), "filters[0][3].case_sensitive", "must be true or false")
	f(filter(`["is","event:page",["/"],{},1]`), "filters[0]", "must be [operator, dimension, [values]]")
	f(filter(`["matches","event:page",["("]]`), "filters[0][2][0]", "not a valid pattern")
	f(filter(`["matches_not","event:page",["a","(?=b)"]]`), "filters[0][2][1]", "not a valid pattern")
	f(filter(`["matches","event:page",["`+strings.Repeat("a", 257)+`"]]`), "filters[0][2][0]", "at most 256 bytes")
	f(filter(`["is","event:page",["`+strings.Repeat("a", 2049)+`"]]`), "filters[0][2][0]", "at most 2048 bytes")
	f(filter(`["and"]`), "filters[0]", `"and" takes one array`)
	f(filter(`["or",[]]`), "filters[0][1]", "at least one filter")
	f(filter(`["and",["is","event:page",["/"]]]`), "filters[0][1][0]", "must be an array that starts")
	f(filter(`["or",[["is","event:page",["/"]],["is","x",["/"]]]]`), "filters[0][1][1][1]", "unknown dimension")
	f(filter(`["not"]`), "filters[0]", "takes one filter")
	f(filter(`["not",["no","event:page",["/"]]]`), "filters[0][1][0]", "unknown operator")
	f(filter(`["has_done",["has_done",["is","event:page",["/"]]]]`), "filters[0][1]", "cannot stand inside")
	f(filter(strings.Repeat(`["not",`, 12)+`["is","event:page",["/"]]`+strings.Repeat(`]`, 12)), "filters[0]"+strings.Repeat("[1]", 10), "nested at most 10 deep")
	f(filter(strings.TrimSuffix(strings.Repeat(`["is","event:page",["/"]],`, 201), ",")), "filters[200]", "at most 200 filters")

	f(with(`"order_by":"visitors"`), "order_by", "must be an array")
	f(with(`"order_by":["visitors","desc"]`), "order_by[0]", "must be a pair")
	f(with(`"order_by":[["visitors"]]`), "order_by[0]", "must be a pair")
	f(with(`"order_by":[["visits","desc"]]`), "order_by[0][0]", "neither a metric nor a dimension")
	f(with(`"order_by":[["visitors","down"]]`), "order_by[0][1]", `must be "asc" or "desc"`)
	f(with(`"order_by":[["visitors",1]]`), "order_by[0][1]", "must be a string")

	f(with(`"include":[]`), "include", "must be an object")
	f(with(`"include":{"total":true}`), "include.total", "unknown key")
	f(with(`"include":{"total_rows":1}`), "include.total_rows", "must be true or false")
	f(with(`"include":{"time_labels":true}`), "include.time_labels", "needs a time dimension")
	f(with(`"include":{"compare":"last_year"}`), "include.compare", "unknown comparison")
	f(with(`"include":{"compare":1}`), "include.compare", "must be a name or a pair")
	f(with(`"include":{"compare":["2026-01-01"]}`), "include.compare", "must be a pair")

	f(with(`"pagination":10`), "pagination", "must be an object")
	f(with(`"pagination":{"page":1}`), "pagination.page", "unknown key")
	f(with(`"pagination":{"limit":0}`), "pagination.limit", "from 1 to 100000")
	f(with(`"pagination":{"limit":100001}`), "pagination.limit", "from 1 to 100000")
	f(with(`"pagination":{"limit":1.5}`), "pagination.limit", "whole number")
	f(with(`"pagination":{"limit":"10"}`), "pagination.limit", "whole number")
	f(with(`"pagination":{"offset":-1}`), "pagination.offset", "from 0")

	f(metric(`["time_on_page"],"dimensions":["event:name"]`), "metrics[0]", "cannot be combined with event:name")
	f(metric(`["scroll_depth"],"filters":[["is","event:props:plan",["pro"]]]`), "metrics[0]", "cannot be combined with event:props:plan")
	f(`{"site_id":"`+strings.Repeat("a", 300_000)+`"}`, "", "at most")
}

func TestParseTakes(t *testing.T) {
	f := func(body, want string) {
		t.Helper()
		r, err := Parse([]byte(body))
		if err != nil {
			t.Errorf("%s: %v", body, err)
			return
		}
		got, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s:\n got %s\nwant %s", body, got, want)
		}
	}
	f(`{"site_id":"s","date_range":"7d","metrics":["visitors"]}`,
		`{"SiteID":"s","DateRange":{"Name":"7d","From":"","To":""},"Metrics":["visitors"],"Dimensions":[],"Filters":[],"OrderBy":null,"Include":{"imports":false,"time_labels":false,"total_rows":false},"Pagination":{"limit":10000,"offset":0}}`)
	f(`{"site_id":"a.io","date_range":["2026-01-01","2026-01-31"],"metrics":["visits","scroll_depth"],"dimensions":["time:day","event:page"],
		"filters":[["is","event:page",["/",1]],["or",[["contains_not","visit:source",["x"],{"case_sensitive":false}],["not",["has_done",["is","event:name",["Buy"]]]]]]],
		"order_by":[["visits","asc"],["time:day","desc"]],"include":{"total_rows":true,"time_labels":true,"imports":true,"compare":"previous_period"},"pagination":{"limit":5,"offset":3}}`,
		`{"SiteID":"a.io","DateRange":{"Name":"","From":"2026-01-01","To":"2026-01-31"},"Metrics":["visits","scroll_depth"],"Dimensions":["time:day","event:page"],"Filters":[["is","event:page",["/","1"]],["or",[["contains_not","visit:source",["x"],{"case_sensitive":false}],["not",["has_done",["is","event:name",["Buy"]]]]]]],"OrderBy":[["visits","asc"],["time:day","desc"]],"Include":{"imports":true,"time_labels":true,"total_rows":true,"compare":"previous_period"},"Pagination":{"limit":5,"offset":3}}`)
	for _, m := range metrics {
		if !m.ofGoals() {
			mustParse(t, `{"site_id":"s","date_range":"day","metrics":["`+string(m)+`"],"dimensions":["event:page"]}`)
		}
	}
	for _, d := range append(RollupDimensions[:], moreDimensions[:]...) {
		mustParse(t, `{"site_id":"s","date_range":"day","metrics":["visitors"],"dimensions":["`+d.Name+`"],"filters":[["is","`+d.Name+`",["x"]]]}`)
	}
	for _, name := range rangeNames {
		mustParse(t, `{"site_id":"s","date_range":"`+name+`","metrics":["visitors"]}`)
	}
	for _, name := range append(intervals, "event:props:a b", "event:hostname") {
		mustParse(t, `{"site_id":"s","date_range":"day","metrics":["visitors"],"dimensions":["`+name+`"]}`)
	}
}

func mustParse(t testing.TB, body string) *Request {
	t.Helper()
	r, err := Parse([]byte(body))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return r
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"site_id":"s","date_range":"7d","metrics":["visitors"]}`))
	f.Add([]byte(`{"site_id":"s","date_range":["2026-01-01","2026-02-01"],"metrics":["visits","percentage"],"dimensions":["time","event:props:x"],"filters":[["or",[["is","visit:source",["Direct / None",1]],["has_not_done",["matches","event:page",["^/a"],{"case_sensitive":false}]]]]],"order_by":[["visits","asc"]],"include":{"compare":["2025-01-01","2025-02-01"],"time_labels":true},"pagination":{"limit":1,"offset":2}}`))
	f.Add([]byte(`{"site_id":"s","date_range":["2026-03-29T01:30:00","2026-03-29T03:30:00+02:00"],"metrics":["time_on_page"],"dimensions":["time:hour"]}`))
	f.Add([]byte(`{"site_id":"s","date_range":"all","metrics":["events"],"dimensions":["visit:country_name"],"filters":[["is_not","visit:country_name",["Germany"]]],"include":{"compare":"year_over_year"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		req, err := Parse(body)
		if err != nil {
			var bad *Error
			if !errors.As(err, &bad) || bad.Message == "" {
				t.Fatalf("%q: not a query error: %v", body, err)
			}
			return
		}
		for _, name := range []string{"UTC", "Africa/Cairo"} {
			q, err := Resolve(req, testSite(name), testNow, testNow.UnixMilli()-90*dayMillis)
			if err != nil {
				var bad *Error
				if !errors.As(err, &bad) {
					t.Fatalf("%q: %v", body, err)
				}
				continue
			}
			plan, err := q.Plan(Facts{Estimate: 5})
			if err != nil || len(plan.Parts) == 0 {
				t.Fatalf("%q: plan %+v, %v", body, plan, err)
			}
		}
	})
}
