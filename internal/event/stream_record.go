package event

import (
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// The kinds of records that only a cluster's topics hold: docs/format/record.md.
const (
	KindTick    Kind = 4
	KindSession Kind = 5
	KindMetric  Kind = 6
	KindLedger  Kind = 7
)

// Tick says what the clock of a process showed, so that event time moves without traffic.
type Tick struct{ At int64 } // ms

// Bands is how many bot bands there are.
const Bands = 4

// Metric is one 10-second window of a site. It replaces earlier ones of the same site and start.
type Metric struct {
	WebsiteID string
	Start     int64         // ms, a multiple of 10,000
	Pageviews [Bands]uint64 // counted events, by band
	Events    [Bands]uint64
	Visitors  [Bands]uint64 // [t-1]: distinct visitors with a counted event of a band below t
	EmittedAt int64         // ms; the greatest counts
}

// SessionChange is an upsert of a session, or its withdrawal, in which only the SessionRef counts.
type SessionChange struct {
	Session
	Withdrawn bool
}

// AppendRecord appends the tick as a record to dst.
func (t Tick) AppendRecord(dst []byte) []byte {
	return appendInt(append(dst, byte(KindTick)), 1, t.At)
}

// DecodeTick reads a record of KindTick.
func (t *Tick) DecodeTick(record []byte) error {
	*t = Tick{}
	return decodeKind(record, KindTick, "a tick", func(f field) error {
		if f.num == 1 {
			t.At = protowire.DecodeZigZag(f.number)
		}
		return nil
	})
}

// decodeKind calls set for the fields of a record of one kind. The texts share one copy of it.
func decodeKind(record []byte, kind Kind, name string, set func(field) error) error {
	if RecordKind(record) != kind {
		return fmt.Errorf("%w: not %s", ErrRecord, name)
	}
	return decodeFields(string(record[1:]), set)
}

// decodeFields calls set for each field of body. Unknown fields are set's to ignore.
func decodeFields(body string, set func(field) error) error {
	r := fields{body: body}
	for r.next() {
		if err := set(r.field); err != nil {
			return err
		}
	}
	return r.err
}

// AppendRecord appends the row as a record to dst.
func (r *LedgerRow) AppendRecord(dst []byte) []byte {
	dst = append(dst, byte(KindLedger))
	dst = appendTextOf(dst, 1, r.WebsiteID)
	dst = appendInt(dst, 2, r.Minute)
	dst = appendUint(dst, 3, uint64(r.Outcome))
	dst = appendTextOf(dst, 4, r.Reason)
	return appendInt(dst, 5, r.Count)
}

// DecodeLedger reads a record of KindLedger.
func (r *LedgerRow) DecodeLedger(record []byte) error {
	*r = LedgerRow{}
	return decodeKind(record, KindLedger, "a ledger row", func(f field) error {
		switch f.num {
		case 1:
			r.WebsiteID = f.text
		case 2:
			r.Minute = protowire.DecodeZigZag(f.number)
		case 3:
			r.Outcome = Outcome(min(f.number, math.MaxUint8))
		case 4:
			r.Reason = f.text
		case 5:
			r.Count = protowire.DecodeZigZag(f.number)
		}
		return nil
	})
}

// AppendRecord appends the window as a record to dst.
func (m *Metric) AppendRecord(dst []byte) []byte {
	dst = append(dst, byte(KindMetric))
	dst = appendTextOf(dst, 1, m.WebsiteID)
	dst = appendInt(dst, 2, m.Start)
	for i, values := range [...]*[Bands]uint64{&m.Pageviews, &m.Events, &m.Visitors} {
		var room [Bands * 10]byte
		packed := room[:0]
		for _, v := range values {
			packed = protowire.AppendVarint(packed, v)
		}
		dst = protowire.AppendTag(dst, protowire.Number(3+i), protowire.BytesType)
		dst = protowire.AppendBytes(dst, packed)
	}
	return appendInt(dst, 6, m.EmittedAt)
}

// DecodeMetric reads a record of KindMetric.
func (m *Metric) DecodeMetric(record []byte) error {
	*m = Metric{}
	return decodeKind(record, KindMetric, "a metric", func(f field) error {
		switch f.num {
		case 1:
			m.WebsiteID = f.text
		case 2:
			m.Start = protowire.DecodeZigZag(f.number)
		case 3:
			return unpack(f.text, &m.Pageviews)
		case 4:
			return unpack(f.text, &m.Events)
		case 5:
			return unpack(f.text, &m.Visitors)
		case 6:
			m.EmittedAt = protowire.DecodeZigZag(f.number)
		}
		return nil
	})
}

// unpack reads packed varints; what is missing stays 0.
func unpack(packed string, into *[Bands]uint64) error {
	for i := 0; packed != ""; i++ {
		v, n := varint(packed)
		if n <= 0 || i == len(into) {
			return fmt.Errorf("%w: not %d packed numbers", ErrRecord, len(into))
		}
		into[i], packed = v, packed[n:]
	}
	return nil
}

// Field numbers of a session that are no text.
const (
	sBand     = 3
	sStart    = 4
	sChain    = 5
	sEnd      = 6
	sKey      = 8
	sCoupon   = 9
	sVisitors = 10
	sCounts   = 11 // pageviews, events, interactive
	sEngaged  = 14
	sPaid     = 15
	sRevenue  = 16
	sGone     = 39
)

// AppendRecord appends the change as a record to dst.
func (c *SessionChange) AppendRecord(dst []byte) []byte {
	dst = append(dst, byte(KindSession))
	dst = appendTextOf(dst, 1, c.WebsiteID)
	dst = appendTextOf(dst, 2, c.SessionID)
	dst = appendUint(dst, sBand, uint64(c.Band))
	dst = appendInt(dst, sStart, c.Start)
	if c.Withdrawn {
		return appendUint(dst, sGone, 1)
	}
	dst = appendInt(dst, sChain, c.ChainStart)
	dst = appendInt(dst, sEnd, c.End)
	dst = appendVisitor(dst, sKey, c.SampleKey, c.VisitorCoupon)
	for _, v := range c.Visitors {
		dst = protowire.AppendTag(dst, sVisitors, protowire.BytesType)
		dst = protowire.AppendBytes(dst, appendVisitor(nil, 1, v.SampleKey, v.Coupon))
	}
	for i, n := range [...]int64{c.Pageviews, c.Events, c.Interactive} {
		dst = appendUint(dst, protowire.Number(sCounts+i), uint64(n))
	}
	dst = appendInt(dst, sEngaged, c.EngagedMs)
	dst = appendUint(dst, sPaid, uint64(c.RevenueEvents))
	dst = appendInt(dst, sRevenue, c.Revenue)
	for num := protowire.Number(7); num < sGone; num++ {
		if text := c.textField(num); text != nil {
			dst = appendTextOf(dst, num, *text)
		}
	}
	return dst
}

// appendVisitor writes a sample key and, as the field behind it, a coupon.
func appendVisitor(dst []byte, num protowire.Number, sampleKey uint64, coupon uint32) []byte {
	dst = protowire.AppendTag(dst, num, protowire.Fixed64Type)
	dst = protowire.AppendFixed64(dst, sampleKey)
	dst = protowire.AppendTag(dst, num+1, protowire.Fixed32Type)
	return protowire.AppendFixed32(dst, coupon)
}

// DecodeSession reads a record of KindSession.
func (c *SessionChange) DecodeSession(record []byte) error {
	*c = SessionChange{}
	return decodeKind(record, KindSession, "a session", c.setField)
}

func (c *SessionChange) setField(f field) error {
	if to := c.textField(f.num); to != nil {
		*to = f.text
		return nil
	}
	switch f.num {
	case sBand:
		c.Band = uint8(min(f.number, Bands-1))
	case sStart:
		c.Start = protowire.DecodeZigZag(f.number)
	case sChain:
		c.ChainStart = protowire.DecodeZigZag(f.number)
	case sEnd:
		c.End = protowire.DecodeZigZag(f.number)
	case sKey:
		c.SampleKey = f.number
	case sCoupon:
		c.VisitorCoupon = uint32(f.number)
	case sVisitors:
		return c.addVisitor(f.text)
	case sCounts:
		c.Pageviews = int64(f.number)
	case sCounts + 1:
		c.Events = int64(f.number)
	case sCounts + 2:
		c.Interactive = int64(f.number)
	case sEngaged:
		c.EngagedMs = protowire.DecodeZigZag(f.number)
	case sPaid:
		c.RevenueEvents = int64(f.number)
	case sRevenue:
		c.Revenue = protowire.DecodeZigZag(f.number)
	case sGone:
		c.Withdrawn = f.number != 0
	}
	return nil
}

func (c *SessionChange) addVisitor(body string) error {
	var v Visitor
	err := decodeFields(body, func(f field) error {
		switch f.num {
		case 1:
			v.SampleKey = f.number
		case 2:
			v.Coupon = uint32(f.number)
		}
		return nil
	})
	c.Visitors = append(c.Visitors, v)
	return err
}

// textField returns where the text of field num goes, nil for a field of another type.
func (c *SessionChange) textField(num protowire.Number) *string {
	texts := [...]*string{
		1: &c.WebsiteID, 2: &c.SessionID, 7: &c.UserID, 17: &c.Currency,
		18: &c.EntryPage, 19: &c.EntryHostname, 20: &c.ExitPage, 21: &c.ExitHostname,
		22: &c.Source, 23: &c.Medium, 24: &c.Campaign, 25: &c.Term, 26: &c.Content, 27: &c.Channel, 28: &c.Referrer,
		29: &c.Country, 30: &c.Region, 31: &c.City, 32: &c.DeviceType, 33: &c.Browser, 34: &c.BrowserVersion,
		35: &c.OS, 36: &c.OSVersion, 37: &c.Screen, 38: &c.Language,
	}
	if num <= 0 || int(num) >= len(texts) {
		return nil
	}
	return texts[num]
}
