package audit

import (
	"fmt"
	"strings"
	"testing"

	"github.com/footfall-analytics/footfall/internal/event"
)

const day = event.DayMillis

func chain(times ...int64) (out []event.Event) {
	for _, at := range times {
		out = append(out, event.Event{WebsiteID: "s", SessionID: "u", Type: event.Pageview, Timestamp: at, Page: fmt.Sprint(at)})
	}
	return out
}

func spans(events []event.Event) string {
	var out []string
	Sessions(events, func(s *event.Session) {
		out = append(out, fmt.Sprintf("%d-%d %s>%s %d/%d %d%s %d", s.ChainStart, s.End, s.EntryPage, s.ExitPage, s.Pageviews, s.Events, s.Revenue, s.Currency, len(s.Visitors)))
	})
	return strings.Join(out, ", ")
}

func TestSessions(t *testing.T) {
	f := func(want string, events []event.Event) {
		t.Helper()
		if got := spans(events); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f("5-5 5>5 1/1 0 0", chain(5))
	f("5-9 5>9 2/2 0 0", chain(5, 9))
	within := chain(day-1, day, 2*day-1) // a day long: not cut
	f(fmt.Sprintf("%d-%d %d>%d 3/3 0 0", day-1, 2*day-1, day-1, 2*day-1), within)
	f(fmt.Sprintf("%d-%d %d>%d 1/1 0 0, %d-%d %d>%d 2/2 0 0", day-2, day-2, day-2, day-2, day, 2*day-1, day, 2*day-1), chain(day-2, day, 2*day-1))
	engaged := chain(5, 6)
	engaged[0].Type, engaged[1].Type = event.Engagement, event.Engagement
	f("", engaged) // no counted event
	engaged[1].Type = event.Custom
	engaged[1].Currency, engaged[1].Revenue = "EUR", 7
	f("5-6 > 0/1 7EUR 0", engaged)
	mixed := chain(5, 6)
	for i := range mixed {
		mixed[i].Currency, mixed[i].Revenue, mixed[i].SampleKey = []string{"EUR", "USD"}[i], 7, uint64(i)
	}
	f("5-6 5>6 2/2 0* 2", mixed)
}

func TestFollows(t *testing.T) {
	list := chain(0, event.SessionGapMillis, 2*event.SessionGapMillis+1)
	if !Follows(&list[0], &list[1]) || Follows(&list[1], &list[2]) {
		t.Error("the gap is not 30 minutes")
	}
	list[1].BotBand = 1
	if Follows(&list[0], &list[1]) {
		t.Error("bands are not told apart")
	}
}

func TestReport(t *testing.T) {
	var r Report
	for i := range maxDifferences + 5 {
		r.Add("s", fmt.Sprint(i), "a", "b")
	}
	if r.Found != maxDifferences+5 || len(r.Differences) != maxDifferences {
		t.Errorf("%d found, %d kept", r.Found, len(r.Differences))
	}
	a, b := event.Session{Pageviews: 1}, event.Session{Pageviews: 2}
	if expected, found := FieldDifference(&a, &b); expected != "Pageviews 1" || found != "Pageviews 2" {
		t.Errorf("%q, %q", expected, found)
	}
}
