package demo

import (
	"encoding/hex"
	"math/rand/v2"
	"strconv"
)

// Event is one event as POST /v1/import takes it: AppendJSON and MarshalJSON write that form. Times are ms since the epoch.
type Event struct {
	ID         string
	Type       string
	TrackingID string
	SessionID  string // only of visitors who carry ids
	UserID     string
	ReceivedAt int64 // a moment after Timestamp

	// Of the data object. Which of them count depends on Type; zero values are left out.
	Timestamp               int64
	Page, Title, Referrer   string
	Category, Action, Label string
	Value                   int64
	Automatic               bool   // interactive:false
	Revenue                 string // decimal text
	Currency                string
	Payment                 string // properties.payment
	TimeOnPage              int64
	ScrollDepth             int

	// Of the context object. IP and UserAgent count with a key of scope import.
	URL, Hostname              string
	Screen, Language, Timezone string
	IP, UserAgent              string
}

// sdkName stands in context.sdk, so that made-up events can be told from real ones.
const sdkName = "demo/1"

// MarshalJSON lets an Event be encoded as part of something larger.
func (e *Event) MarshalJSON() ([]byte, error) { return e.AppendJSON(nil), nil }

// AppendJSON appends the event as one JSON object to dst.
func (e *Event) AppendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	dst = appendText(dst, "id", e.ID)
	dst = appendText(dst, "type", e.Type)
	dst = appendText(dst, "tracking_id", e.TrackingID)
	dst = appendText(dst, "session_id", e.SessionID)
	dst = appendText(dst, "user_id", e.UserID)
	dst = append(dst, `"data":{`...)
	dst = e.appendData(dst)
	dst = append(dst, `"context":{`...)
	dst = e.appendContext(dst)
	dst = appendNumber(dst, "received_at", e.ReceivedAt)
	return closeObject(dst)
}

func (e *Event) appendData(dst []byte) []byte {
	dst = appendText(dst, "page", e.Page)
	dst = appendText(dst, "title", e.Title)
	dst = appendText(dst, "referrer", e.Referrer)
	dst = appendNumber(dst, "timestamp", e.Timestamp)
	dst = appendText(dst, "category", e.Category)
	dst = appendText(dst, "action", e.Action)
	dst = appendText(dst, "label", e.Label)
	dst = appendNumber(dst, "value", e.Value)
	if e.Automatic {
		dst = append(dst, `"interactive":false,`...)
	}
	dst = appendText(dst, "revenue", e.Revenue)
	dst = appendText(dst, "currency", e.Currency)
	dst = appendNumber(dst, "time_on_page", e.TimeOnPage)
	dst = appendNumber(dst, "scroll_depth", int64(e.ScrollDepth))
	if e.Payment != "" {
		dst = append(dst, `"properties":{`...)
		dst = append(closeObject(appendText(dst, "payment", e.Payment)), ',')
	}
	return append(closeObject(dst), ',')
}

func (e *Event) appendContext(dst []byte) []byte {
	dst = appendText(dst, "url", e.URL)
	dst = appendText(dst, "hostname", e.Hostname)
	dst = appendText(dst, "screen", e.Screen)
	dst = appendText(dst, "language", e.Language)
	dst = appendText(dst, "timezone", e.Timezone)
	dst = appendText(dst, "sdk", sdkName)
	dst = appendText(dst, "ip", e.IP)
	dst = appendText(dst, "user_agent", e.UserAgent)
	return append(closeObject(dst), ',')
}

// appendText appends a member and a comma, nothing for an empty value.
func appendText(dst []byte, key, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(dst, '"')
	dst = append(dst, key...)
	dst = append(dst, '"', ':', '"')
	for i := range len(value) {
		switch c := value[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"', ',')
}

const hexDigits = "0123456789abcdef"

func appendNumber(dst []byte, key string, value int64) []byte {
	if value == 0 {
		return dst
	}
	dst = append(dst, '"')
	dst = append(dst, key...)
	dst = append(dst, '"', ':')
	return append(strconv.AppendInt(dst, value, 10), ',')
}

// closeObject replaces the comma behind the last member. The object must have a member.
func closeObject(dst []byte) []byte {
	dst[len(dst)-1] = '}'
	return dst
}

// newID returns a UUIDv7 of that time.
func newID(rng *rand.Rand, now int64) string {
	var id [16]byte
	high, low := rng.Uint64(), rng.Uint64()
	for i := range 6 {
		id[i] = byte(now >> (40 - 8*i))
	}
	id[6], id[7] = 0x70|byte(high>>8&0x0f), byte(high)
	for i := range 8 {
		id[8+i] = byte(low >> (8 * i))
	}
	id[8] = 0x80 | id[8]&0x3f
	var text [36]byte
	hex.Encode(text[0:8], id[0:4])
	hex.Encode(text[9:13], id[4:6])
	hex.Encode(text[14:18], id[6:8])
	hex.Encode(text[19:23], id[8:10])
	hex.Encode(text[24:36], id[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}
