package lake

import (
	"github.com/parquet-go/parquet-go"

	"github.com/footfall-analytics/footfall/internal/event"
)

// Row is an event and where it stood in the log.
type Row struct {
	event.Event
	Topic     string
	Partition int32
	Position  int64
}

// columns is the schema, in the order of the file. Rows do not pass through it: maps have no order, and a file's bytes must.
type columns struct {
	WebsiteID      string            `parquet:"website_id,dict"`
	Timestamp      int64             `parquet:"timestamp,timestamp(millisecond),delta"`
	ReceivedAt     int64             `parquet:"received_at,timestamp(millisecond),delta"`
	EventID        string            `parquet:"event_id"`
	EventType      string            `parquet:"event_type,dict"`
	Name           string            `parquet:"name,dict"`
	Interactive    bool              `parquet:"interactive"`
	UserID         string            `parquet:"user_id"`
	SampleKey      uint64            `parquet:"sample_key"`
	VisitorCoupon  uint32            `parquet:"visitor_coupon"`
	SessionID      string            `parquet:"session_id"`
	Page           string            `parquet:"page,dict"`
	Hostname       string            `parquet:"hostname,dict"`
	Title          string            `parquet:"title,dict"`
	Referrer       string            `parquet:"referrer,dict"`
	Source         string            `parquet:"source,dict"`
	Medium         string            `parquet:"medium,dict"`
	Campaign       string            `parquet:"campaign,dict"`
	Term           string            `parquet:"term,dict"`
	Content        string            `parquet:"content,dict"`
	Channel        string            `parquet:"channel,dict"`
	IPAddress      string            `parquet:"ip_address"`
	Country        string            `parquet:"country,dict"`
	Region         string            `parquet:"region,dict"`
	City           string            `parquet:"city,dict"`
	DeviceType     string            `parquet:"device_type,dict"`
	Browser        string            `parquet:"browser,dict"`
	BrowserVersion string            `parquet:"browser_version,dict"`
	OS             string            `parquet:"os,dict"`
	OSVersion      string            `parquet:"os_version,dict"`
	Screen         string            `parquet:"screen,dict"`
	Language       string            `parquet:"language,dict"`
	BotScore       int32             `parquet:"bot_score"`
	BotBand        int32             `parquet:"bot_band"`
	BotReasons     []string          `parquet:"bot_reasons,list"`
	Category       string            `parquet:"category,dict"`
	Action         string            `parquet:"action,dict"`
	Label          string            `parquet:"label,dict"`
	Value          float64           `parquet:"value"`
	Revenue        int64             `parquet:"revenue"`
	Currency       string            `parquet:"currency,dict"`
	TimeOnPage     int64             `parquet:"time_on_page"`
	ScrollDepth    int32             `parquet:"scroll_depth"`
	Properties     map[string]string `parquet:"properties"`
	Flags          uint32            `parquet:"flags"`
	LogTopic       string            `parquet:"log_topic,dict"`
	LogPartition   int32             `parquet:"log_partition"`
	LogPosition    int64             `parquet:"log_position,delta"`
}

