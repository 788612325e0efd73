package report

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"testing"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/query"
)

// engineFunc is an Engine. The real one stands behind the same route in internal/api's tests.
type engineFunc func(body []byte) (*query.Reply, error)

func (f engineFunc) Query(_ context.Context, _ *event.Site, body []byte) (*query.Reply, error) {
	return f(body)
}

func parse(t *testing.T, text string) (*Params, error) {
	t.Helper()
	values, err := url.ParseQuery(text)
	if err != nil {
		t.Fatal(err)
	}
	return ParseParams(values)
}

func TestParseParamsRefuses(t *testing.T) {
	f := func(text, param string) {
		t.Helper()
		p, err := parse(t, text)
		var bad *ParamError
		if !errors.As(err, &bad) || bad.Param != param || bad.Message == "" {
			t.Errorf("%s: %+v, %v; want a fault of %s", text, p, err, param)
		}
	}
	f("", "from")
	f("from=2026-10-01", "to")
	f("from=x&to=2026-10-01", "from")
	f("from=2026-10-01&to=2026-10-32", "to")
	f("from=2026-10-01&to=2026-1-3", "to")
	f("from=2026-10-01T00:00:00&to=2026-10-02", "from")
	f("from=0001-01-01&to=2026-10-02", "from")
	f("from=2026-10-02&to=2026-10-01", "to")
	const dates = "from=2026-10-01&to=2026-10-31&"
	f(dates+"dimensions=", "dimensions")
	f(dates+"dimensions=page", "dimensions")
	f(dates+"dimensions=date,date", "dimensions")
	f(dates+"dimensions=date,%20source", "dimensions")
	f(dates+"metrics=visitors", "metrics")
	f(dates+"metrics=users,", "metrics")
	f(dates+"limit=0", "limit")
	f(dates+"limit=100001", "limit")
	f(dates+"limit=1e3", "limit")
	f(dates+"limit=%2B7", "limit")
	f(dates+"limit=", "limit")
	f(dates+"offset=-1", "offset")
	f(dates+"offset=99999999999999999999", "offset")
}

// TestAsks shows the query behind each report.
func TestAsks(t *testing.T) {
	site := &event.Site{WebsiteID: "w1", Timezone: "UTC"}
	f := func(text, want string) {
		t.Helper()
		p, err := parse(t, text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(p.query(site))
		if err != nil || string(got) != want {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
		if _, err := query.Parse(got); err != nil {
			t.Errorf("%s is no query: %v", got, err)
		}
	}
	f("from=2026-10-01&to=2026-10-31",
		`{"site_id":"w1","date_range":["2026-10-01","2026-10-31"],"metrics":["visitors","visits","pageviews","bounce_rate"],"dimensions":["time:day","visit:source","visit:device"],"order_by":[["time:day","asc"],["visitors","desc"],["visit:source","asc"],["visit:device","asc"]],"include":{"total_rows":true},"pagination":{"limit":10000,"offset":0}}`)
	f("from=2026-10-01&to=2026-10-01&dimensions=device,source&metrics=pageviews&limit=5&offset=10",
		`{"site_id":"w1","date_range":["2026-10-01","2026-10-01"],"metrics":["visitors","pageviews"],"dimensions":["visit:source","visit:device"],"order_by":[["visitors","desc"],["visit:source","asc"],["visit:device","asc"]],"include":{"total_rows":true},"pagination":{"limit":5,"offset":10}}`)
}

func TestShape(t *testing.T) {
	total := 12
	reply := &query.Reply{
		Results: []query.Result{{Dimensions: []string{"2026-10-01", "Google"}, Metrics: []any{int64(3), int64(7), 33.5}}, {Dimensions: []string{"2026-10-01", "(not set)"}, Metrics: []any{int64(1), int64(1), nil}}},
		Meta: query.Meta{TotalRows: &total, Source: "rollups", FreshAt: 5, Error: map[query.Metric]query.Interval{
			"visitors": {Low: []float64{2, 1}, High: []float64{4, 1}}, "pageviews": {Low: []float64{7, 1}, High: []float64{7, 1}}}},
	}
	engine := engineFunc(func([]byte) (*query.Reply, error) { return reply, nil })
	f := func(text, want string) {
		t.Helper()
		p, err := parse(t, "from=2026-10-01&to=2026-10-31&dimensions=date,source&"+text)
		if err != nil {
			t.Fatal(err)
		}
		report, err := Make(context.Background(), engine, &event.Site{WebsiteID: "w1"}, p)
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(report)
		if err != nil || string(got) != want {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
	f("metrics=bounce_rate,users,pageviews", `{"site_id":"w1","from":"2026-10-01","to":"2026-10-31","granularity":"day","dimensions":["date","source"],"metrics":["users","pageviews","bounce_rate"],`+
		`"rows":[{"date":"2026-10-01","source":"Google","users":3,"pageviews":7,"bounce_rate":33.5},{"date":"2026-10-01","source":"(not set)","users":1,"pageviews":1,"bounce_rate":null}],"total_rows":12,`+
		`"meta":{"source":"rollups","exact":false,"error":{"pageviews":{"low":[7,1],"high":[7,1]},"users":{"low":[2,1],"high":[4,1]}},"fresh_at":5,"cached":false,"took_ms":0,"daily_visitors":false}}`)
	f("metrics=pageviews,bounce_rate", `{"site_id":"w1","from":"2026-10-01","to":"2026-10-31","granularity":"day","dimensions":["date","source"],"metrics":["pageviews","bounce_rate"],`+
		`"rows":[{"date":"2026-10-01","source":"Google","pageviews":7,"bounce_rate":33.5},{"date":"2026-10-01","source":"(not set)","pageviews":1,"bounce_rate":null}],"total_rows":12,`+
		`"meta":{"source":"rollups","exact":false,"error":{"pageviews":{"low":[7,1],"high":[7,1]}},"fresh_at":5,"cached":false,"took_ms":0,"daily_visitors":false}}`)
	if reply.Meta.TotalRows == nil || len(reply.Meta.Error) != 2 {
		t.Error("the engine's reply, which others share, was changed")
	}
}

func TestErrors(t *testing.T) {
	p, err := parse(t, "from=2026-10-01&to=2026-10-31")
	if err != nil {
		t.Fatal(err)
	}
	site, boom := &event.Site{WebsiteID: "w1"}, errors.New("boom")
	if _, err := Make(context.Background(), engineFunc(func([]byte) (*query.Reply, error) { return nil, boom }), site, p); !errors.Is(err, boom) {
		t.Errorf("the engine's error becomes %v", err)
	}
	var bad *ParamError
	refuse := engineFunc(func([]byte) (*query.Reply, error) {
		return nil, &query.Error{Message: "too long", Path: "date_range"}
	})
	if _, err := Make(context.Background(), refuse, site, p); !errors.As(err, &bad) || bad.Param != "from" || bad.Message != "too long" {
		t.Errorf("a refused range becomes %v", err)
	}
}
