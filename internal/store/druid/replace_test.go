package druid

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/query"
)

var firstDay = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

func day(n int) time.Time { return firstDay.AddDate(0, 0, n) }

// viewsOf returns the sum of views by site and day, of all that is stored.
func viewsOf(t testing.TB, s *Store) map[string]int64 {
	t.Helper()
	days, err := s.Days(context.Background(), PageViews, day(0), day(10))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int64{}
	for _, one := range days {
		out[one.WebsiteID+one.Day.Format(" 01-02")] = one.Sums["views"]
	}
	return out
}

// viewsIn sums rows as viewsOf does.
func viewsIn(rows ...[]*pageView) map[string]int64 {
	out := map[string]int64{}
	for _, some := range rows {
		for _, row := range some {
			out[row.WebsiteID+time.UnixMilli(row.Timestamp).UTC().Format(" 01-02")] += row.Views
		}
	}
	return out
}

func replaceDays(t testing.TB, s *Store, from, to int, uris ...string) {
	t.Helper()
	if err := s.Replace(context.Background(), Replacement{PageViews, day(from), day(to), uris}); err != nil {
		t.Fatal(err)
	}
}

func wantViews(t testing.TB, s *Store, what string, want map[string]int64) {
	t.Helper()
	if got := viewsOf(t, s); !maps.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// A day has the rows it was given last, however often; days beside it keep theirs; what fails changes nothing.
func TestReplace(t *testing.T) {
	s, o := openTest(t, nil), newObjects(t)
	r := rand.New(rand.NewPCG(1, 2))
	wantViews(t, s, "before the first day", map[string]int64{})
	first, second, other := dayOfViews(r, "s", day(0), 300), dayOfViews(r, "s", day(1), 300), dayOfViews(r, "s2", day(1), 100)
	a, b, c := o.put(t, "a", anyRows(first)), o.put(t, "b", anyRows(second)), o.put(t, "c", anyRows(other))
	replaceDays(t, s, 0, 2, a, b, c)
	all := viewsIn(first, second, other)
	wantViews(t, s, "two days", all)
	replaceDays(t, s, 0, 2, a, b, c)
	wantViews(t, s, "the same again", all)

	// Without the site's rows: they go, those of the day before stay.
	replaceDays(t, s, 1, 2, c)
	wantViews(t, s, "one day", viewsIn(first, other))
	replaceDays(t, s, 1, 2)
	wantViews(t, s, "an empty day", viewsIn(first))
	replaceDays(t, s, 0, 2, b)
	wantViews(t, s, "a day without rows among others", viewsIn(second))

	err := s.Replace(context.Background(), Replacement{PageViews, day(3), day(4), []string{a}})
	if err == nil || !strings.Contains(err.Error(), "outside") {
		t.Errorf("rows of another day: %v", err)
	}
	wantViews(t, s, "rows of another day", viewsIn(second))
	broken := o.put(t, "broken", []any{"no row"})
	if err := s.Replace(context.Background(), Replacement{PageViews, day(1), day(2), []string{a, broken}}); !errors.Is(err, ErrFailed) {
		t.Errorf("a line that is no row: %v", err)
	}
	wantViews(t, s, "a line that is no row", viewsIn(second))
}

// A task that cannot end is shut down, and what was there stays; the day can be replaced afterwards.
func TestReplaceGivenUp(t *testing.T) {
	s, o := openTest(t, nil), newObjects(t)
	r := rand.New(rand.NewPCG(3, 4))
	old, fresh := dayOfViews(r, "s", day(0), 200), dayOfViews(r, "s", day(0), 200)
	replaceDays(t, s, 0, 1, o.put(t, "old", anyRows(old)))
	uri := o.put(t, "new", anyRows(fresh))

	hasty := *s
	hasty.opts.TaskTime = 15 * time.Second
	missing := Replacement{PageViews, day(0), day(1), []string{uri, o.URL + "/missing.json.gz"}}
	if err := hasty.Replace(context.Background(), missing); !errors.Is(err, ErrFailed) {
		t.Errorf("a missing object: %v", err)
	}
	wantViews(t, s, "a missing object", viewsIn(old))

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.Replace(ctx, missing); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrFailed) {
		t.Errorf("a caller who goes: %v", err)
	}
	wantViews(t, s, "a caller who goes", viewsIn(old))
	replaceDays(t, s, 0, 1, uri)
	wantViews(t, s, "after them", viewsIn(fresh))
}

