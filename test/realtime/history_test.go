package realtime

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/footfall-analytics/footfall/internal/event"
)

// history is what one run sends, in the order of its receipt, and what must come of it.
type history struct {
	values  []value
	events  []event.Event // each once
	records map[event.UUID]string
	site    map[string]*siteCount
	broken  int // records that cannot be decoded
	tardy   map[windowKey]bool
}

// value is one Kafka record of raw_events.
type value struct {
	key  []byte
	data []byte
	tick int64 // not 0: goes to every partition
}

type siteCount struct{ received, stored, duplicate, filtered, failed int64 }

type windowKey struct {
	site  string
	start int64
}

const (
	sites        = 12
	tickEvery    = 5_000
	tardyMillis  = 3 * 3_600_000 // events that late are in history only, or, in a backlog, still in their window
	batchMaximum = 6
)

// makeHistory spreads n events over hours of event time that end at end.
func makeHistory(seed uint64, n int, hours, end int64) *history {
	r := rand.New(rand.NewPCG(seed, 1))
	h := &history{records: map[event.UUID]string{}, site: map[string]*siteCount{}, tardy: map[windowKey]bool{}}
	begin := end - hours*3_600_000
	h.addTick(begin)
	var again []event.Event
	for i, nextTick := 0, begin+tickEvery; i < n; {
		now := begin + (end-begin)*int64(i)/int64(n)
		for ; nextTick <= now; nextTick += tickEvery {
			h.addTick(nextTick)
		}
		site := fmt.Sprintf("site-%d", min(r.IntN(sites), r.IntN(sites)))
		batch := make([]event.Event, 0, batchMaximum)
		for range min(1+r.IntN(batchMaximum), n-i) {
			e := h.makeEvent(r, site, i, now)
			batch = append(batch, e)
			h.remember(e)
			i++
			if r.IntN(20) == 0 {
				again = append(again, e)
			}
		}
		h.send(r, batch, len(batch))
		if len(again) > 50 && r.IntN(4) == 0 { // copies, in another batch and mostly another partition
			k := r.IntN(len(again))
			e := again[k]
			again = slices.Delete(again, k, k+1)
			e.ReceivedAt = now
			h.send(r, []event.Event{e}, 0)
		}
	}
	h.addTick(end)
	return h
}

func (h *history) count(site string) *siteCount {
	if h.site[site] == nil {
		h.site[site] = &siteCount{}
	}
	return h.site[site]
}

func (h *history) addTick(at int64) {
	h.values = append(h.values, value{tick: at, data: frame(nil, event.Tick{At: at}.AppendRecord(nil))})
}

// send makes one value of a batch: its receipt, the events, at times something that is no event.
func (h *history) send(r *rand.Rand, batch []event.Event, fresh int) {
	c := h.count(batch[0].WebsiteID)
	receipt := event.Receipt{WebsiteID: batch[0].WebsiteID, ReceivedAt: batch[0].ReceivedAt, Received: int64(len(batch))}
	c.received += int64(len(batch))
	c.stored += int64(fresh)
	c.duplicate += int64(len(batch) - fresh)
	var data []byte
	for i := range batch {
		data = frame(data, batch[i].AppendRecord(nil))
	}
	switch r.IntN(40) {
	case 0:
		receipt.Received += 2
		receipt.Refused = []event.LedgerRow{{Outcome: event.Filtered, Reason: "gpc", Count: 2}}
		c.received, c.filtered = c.received+2, c.filtered+2
	case 1: // a record that is cut in a field
		record := batch[0].AppendRecord(nil)
		data = frame(data, record[:len(record)-2])
		receipt.Received++
		c.received, c.failed = c.received+1, c.failed+1
		h.broken++
	}
	data = frame(data, receipt.AppendRecord(nil))
	h.values = append(h.values, value{key: []byte(batch[0].WebsiteID + batch[0].SessionID), data: data})
	if r.IntN(500) == 0 {
		h.values = append(h.values, value{key: []byte("x")}, value{key: []byte("y"), data: []byte{}})
	}
}

func frame(dst, record []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(record))), record...)
}

func (h *history) remember(e event.Event) {
	h.events = append(h.events, e)
	h.records[e.ID] = string(e.AppendRecord(nil))
}

// makeEvent makes one event: mostly in time, at times late by minutes, rarely by hours.
func (h *history) makeEvent(r *rand.Rand, site string, i int, now int64) event.Event {
	visitor := r.IntN(60) + i/40 // those who are there change slowly
	e := event.Event{
		WebsiteID: site, Type: event.Pageview, Interactive: true, Timestamp: now - r.Int64N(3000), ReceivedAt: now,
		UserID: fmt.Sprintf("%016x", visitor), Page: fmt.Sprint("/page/", r.IntN(200)), Hostname: "example.org", Title: "A title of some length",
		Referrer: "https://www.google.com/", Source: "Google", Medium: "organic", Channel: "Organic Search", Country: "DE", Region: "DE-BE", City: "Berlin",
		DeviceType: "desktop", Browser: "Chrome", BrowserVersion: "130", OS: "Windows", OSVersion: "10", Screen: "1920x1080", Language: fmt.Sprint("l", i%97),
		ScrollDepth: event.NoScroll, BotScore: []uint8{0, 0, 0, 10, 30, 60, 90}[visitor%7],
	}
	for at := 0; at < len(e.ID); at += 8 {
		binary.BigEndian.PutUint64(e.ID[at:], r.Uint64())
	}
	e.BotBand, e.SessionID = event.Band(e.BotScore), e.UserID
	e.SampleKey, e.VisitorCoupon = xxhash.Sum64String(e.UserID), uint32(visitor)
	switch r.IntN(10) {
	case 0:
		e.Type, e.Name, e.Interactive = event.Custom, "signup", r.IntN(2) == 0
		if r.IntN(3) == 0 {
			e.Currency, e.Revenue = []string{"EUR", "USD"}[r.IntN(2)], r.Int64N(90_000)
		}
	case 1, 2:
		e.Type, e.TimeOnPage = event.Engagement, r.Int64N(20_000)
	case 3:
		if r.IntN(3) == 0 {
			e.Type = event.Identify
		}
	case 4:
		if r.IntN(3) == 0 {
			e.UserID = "known"
			e.SampleKey = xxhash.Sum64String(e.UserID)
		}
	}
	switch late := r.IntN(200); {
	case late < 8:
		e.Timestamp -= r.Int64N(20 * 60_000)
	case late == 8:
		e.Timestamp -= tardyMillis + r.Int64N(24*3_600_000)
		h.tardy[windowKey{site, e.Timestamp - e.Timestamp%10_000}] = true
	}
	return e
}
