package event

import (
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Kind is the first byte of a record of the log.
type Kind byte

// The kinds of records. A reader must skip kinds it does not know.
const (
	KindEvent   Kind = 1
	KindReceipt Kind = 2
	KindFailed  Kind = 3
)

// ErrRecord is wrapped by every error of decoding a record.
var ErrRecord = errors.New("invalid record")

// RecordKind returns the kind of a record, 0 for an empty one.
func RecordKind(record []byte) Kind {
	if len(record) == 0 {
		return 0
	}
	return Kind(record[0])
}

// Field numbers of docs/format/record.md. They never change meaning.
const (
	fID = 1 + iota
	fWebsiteID
	fType
	fName
	fInteractive
	fTimestamp
	fReceivedAt
	fUserID
	fSampleKey
	fVisitorCoupon
	fSessionID
	fPage
	fHostname
	fTitle
	fReferrer
	fSource
	fMedium
	fCampaign
	fTerm
	fContent
	fChannel
	fIPAddress
	fCountry
	fRegion
	fCity
	fDeviceType
	fBrowser
	fBrowserVersion
	fOS
	fOSVersion
	fScreen
	fLanguage
	fBotScore
	fBotReasons
	fCategory
	fAction
	fLabel
	fValue
	fRevenue
	fCurrency
	fTimeOnPage
	fScrollDepth
	fProperties
	fFlags
	fSession
)

// AppendRecord appends the event as a record of the log to dst.
func (e *Event) AppendRecord(dst []byte) []byte {
	dst = append(dst, byte(KindEvent))
	if !e.ID.IsZero() {
		dst = protowire.AppendTag(dst, fID, protowire.BytesType)
		dst = protowire.AppendBytes(dst, e.ID[:])
	}
	dst = e.appendTexts(dst)
	dst = appendUint(dst, fType, uint64(e.Type))
	dst = appendUint(dst, fInteractive, boolUint(e.Interactive))
	dst = appendInt(dst, fTimestamp, e.Timestamp)
	dst = appendInt(dst, fReceivedAt, e.ReceivedAt)
	dst = protowire.AppendTag(dst, fSampleKey, protowire.Fixed64Type)
	dst = protowire.AppendFixed64(dst, e.SampleKey)
	if e.VisitorCoupon != 0 {
		dst = protowire.AppendTag(dst, fVisitorCoupon, protowire.Fixed32Type)
		dst = protowire.AppendFixed32(dst, e.VisitorCoupon)
	}
	dst = appendUint(dst, fBotScore, uint64(e.BotScore))
	for _, reason := range e.BotReasons {
		dst = appendText(dst, fBotReasons, reason)
	}
	if e.Value != 0 {
		dst = protowire.AppendTag(dst, fValue, protowire.Fixed64Type)
		dst = protowire.AppendFixed64(dst, math.Float64bits(e.Value))
	}
	dst = appendInt(dst, fRevenue, e.Revenue)
	dst = appendInt(dst, fTimeOnPage, e.TimeOnPage)
	dst = appendUint(dst, fScrollDepth, uint64(e.ScrollDepth+1)) // 0 on the wire: none was sent
	for _, p := range e.Properties {
		dst = protowire.AppendTag(dst, fProperties, protowire.BytesType)
		dst = protowire.AppendVarint(dst, uint64(sizeText(1, p.Key)+sizeText(2, p.Value)))
		dst = appendText(dst, 1, p.Key)
		dst = appendText(dst, 2, p.Value)
	}
	dst = appendUint(dst, fFlags, uint64(e.Flags))
	if s := e.Session; s != nil {
		var body [256]byte
		inner := appendInt(body[:0], 1, s.StartedAt)
		inner = appendUint(inner, 2, uint64(s.Events))
		inner = appendText(inner, 3, s.EntryPage)
		inner = appendText(inner, 4, s.Source)
		dst = protowire.AppendTag(dst, fSession, protowire.BytesType)
		dst = protowire.AppendBytes(dst, inner)
	}
	return dst
}

// appendTexts writes the string fields.
func (e *Event) appendTexts(dst []byte) []byte {
	dst = appendTextOf(dst, fWebsiteID, e.WebsiteID)
	dst = appendTextOf(dst, fName, e.Name)
	dst = appendTextOf(dst, fUserID, e.UserID)
	dst = appendTextOf(dst, fSessionID, e.SessionID)
	dst = appendTextOf(dst, fPage, e.Page)
	dst = appendTextOf(dst, fHostname, e.Hostname)
	dst = appendTextOf(dst, fTitle, e.Title)
	dst = appendTextOf(dst, fReferrer, e.Referrer)
	dst = appendTextOf(dst, fSource, e.Source)
	dst = appendTextOf(dst, fMedium, e.Medium)
	dst = appendTextOf(dst, fCampaign, e.Campaign)
	dst = appendTextOf(dst, fTerm, e.Term)
	dst = appendTextOf(dst, fContent, e.Content)
	dst = appendTextOf(dst, fChannel, e.Channel)
	dst = appendTextOf(dst, fIPAddress, e.IPAddress)
	dst = appendTextOf(dst, fCountry, e.Country)
	dst = appendTextOf(dst, fRegion, e.Region)
	dst = appendTextOf(dst, fCity, e.City)
	dst = appendTextOf(dst, fDeviceType, e.DeviceType)
	dst = appendTextOf(dst, fBrowser, e.Browser)
	dst = appendTextOf(dst, fBrowserVersion, e.BrowserVersion)
	dst = appendTextOf(dst, fOS, e.OS)
	dst = appendTextOf(dst, fOSVersion, e.OSVersion)
	dst = appendTextOf(dst, fScreen, e.Screen)
	dst = appendTextOf(dst, fLanguage, e.Language)
	dst = appendTextOf(dst, fCategory, e.Category)
	dst = appendTextOf(dst, fAction, e.Action)
	dst = appendTextOf(dst, fLabel, e.Label)
	return appendTextOf(dst, fCurrency, e.Currency)
}

// appendTextOf writes a string field of an event, unless it is "". Field numbers of an event take one or two bytes with their
// wire type, and most texts are shorter than 128 bytes: that is written in one go.
func appendTextOf(dst []byte, num protowire.Number, text string) []byte {
	if text == "" {
		return dst
	}
	if len(text) >= 1<<7 {
		return appendText(dst, num, text)
	}
	if tag := num<<3 | protowire.Number(protowire.BytesType); num < 1<<4 {
		dst = append(dst, byte(tag), byte(len(text)))
	} else {
		dst = append(dst, byte(tag)|1<<7, byte(tag>>7), byte(len(text)))
	}
	return append(dst, text...)
}

func appendText(dst []byte, num protowire.Number, text string) []byte {
	dst = protowire.AppendTag(dst, num, protowire.BytesType)
	return protowire.AppendString(dst, text)
}

func sizeText(num protowire.Number, text string) int {
	return protowire.SizeTag(num) + protowire.SizeBytes(len(text))
}

func appendUint(dst []byte, num protowire.Number, v uint64) []byte {
	if v == 0 {
		return dst
	}
	dst = protowire.AppendTag(dst, num, protowire.VarintType)
	return protowire.AppendVarint(dst, v)
}

// appendInt writes a proto3 sint64.
func appendInt(dst []byte, num protowire.Number, v int64) []byte {
	return appendUint(dst, num, protowire.EncodeZigZag(v))
}

func boolUint(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// DecodeEvent reads a record of KindEvent into e, which it resets first. The strings of e share one copy of record:
// the caller may reuse record at once.
func (e *Event) DecodeEvent(record []byte) error {
	if RecordKind(record) != KindEvent {
		return fmt.Errorf("%w: not an event", ErrRecord)
	}
	*e = Event{ScrollDepth: NoScroll}
	r := fields{body: string(record[1:])}
	for r.next() {
		if err := e.setField(&r.field); err != nil {
			return err
		}
	}
	e.BotBand = Band(e.BotScore)
	return r.err
}

// field is one decoded field: number holds varint and fixed values, text the bytes of a length-delimited one.
type field struct {
	num    protowire.Number
	number uint64
	text   string
}

// fields reads the fields of a record's body one after the other.
type fields struct {
	body string
	pos  int
	field
	err error
}

// next reads the next field; false at the end, or when err is set. Fields of unknown numbers are the caller's to ignore.
func (r *fields) next() bool {
	if r.pos >= len(r.body) || r.err != nil {
		return false
	}
	tag, n := varint(r.body[r.pos:])
	if n <= 0 || tag>>3 == 0 {
		return r.fail("bad tag at byte %d", r.pos)
	}
	r.pos += n
	r.field = field{num: protowire.Number(tag >> 3)}
	switch protowire.Type(tag & 7) {
	case protowire.BytesType:
		return r.bytes()
	case protowire.VarintType:
		v, size := varint(r.body[r.pos:])
		if size <= 0 {
			return r.fail("bad varint of field %d", int(r.num))
		}
		r.number, r.pos = v, r.pos+size
		return true
	case protowire.Fixed64Type:
		return r.fixed(8)
	case protowire.Fixed32Type:
		return r.fixed(4)
	}
	return r.fail("a wire type that is not known of field %d", int(r.num))
}

func (r *fields) bytes() bool {
	length, n := varint(r.body[r.pos:])
	if n <= 0 || uint64(len(r.body)-r.pos-n) < length {
		return r.fail("field %d is cut", int(r.num))
	}
	r.pos += n
	r.text = r.body[r.pos : r.pos+int(length)]
	r.pos += int(length)
	return true
}

func (r *fields) fixed(size int) bool {
	if len(r.body)-r.pos < size {
		return r.fail("field %d is cut", int(r.num))
	}
	for i := size - 1; i >= 0; i-- {
		r.number = r.number<<8 | uint64(r.body[r.pos+i])
	}
	r.pos += size
	return true
}

func (r *fields) fail(what string, at int) bool {
	r.err = fmt.Errorf("%w: "+what, ErrRecord, at)
	return false
}

// varint is binary.Uvarint over a string. n <= 0 when it is cut or too long.
func varint(s string) (v uint64, n int) {
	for i := 0; i < len(s) && i < 10; i++ {
		b := s[i]
		if b < 0x80 {
			return v | uint64(b)<<(7*i), i + 1
		}
		v |= uint64(b&0x7f) << (7 * i)
	}
	return 0, 0
}

func (e *Event) setField(f *field) error {
	if to := e.textField(f.num); to != nil {
		*to = f.text
		return nil
	}
	switch f.num {
	case fID:
		if len(f.text) != len(e.ID) {
			return fmt.Errorf("%w: event id of %d bytes", ErrRecord, len(f.text))
		}
		copy(e.ID[:], f.text)
	case fType:
		e.Type = Type(f.number)
	case fInteractive:
		e.Interactive = f.number != 0
	case fTimestamp:
		e.Timestamp = protowire.DecodeZigZag(f.number)
	case fReceivedAt:
		e.ReceivedAt = protowire.DecodeZigZag(f.number)
	case fSampleKey:
		e.SampleKey = f.number
	case fVisitorCoupon:
		e.VisitorCoupon = uint32(f.number)
	case fBotScore:
		e.BotScore = uint8(min(f.number, 100))
	case fBotReasons:
		e.BotReasons = append(e.BotReasons, f.text)
	case fValue:
		e.Value = math.Float64frombits(f.number)
	case fRevenue:
		e.Revenue = protowire.DecodeZigZag(f.number)
	case fTimeOnPage:
		e.TimeOnPage = protowire.DecodeZigZag(f.number)
	case fScrollDepth:
		e.ScrollDepth = int16(min(f.number, 101)) - 1
	case fProperties:
		return e.addProperty(f.text)
	case fFlags:
		e.Flags = Flags(f.number)
	case fSession:
		return e.setSession(f.text)
	}
	return nil
}

// textField returns where the text of field num goes, nil for a field of another type.
func (e *Event) textField(num protowire.Number) *string {
	switch num {
	case fWebsiteID:
		return &e.WebsiteID
	case fName:
		return &e.Name
	case fUserID:
		return &e.UserID
	case fSessionID:
		return &e.SessionID
	case fPage:
		return &e.Page
	case fHostname:
		return &e.Hostname
	case fTitle:
		return &e.Title
	case fReferrer:
		return &e.Referrer
	case fSource:
		return &e.Source
	case fMedium:
		return &e.Medium
	case fCampaign:
		return &e.Campaign
	case fTerm:
		return &e.Term
	case fContent:
		return &e.Content
	case fChannel:
		return &e.Channel
	case fIPAddress:
		return &e.IPAddress
	case fCountry:
		return &e.Country
	case fRegion:
		return &e.Region
	case fCity:
		return &e.City
	case fDeviceType:
		return &e.DeviceType
	case fBrowser:
		return &e.Browser
	case fBrowserVersion:
		return &e.BrowserVersion
	case fOS:
		return &e.OS
	case fOSVersion:
		return &e.OSVersion
	case fScreen:
		return &e.Screen
	case fLanguage:
		return &e.Language
	case fCategory:
		return &e.Category
	case fAction:
		return &e.Action
	case fLabel:
		return &e.Label
	case fCurrency:
		return &e.Currency
	}
	return nil
}

func (e *Event) addProperty(body string) error {
	var p Property
	r := fields{body: body}
	for r.next() {
		switch r.num {
		case 1:
			p.Key = r.text
		case 2:
			p.Value = r.text
		}
	}
	e.Properties = append(e.Properties, p)
	return r.err
}

func (e *Event) setSession(body string) error {
	s := &SessionInfo{}
	e.Session = s
	r := fields{body: body}
	for r.next() {
		switch r.num {
		case 1:
			s.StartedAt = protowire.DecodeZigZag(r.number)
		case 2:
			s.Events = uint32(r.number)
		case 3:
			s.EntryPage = r.text
		case 4:
			s.Source = r.text
		}
	}
	return r.err
}

// AppendRecord appends the receipt as a record of the log to dst.
func (r *Receipt) AppendRecord(dst []byte) []byte {
	dst = append(dst, byte(KindReceipt))
	dst = appendText(dst, 1, r.WebsiteID)
	dst = appendInt(dst, 2, r.ReceivedAt)
	dst = appendInt(dst, 3, r.Received)
	for _, row := range r.Refused {
		inner := appendUint(nil, 1, uint64(row.Outcome))
		inner = appendText(inner, 2, row.Reason)
		inner = appendInt(inner, 3, row.Count)
		dst = protowire.AppendTag(dst, 4, protowire.BytesType)
		dst = protowire.AppendBytes(dst, inner)
	}
	return dst
}

// DecodeReceipt reads a record of KindReceipt.
func (r *Receipt) DecodeReceipt(record []byte) error {
	if RecordKind(record) != KindReceipt {
		return fmt.Errorf("%w: not a receipt", ErrRecord)
	}
	*r = Receipt{}
	err := r.decode(string(record[1:]))
	for i := range r.Refused {
		r.Refused[i].WebsiteID, r.Refused[i].Minute = r.WebsiteID, Minute(r.ReceivedAt)
	}
	return err
}

func (r *Receipt) decode(body string) error {
	f := fields{body: body}
	for f.next() {
		switch f.num {
		case 1:
			r.WebsiteID = f.text
		case 2:
			r.ReceivedAt = protowire.DecodeZigZag(f.number)
		case 3:
			r.Received = protowire.DecodeZigZag(f.number)
		case 4:
			r.Refused = append(r.Refused, LedgerRow{})
			if err := decodeRefused(f.text, &r.Refused[len(r.Refused)-1]); err != nil {
				return err
			}
		}
	}
	return f.err
}

func decodeRefused(body string, row *LedgerRow) error {
	r := fields{body: body}
	for r.next() {
		switch r.num {
		case 1:
			row.Outcome = Outcome(r.number)
		case 2:
			row.Reason = r.text
		case 3:
			row.Count = protowire.DecodeZigZag(r.number)
		}
	}
	return r.err
}

// Minute returns the start of the minute that ms lies in.
func Minute(ms int64) int64 { return ms - ((ms%60_000)+60_000)%60_000 }

// AppendRecord appends the failed event as a record of the log to dst.
func (f *FailedEvent) AppendRecord(dst []byte) []byte {
	dst = append(dst, byte(KindFailed))
	dst = appendText(dst, 1, f.WebsiteID)
	dst = appendInt(dst, 2, f.ReceivedAt)
	dst = appendText(dst, 3, f.Reason)
	dst = protowire.AppendTag(dst, 4, protowire.BytesType)
	return protowire.AppendBytes(dst, f.Payload)
}

// DecodeFailed reads a record of KindFailed.
func (f *FailedEvent) DecodeFailed(record []byte) error {
	if RecordKind(record) != KindFailed {
		return fmt.Errorf("%w: not a failed event", ErrRecord)
	}
	*f = FailedEvent{}
	r := fields{body: string(record[1:])}
	for r.next() {
		switch r.num {
		case 1:
			f.WebsiteID = r.text
		case 2:
			f.ReceivedAt = protowire.DecodeZigZag(r.number)
		case 3:
			f.Reason = r.text
		case 4:
			f.Payload = []byte(r.text)
		}
	}
	return r.err
}
