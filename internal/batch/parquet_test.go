package batch_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// archivedRow is a row of docs/format/parquet.md.
type archivedRow struct {
	WebsiteID      string            `parquet:"website_id"`
	Timestamp      int64             `parquet:"timestamp,timestamp(millisecond)"`
	ReceivedAt     int64             `parquet:"received_at,timestamp(millisecond)"`
	EventID        string            `parquet:"event_id"`
	EventType      string            `parquet:"event_type"`
	Name           string            `parquet:"name"`
	Interactive    bool              `parquet:"interactive"`
	UserID         string            `parquet:"user_id"`
	SampleKey      uint64            `parquet:"sample_key"`
	VisitorCoupon  uint32            `parquet:"visitor_coupon"`
	SessionID      string            `parquet:"session_id"`
	Page           string            `parquet:"page"`
	Hostname       string            `parquet:"hostname"`
	Referrer       string            `parquet:"referrer"`
	Source         string            `parquet:"source"`
	Medium         string            `parquet:"medium"`
	Campaign       string            `parquet:"campaign"`
	Term           string            `parquet:"term"`
	Content        string            `parquet:"content"`
	Channel        string            `parquet:"channel"`
	Country        string            `parquet:"country"`
	Region         string            `parquet:"region"`
	City           string            `parquet:"city"`
	DeviceType     string            `parquet:"device_type"`
	Browser        string            `parquet:"browser"`
	BrowserVersion string            `parquet:"browser_version"`
	OS             string            `parquet:"os"`
	OSVersion      string            `parquet:"os_version"`
	Screen         string            `parquet:"screen"`
	Language       string            `parquet:"language"`
	BotBand        int32             `parquet:"bot_band"`
	BotReasons     []string          `parquet:"bot_reasons,list"`
	Revenue        int64             `parquet:"revenue"`
	Currency       string            `parquet:"currency"`
	TimeOnPage     int64             `parquet:"time_on_page"`
	Properties     map[string]string `parquet:"properties"`
	LogTopic       string            `parquet:"log_topic"`
	LogPartition   int32             `parquet:"log_partition"`
	LogPosition    int64             `parquet:"log_position"`
}

// writeArchive puts the records into files of a lake in a folder: two files a day, so that copies of an id may stand in both.
func writeArchive(t *testing.T, folder string, records []record) {
	t.Helper()
	files := map[string][]archivedRow{}
	for i, r := range records {
		path := filepath.Join("events", time.UnixMilli(r.Timestamp).UTC().Format(time.DateOnly), fmt.Sprintf("events-%d.parquet", i%2))
		files[path] = append(files[path], rowOf(r))
	}
	for path, rows := range files {
		path = filepath.Join(folder, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := parquet.WriteFile(path, rows, parquet.Compression(&zstd.Codec{})); err != nil {
			t.Fatal(err)
		}
	}
}

func rowOf(r record) archivedRow {
	row := archivedRow{
		WebsiteID: r.WebsiteID, Timestamp: r.Timestamp, ReceivedAt: r.ReceivedAt, EventID: r.ID.String(), EventType: r.Type.String(), Name: r.Name,
		Interactive: r.Interactive, UserID: r.UserID, SampleKey: r.SampleKey, VisitorCoupon: r.VisitorCoupon, SessionID: r.SessionID,
		Page: r.Page, Hostname: r.Hostname, Referrer: r.Referrer, Source: r.Source, Medium: r.Medium, Campaign: r.Campaign, Term: r.Term,
		Content: r.Content, Channel: r.Channel, Country: r.Country, Region: r.Region, City: r.City, DeviceType: r.DeviceType,
		Browser: r.Browser, BrowserVersion: r.BrowserVersion, OS: r.OS, OSVersion: r.OSVersion, Screen: r.Screen, Language: r.Language,
		BotBand: int32(r.BotBand), BotReasons: r.BotReasons, Revenue: r.Revenue, Currency: r.Currency, TimeOnPage: r.TimeOnPage,
		Properties: map[string]string{}, LogTopic: r.topic, LogPosition: r.position,
	}
	for _, p := range r.Properties {
		row.Properties[p.Key] = p.Value
	}
	return row
}
