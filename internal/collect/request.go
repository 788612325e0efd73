package collect

import (
	"context"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
)

// request is what is known of a request until it is answered. While its events are judged it has a workspace.
type request struct {
	*workspace
	reply       Reply
	receipts    []event.Receipt
	lastReceipt int
	accepted    int // events in spans
}

// workspace holds everything that judging needs, so that the next request finds the memory made. It goes back as soon as the
// log has the records: many requests wait for one sync, and few workspaces, warm in the processor's cache, serve them all.
// Nothing of it may be used after that.
type workspace struct {
	decoder
	body, inflated []byte

	now      int64 // ms
	imported bool
	old      bool   // the event at hand is too old for the stream
	keyed    bool   // has a key that lets context.ip and context.user_agent count
	keySite  string // the site of that key, "" for all
	gpc, dnt bool

	sender     client // of the request
	named      client // whom the last event with a context.ip or context.user_agent named
	namedIP    string
	namedAgent string
	hasNamed   bool
	trackingID string // of the last event, and its site
	site       *event.Site
	salts      *saltSet
	event      event.Event
	session    event.SessionInfo
	out        []byte // keys and values of records, one behind the other
	spans      []span
	records    []eventlog.Record
	props      []event.Property
}

// span is where a record stands in out: key [from, value), value [value, to).
type span struct {
	from, value, to int
	receipt         int  // the one that counts it
	event, old      bool // an event; one that is too old for the stream
}

const (
	// A workspace that has grown beyond these is left to the garbage collector rather than kept for the next request. That of an
	// import's usual batch is kept: made anew each time, it was half of what had to be collected.
	keepDrafts = 1024
	keepBytes  = 4 << 20
)

func (h *Handler) request() *request {
	q := h.requests.Get().(*request)
	q.workspace = h.workspaces.Get().(*workspace)
	q.now = h.opts.Now().UnixMilli()
	q.salts = h.saltsAt(q.now)
	return q
}

func (h *Handler) release(q *request) {
	h.releaseWorkspace(q)
	receipts := q.receipts[:cap(q.receipts)]
	for i := range receipts {
		receipts[i] = event.Receipt{Refused: receipts[i].Refused[:0]}
	}
	*q = request{receipts: receipts[:0], reply: Reply{Rejected: q.reply.Rejected[:0]}}
	h.requests.Put(q)
}

// releaseWorkspace takes the request's workspace away, if it still has it.
func (h *Handler) releaseWorkspace(q *request) {
	s := q.workspace
	q.workspace = nil
	if s == nil || cap(s.drafts) > keepDrafts || cap(s.body)+cap(s.inflated)+cap(s.out)+cap(s.arena) > keepBytes {
		return
	}
	clear(s.drafts) // they view buffers that the next request overwrites
	clear(s.records)
	*s = workspace{
		decoder: decoder{scanner: scanner{arena: s.arena[:0]}, drafts: s.drafts[:0], props: s.decoder.props[:0]},
		body:    s.body[:0], inflated: s.inflated[:0], out: s.out[:0], spans: s.spans[:0], records: s.records[:0], props: s.props[:0],
	}
	h.workspaces.Put(s)
}

// process judges the drafts and appends what becomes of them: events, receipts and failed payloads, all or none.
func (h *Handler) process(ctx context.Context, q *request) error {
	for i := range q.drafts {
		h.judge(q, i)
	}
	return h.append(ctx, q)
}

// append hands the records over, gives the workspace back and waits until they are durable.
func (h *Handler) append(ctx context.Context, q *request) error {
	if len(q.receipts) == 0 {
		return nil
	}
	start := time.Now()
	pending, err := h.begin(ctx, q)
	h.releaseWorkspace(q)
	if err == nil {
		err = pending.Wait(ctx)
	}
	h.counters.appended(time.Since(start))
	if err != nil {
		return err
	}
	h.count(q)
	return nil
}

