package batch

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/object"
)

// Objects is the store of the archive and of what Spark makes: docs/format/daily.md.
type Objects interface {
	Get(ctx context.Context, key string) (io.ReadCloser, error)
	List(ctx context.Context, prefix string, yield func(object.Object) error) error
	Delete(ctx context.Context, keys ...string) error
	Presign(ctx context.Context, key string, ttl time.Duration) (url string, err error)
}

// Folders of the lake.
const (
	eventsFolder = "events/"
	workFolder   = "daily/"
)

// Output is what one run of the job left in its folder.
type Output struct {
	Objects Objects
	Folder  string // its key, without a "/" behind
}

// Counts are what Spark read of a site's day, copies left out.
type Counts struct {
	WebsiteID string `json:"website_id"`
	Events    int64  `json:"events"`   // of all types
	Counted   int64  `json:"counted"`  // page views and custom events
	Sessions  int64  `json:"sessions"` // that start on the day
	Checksum  uint64 `json:"checksum"`
}

// keys returns the files of a day.
func (o Output) keys(ctx context.Context, what string, day time.Time) (keys []string, err error) {
	prefix := fmt.Sprintf("%s/%s/date=%s/", o.Folder, what, day.Format(time.DateOnly))
	err = o.Objects.List(ctx, prefix, func(file object.Object) error {
		if strings.HasSuffix(file.Key, ".json.gz") {
			keys = append(keys, file.Key)
		}
		return nil
	})
	return keys, err
}