// Whoever asks while days are replaced sees all of the old rows or all of the new ones, of each day.
func TestReadersDuringReplace(t *testing.T) {
	s, o := openTest(t, nil), newObjects(t)
	r := rand.New(rand.NewPCG(5, 6))
	old, fresh := dayOfViews(r, "s", day(0), 500), dayOfViews(r, "s", day(0), 700)
	replaceDays(t, s, 0, 1, o.put(t, "old", anyRows(old)))
	half, rest := o.put(t, "half", anyRows(fresh[:350])), o.put(t, "rest", anyRows(fresh[350:]))
	o.hold(true)
	done := make(chan error, 1)
	go func() {
		done <- s.Replace(context.Background(), Replacement{PageViews, day(0), day(1), []string{half, rest}})
	}()
	before, after := fmt.Sprint(viewsIn(old)), fmt.Sprint(viewsIn(fresh))
	seen := map[string]int{}
	for asked := 0; ; asked++ {
		if asked == 10 {
			o.hold(false)
		}
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			if now := fmt.Sprint(viewsOf(t, s)); now != after {
				t.Errorf("when Replace has returned: %s, not %s", now, after)
			}
			if seen[before] < 10 {
				t.Errorf("the old rows were seen %d times", seen[before])
			}
			return
		default:
		}
		now := fmt.Sprint(viewsOf(t, s))
		if seen[now]++; now != before && now != after {
			t.Fatalf("after %d answers: %s, neither %s nor %s", asked, now, before, after)
		}
	}
}

// Days that are stored and that no historical serves are an error, not a smaller sum.
func TestMissingDays(t *testing.T) {
	s, o := openTest(t, nil), newObjects(t)
	rows := dayOfViews(rand.New(rand.NewPCG(7, 8)), "s", day(0), 50)
	replaceDays(t, s, 0, 1, o.put(t, "a", anyRows(rows)))
	if err := s.coordinate(context.Background(), http.MethodPost, "/druid/coordinator/v1/rules/"+s.opts.Prefix+PageViews,
		[]byte(`[{"type":"loadForever","tieredReplicants":{"nowhere":1}}]`), nil); err != nil {
		t.Fatal(err)
	}
	end := time.Now().Add(2 * time.Minute)
	for {
		days, err := s.Days(context.Background(), PageViews, day(0), day(1))
		if errors.Is(err, query.ErrUnavailable) {
			break
		}
		if err != nil || len(days) != 1 {
			t.Fatalf("got %v, %v", days, err)
		}
		if time.Now().After(end) {
			t.Fatal("the segment is still served")
		}
		time.Sleep(100 * time.Millisecond)
	}
	part := query.Part{View: query.ViewPageViews, WebsiteID: "s", Threshold: 4, Ranges: []query.Range{{From: day(0).UnixMilli(), To: day(1).UnixMilli()}},
		Measures: []query.Measure{query.PageviewCount}}
	err := s.Source().Run(context.Background(), []query.Part{part}, func(int, *query.Rows) error { return nil })
	if !errors.Is(err, query.ErrUnavailable) {
		t.Errorf("a part: %v", err)
	}
}

func TestReplacementRefused(t *testing.T) {
	s, err := Open(Options{Brokers: []string{"http://127.0.0.1:1"}, Coordinators: []string{"http://127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	f := func(want string, r Replacement) {
		t.Helper()
		if err := s.Replace(context.Background(), r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	f("no datasource", Replacement{"sessions", day(0), day(1), nil})
	f("whole days", Replacement{Sources, day(0), day(0), nil})
	f("whole days", Replacement{Sources, day(0), day(0).Add(time.Hour), nil})
	f("whole days", Replacement{Sources, day(0), day(MaxDays + 1), nil})
}
