package live

import "github.com/footfall-analytics/footfall/internal/event"

// The messages of docs/format/api.md, "Live".
type (
	helloMessage struct {
		Type     string   `json:"type"`
		Now      int64    `json:"now"`
		Realtime Snapshot `json:"realtime"`
	}
	metricsMessage struct {
		Type           string `json:"type"`
		Start          int64  `json:"start"`
		Pageviews      int64  `json:"pageviews"`
		Events         int64  `json:"events"`
		ActiveVisitors int64  `json:"active_visitors"`
		Open           bool   `json:"open"`
	}
	minuteMessage struct {
		Type string `json:"type"`
		Minute
	}
	currentMessage struct {
		Type     string `json:"type"`
		Visitors int64  `json:"visitors"`
	}
	totalsMessage struct {
		Type string `json:"type"`
		Metrics
		Top Top `json:"top"`
	}
	statusMessage struct {
		Type      string `json:"type"`
		Available bool   `json:"available"`
		Reason    string `json:"reason"`
	}
	eventMessage struct {
		Type        string `json:"type"`
		Timestamp   int64  `json:"timestamp"`
		EventType   string `json:"event_type"`
		Name        string `json:"name"`
		Page        string `json:"page"`
		Title       string `json:"title"`
		Country     string `json:"country"`
		Source      string `json:"source"`
		DeviceType  string `json:"device_type"`
		Browser     string `json:"browser"`
		VisitEvents uint32 `json:"visit_events"`
	}
)

// feedRows is how many events a second a watcher is sent.
const feedRows = 10

// feed keeps, per band, the newest events since the last push. More is not needed: whatever bands a watcher counts, its
// newest ten are among them.
type feed struct {
	arrivals uint64
	bands    [4][]feedEvent
}

type feedEvent struct {
	arrival uint64
	message eventMessage
}

func (f *feed) add(e *event.Event) {
	f.arrivals++
	list := f.bands[e.BotBand]
	if len(list) == feedRows {
		copy(list, list[1:])
		list = list[:feedRows-1]
	}
	f.bands[e.BotBand] = append(list, feedEvent{f.arrivals, newEventMessage(e)})
}

func newEventMessage(e *event.Event) eventMessage {
	m := eventMessage{
		Type: "event", Timestamp: e.Timestamp, EventType: e.Type.String(), Name: e.Name, Page: e.Page, Title: e.Title,
		Country: e.Country, Source: e.Source, DeviceType: e.DeviceType, Browser: e.Browser, VisitEvents: 1,
	}
	if e.Session != nil {
		m.Source, m.VisitEvents = e.Session.Source, e.Session.Events+1
	}
	return m
}

// newest returns the newest events with a band below threshold, oldest first.
func (f *feed) newest(threshold uint8) []eventMessage {
	var next [4]int
	for band := range next {
		next[band] = len(f.bands[band]) - 1
	}
	var messages []eventMessage
	for len(messages) < feedRows {
		band := -1
		for b := range next[:min(int(threshold), len(next))] {
			if next[b] >= 0 && (band < 0 || f.bands[b][next[b]].arrival > f.bands[band][next[band]].arrival) {
				band = b
			}
		}
		if band < 0 {
			break
		}
		messages = append(messages, f.bands[band][next[band]].message)
		next[band]--
	}
	for i, j := 0, len(messages)-1; i < j; i, j = i+1, j-1 {
		messages[i], messages[j] = messages[j], messages[i]
	}
	return messages
}

func (f *feed) clear() {
	for band := range f.bands {
		clear(f.bands[band])
		f.bands[band] = f.bands[band][:0]
	}
}