// begin hands the records and receipts of the request over.
func (h *Handler) begin(ctx context.Context, q *request) (eventlog.Pending, error) {
	if h.opts.Route != nil {
		return h.beginRouted(ctx, q)
	}
	for i := range q.receipts {
		from := len(q.out)
		q.out = append(q.out, q.receipts[i].WebsiteID...)
		value := len(q.out)
		q.out = q.receipts[i].AppendRecord(q.out)
		q.spans = append(q.spans, span{from: from, value: value, to: len(q.out)})
	}
	for _, s := range q.spans {
		q.records = append(q.records, q.record(s))
	}
	return h.opts.Sink.Begin(ctx, eventlog.RawEvents, q.records)
}

func (q *request) record(s span) eventlog.Record {
	return eventlog.Record{Key: q.out[s.from:s.value:s.value], Value: q.out[s.value:s.to:s.to]}
}

// count adds what was appended to the counters.
func (h *Handler) count(q *request) {
	for i := range q.receipts {
		h.counters.Received.Add(q.receipts[i].Received)
		for _, row := range q.receipts[i].Refused {
			h.counters.refused(row.Outcome.String(), row.Reason, row.Count)
		}
	}
	h.counters.Accepted.Add(int64(q.accepted))
}

// receipt returns the receipt that an event of the site and time belongs to. Each minute has its own, since the ledger counts
// by minute; all but imported events of one request have the same.
func (q *request) receipt(websiteID string, receivedAt int64) *event.Receipt {
	minute := event.Minute(receivedAt)
	fits := func(r *event.Receipt) bool { return r.WebsiteID == websiteID && event.Minute(r.ReceivedAt) == minute }
	if len(q.receipts) > 0 && fits(&q.receipts[q.lastReceipt]) {
		return &q.receipts[q.lastReceipt]
	}
	for i := range q.receipts {
		if fits(&q.receipts[i]) {
			q.lastReceipt = i
			return &q.receipts[i]
		}
	}
	q.lastReceipt = len(q.receipts)
	if n := len(q.receipts); n < cap(q.receipts) { // keeps the memory of its Refused
		q.receipts = q.receipts[:n+1]
	} else {
		q.receipts = append(q.receipts, event.Receipt{})
	}
	r := &q.receipts[q.lastReceipt]
	r.WebsiteID, r.ReceivedAt, r.Received, r.Refused = websiteID, receivedAt, 0, r.Refused[:0]
	return r
}

// refuse counts an event that goes no further.
func refuse(r *event.Receipt, outcome event.Outcome, reason string) {
	for i := range r.Refused {
		if r.Refused[i].Outcome == outcome && r.Refused[i].Reason == reason {
			r.Refused[i].Count++
			return
		}
	}
	r.Refused = append(r.Refused, event.LedgerRow{Outcome: outcome, Reason: reason, Count: 1})
}

// addFailed appends the record of a payload that is no event.
func (q *request) addFailed(websiteID string, receivedAt int64, reason string, payload []byte) {
	f := event.FailedEvent{WebsiteID: websiteID, ReceivedAt: receivedAt, Reason: reason, Payload: payload[:min(len(payload), event.MaxEventBytes)]}
	from := len(q.out)
	q.out = append(q.out, websiteID...)
	value := len(q.out)
	q.out = f.AppendRecord(q.out)
	q.spans = append(q.spans, span{from: from, value: value, to: len(q.out), receipt: q.lastReceipt})
}

// addEvent appends the record of q.event.
func (q *request) addEvent() {
	from := len(q.out)
	q.out = append(q.out, q.event.WebsiteID...)
	q.out = append(q.out, q.event.SessionID...)
	value := len(q.out)
	q.out = q.event.AppendRecord(q.out)
	q.accepted++
	q.spans = append(q.spans, span{from: from, value: value, to: len(q.out), receipt: q.lastReceipt, event: true, old: q.old})
}