var (
	schema = parquet.NewSchema("events", parquet.SchemaOf(columns{}))
	// leaves are the leaf columns, in their order; repeated ones follow their group.
	leaves = [...]leaf{
		text("website_id", func(r *Row) *string { return &r.WebsiteID }),
		wide("timestamp", func(r *Row) *int64 { return &r.Timestamp }),
		wide("received_at", func(r *Row) *int64 { return &r.ReceivedAt }),
		{"event_id", func(r *Row) parquet.Value { return parquet.ValueOf(r.ID.String()) }, readID},
		{"event_type", func(r *Row) parquet.Value { return parquet.ValueOf(r.Type.String()) }, readType},
		text("name", func(r *Row) *string { return &r.Name }),
		{"interactive", func(r *Row) parquet.Value { return parquet.BooleanValue(r.Interactive) }, func(r *Row, v parquet.Value) error {
			r.Interactive = v.Boolean()
			return nil
		}},
		text("user_id", func(r *Row) *string { return &r.UserID }),
		{"sample_key", func(r *Row) parquet.Value { return parquet.Int64Value(int64(r.SampleKey)) }, func(r *Row, v parquet.Value) error {
			r.SampleKey = v.Uint64()
			return nil
		}},
		{"visitor_coupon", func(r *Row) parquet.Value { return parquet.Int32Value(int32(r.VisitorCoupon)) }, func(r *Row, v parquet.Value) error {
			r.VisitorCoupon = v.Uint32()
			return nil
		}},
		text("session_id", func(r *Row) *string { return &r.SessionID }),
		text("page", func(r *Row) *string { return &r.Page }),
		text("hostname", func(r *Row) *string { return &r.Hostname }),
		text("title", func(r *Row) *string { return &r.Title }),
		text("referrer", func(r *Row) *string { return &r.Referrer }),
		text("source", func(r *Row) *string { return &r.Source }),
		text("medium", func(r *Row) *string { return &r.Medium }),
		text("campaign", func(r *Row) *string { return &r.Campaign }),
		text("term", func(r *Row) *string { return &r.Term }),
		text("content", func(r *Row) *string { return &r.Content }),
		text("channel", func(r *Row) *string { return &r.Channel }),
		text("ip_address", func(r *Row) *string { return &r.IPAddress }),
		text("country", func(r *Row) *string { return &r.Country }),
		text("region", func(r *Row) *string { return &r.Region }),
		text("city", func(r *Row) *string { return &r.City }),
		text("device_type", func(r *Row) *string { return &r.DeviceType }),
		text("browser", func(r *Row) *string { return &r.Browser }),
		text("browser_version", func(r *Row) *string { return &r.BrowserVersion }),
		text("os", func(r *Row) *string { return &r.OS }),
		text("os_version", func(r *Row) *string { return &r.OSVersion }),
		text("screen", func(r *Row) *string { return &r.Screen }),
		text("language", func(r *Row) *string { return &r.Language }),
		{"bot_score", func(r *Row) parquet.Value { return parquet.Int32Value(int32(r.BotScore)) }, func(r *Row, v parquet.Value) error {
			r.BotScore = uint8(v.Int32())
			return nil
		}},
		{"bot_band", func(r *Row) parquet.Value { return parquet.Int32Value(int32(r.BotBand)) }, func(r *Row, v parquet.Value) error {
			r.BotBand = uint8(v.Int32())
			return nil
		}},
		{"bot_reasons.list.element", nil, func(r *Row, v parquet.Value) error {
			r.BotReasons = append(r.BotReasons, string(v.ByteArray()))
			return nil
		}},
		text("category", func(r *Row) *string { return &r.Category }),
		text("action", func(r *Row) *string { return &r.Action }),
		text("label", func(r *Row) *string { return &r.Label }),
		{"value", func(r *Row) parquet.Value { return parquet.DoubleValue(r.Value) }, func(r *Row, v parquet.Value) error {
			r.Value = v.Double()
			return nil
		}},
		wide("revenue", func(r *Row) *int64 { return &r.Revenue }),
		text("currency", func(r *Row) *string { return &r.Currency }),
		wide("time_on_page", func(r *Row) *int64 { return &r.TimeOnPage }),
		{"scroll_depth", func(r *Row) parquet.Value { return parquet.Int32Value(int32(r.ScrollDepth)) }, func(r *Row, v parquet.Value) error {
			r.ScrollDepth = int16(v.Int32())
			return nil
		}},
		{"properties.key_value.key", nil, func(r *Row, v parquet.Value) error {
			r.Properties = append(r.Properties, event.Property{Key: string(v.ByteArray())})
			return nil
		}},
		{"properties.key_value.value", nil, nil}, // see Row.read: it needs its place
		{"flags", func(r *Row) parquet.Value { return parquet.Int32Value(int32(r.Flags)) }, func(r *Row, v parquet.Value) error {
			r.Flags = event.Flags(v.Uint32())
			return nil
		}},
		text("log_topic", func(r *Row) *string { return &r.Topic }),
		{"log_partition", func(r *Row) parquet.Value { return parquet.Int32Value(r.Partition) }, func(r *Row, v parquet.Value) error {
			r.Partition = v.Int32()
			return nil
		}},
		wide("log_position", func(r *Row) *int64 { return &r.Position }),
	}
)