// Counts returns what was read of a day, by site.
func (o Output) Counts(ctx context.Context, day time.Time) (map[string]Counts, error) {
	keys, err := o.keys(ctx, "counts", day)
	if err != nil {
		return nil, err
	}
	counts := map[string]Counts{}
	for _, key := range keys {
		err := eachLine(ctx, o.Objects, key, func(line *json.Decoder) error {
			var c Counts
			err := line.Decode(&c)
			if err == nil {
				counts[c.WebsiteID] = c
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return counts, nil
}

// Delete removes all of the folder, what stands for folders behind what is in them.
func (o Output) Delete(ctx context.Context) error {
	var keys []string
	err := o.Objects.List(ctx, o.Folder+"/", func(file object.Object) error {
		keys = append(keys, file.Key)
		return nil
	})
	if err != nil || len(keys) == 0 {
		return err
	}
	slices.Reverse(keys)
	return o.Objects.Delete(ctx, keys...)
}

// eachLine calls yield with a decoder of the file's values until it returns io.EOF.
func eachLine(ctx context.Context, objects Objects, key string, yield func(*json.Decoder) error) error {
	f, err := openLines(ctx, objects, key)
	if err != nil {
		return err
	}
	defer f.Close()
	for err == nil {
		err = yield(f.decoder)
	}
	if err != io.EOF {
		return fmt.Errorf("cannot read object %q: %w", key, err)
	}
	return nil
}

// lines is an open file of compressed JSON lines.
type lines struct {
	object  io.Closer
	decoder *json.Decoder
}

func openLines(ctx context.Context, objects Objects, key string) (*lines, error) {
	body, err := objects.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	unzip, err := gzip.NewReader(bufio.NewReaderSize(body, 1<<16))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot read object %q: %w", key, err), body.Close())
	}
	return &lines{body, json.NewDecoder(unzip)}, nil
}

func (l *lines) Close() error { return l.object.Close() }

// Sessions reads the sessions that start on a day in the order of (website_id, start, session_id, band), in constant memory.
type Sessions struct {
	files []*sessionFile
}

type sessionFile struct {
	*lines
	key  string
	next *event.Session // nil at the end
}

// Sessions opens the sessions that start on a day. The caller must close them.
func (o Output) Sessions(ctx context.Context, day time.Time) (*Sessions, error) {
	keys, err := o.keys(ctx, "sessions", day)
	if err != nil {
		return nil, err
	}
	s := &Sessions{}
	for _, key := range keys {
		l, err := openLines(ctx, o.Objects, key)
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		file := &sessionFile{lines: l, key: key}
		s.files = append(s.files, file)
		if err := file.advance(); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// Peek returns the next session, nil at the end.
func (s *Sessions) Peek() *event.Session {
	if f := s.first(); f != nil {
		return f.next
	}
	return nil
}

// Advance passes over the next session.
func (s *Sessions) Advance() error { return s.first().advance() }

// first returns the file with the least session; there are few files.
func (s *Sessions) first() (least *sessionFile) {
	for _, f := range s.files {
		if f.next != nil && (least == nil || compare(f.next, least.next) < 0) {
			least = f
		}
	}
	return least
}

// Close closes the files.
func (s *Sessions) Close() error {
	var errs []error
	for _, f := range s.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// compare orders sessions as the job writes them and as the event store gives them.
func compare(a, b *event.Session) int {
	return cmp.Or(strings.Compare(a.WebsiteID, b.WebsiteID), cmp.Compare(a.Start, b.Start), strings.Compare(a.SessionID, b.SessionID), cmp.Compare(a.Band, b.Band))
}

func (f *sessionFile) advance() error {
	var row sessionRow
	switch err := f.decoder.Decode(&row); {
	case err == io.EOF:
		f.next = nil
	case err != nil:
		return fmt.Errorf("cannot read object %q: %w", f.key, err)
	default:
		f.next = row.session()
	}
	return nil
}

// sessionRow is a line of the job's sessions; the names are those of the event store.
type sessionRow struct {
	WebsiteID      string   `json:"website_id"`
	Start          int64    `json:"session_start"`
	SessionID      string   `json:"session_id"`
	Band           uint8    `json:"bot_band"`
	ChainStart     int64    `json:"chain_start"`
	End            int64    `json:"session_end"`
	UserID         string   `json:"user_id"`
	SampleKey      uint64   `json:"sample_key"`
	VisitorCoupon  uint32   `json:"visitor_coupon"`
	Visitors       []uint64 `json:"visitors"`
	Coupons        []uint32 `json:"visitor_coupons"`
	Pageviews      int64    `json:"pageviews"`
	Events         int64    `json:"events"`
	Interactive    int64    `json:"interactive"`
	EngagedMs      int64    `json:"engaged_ms"`
	RevenueEvents  int64    `json:"revenue_events"`
	Revenue        int64    `json:"revenue"`
	Currency       string   `json:"currency"`
	EntryPage      string   `json:"entry_page"`
	EntryHostname  string   `json:"entry_hostname"`
	ExitPage       string   `json:"exit_page"`
	ExitHostname   string   `json:"exit_hostname"`
	Source         string   `json:"source"`
	Medium         string   `json:"medium"`
	Campaign       string   `json:"campaign"`
	Term           string   `json:"term"`
	Content        string   `json:"content"`
	Channel        string   `json:"channel"`
	Referrer       string   `json:"referrer"`
	Country        string   `json:"country"`
	Region         string   `json:"region"`
	City           string   `json:"city"`
	DeviceType     string   `json:"device_type"`
	Browser        string   `json:"browser"`
	BrowserVersion string   `json:"browser_version"`
	OS             string   `json:"os"`
	OSVersion      string   `json:"os_version"`
	Screen         string   `json:"screen"`
	Language       string   `json:"language"`
}

func (r *sessionRow) session() *event.Session {
	s := &event.Session{
		SessionKey: event.SessionKey{WebsiteID: r.WebsiteID, SessionID: r.SessionID, Band: r.Band},
		ChainStart: r.ChainStart, Start: r.Start, End: r.End, UserID: r.UserID, SampleKey: r.SampleKey, VisitorCoupon: r.VisitorCoupon,
		Pageviews: r.Pageviews, Events: r.Events, Interactive: r.Interactive, EngagedMs: r.EngagedMs,
		RevenueEvents: r.RevenueEvents, Revenue: r.Revenue, Currency: r.Currency,
		EntryPage: r.EntryPage, EntryHostname: r.EntryHostname, ExitPage: r.ExitPage, ExitHostname: r.ExitHostname,
		Source: r.Source, Medium: r.Medium, Campaign: r.Campaign, Term: r.Term, Content: r.Content, Channel: r.Channel, Referrer: r.Referrer,
		Country: r.Country, Region: r.Region, City: r.City, DeviceType: r.DeviceType, Browser: r.Browser, BrowserVersion: r.BrowserVersion,
		OS: r.OS, OSVersion: r.OSVersion, Screen: r.Screen, Language: r.Language,
	}
	for i, key := range r.Visitors {
		s.Visitors = append(s.Visitors, event.Visitor{SampleKey: key, Coupon: r.Coupons[i]})
	}
	return s
}
