package cluster

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/test/harness"
)

const freshSamples = 20

// An acknowledged event is soon in answers and in the live view. The times are figures of the machine: only that both follow is
// checked.
func TestFreshness(t *testing.T) {
	d := deploy(t, 7, "process", "collect", "web")
	site := d.addSite("fresh.example")
	d.fresh("web", site)
	var inAnswer, inLive []time.Duration
	sent := 0
	for range freshSamples {
		d.await("the collector takes the event", func() string {
			body := fmt.Sprintf(`[{"type":"pageview","tracking_id":%q,"user_id":"u%d","data":{"page":"/"}}]`, site.TrackingID, sent)
			status, raw, err := harness.Try("POST", d.url("collect")+"/v1/events", "", []byte(body))
			if err != nil || status != 200 || !strings.HasPrefix(string(raw), `{"status":"ok","received":1`) {
				return fmt.Sprint(status, string(raw), err)
			}
			return ""
		})
		sent++
		begin := time.Now()
		answered, lived := time.Duration(0), time.Duration(0)
		d.await("the event is in the answer and in the live view", func() string {
			_, events, err := d.ask("web", site)
			if answered == 0 && err == nil && events >= float64(sent) {
				answered = time.Since(begin)
			}
			if lived == 0 && d.liveEvents(site) >= sent {
				lived = time.Since(begin)
			}
			if answered > 0 && lived > 0 {
				return ""
			}
			return fmt.Sprintf("%d sent, %v in the answer, %d live, %v", sent, events, d.liveEvents(site), err)
		})
		inAnswer, inLive = append(inAnswer, answered), append(inLive, lived)
	}
	for name, times := range map[string][]time.Duration{"answer": inAnswer, "live view": inLive} {
		slices.Sort(times)
		t.Logf("acknowledged -> in the %s: p50 %v, p95 %v", name, times[len(times)/2].Round(10*time.Millisecond), times[len(times)*95/100].Round(10*time.Millisecond))
	}
}

// liveEvents returns the events of the last 30 minutes, -1 when the live view is not available.
func (d *deployment) liveEvents(site harness.Site) int {
	_, raw, err := harness.Try("GET", d.url("web")+"/api/v1/sites/"+site.WebsiteID+"/realtime", site.Key, nil)
	var reply struct{ Metrics *struct{ Events int } }
	if err != nil || json.Unmarshal(raw, &reply) != nil || reply.Metrics == nil {
		return -1
	}
	return reply.Metrics.Events
}
