package lake

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/object"
)

const (
	folder = "events/"
	suffix = ".parquet"
)

// SiteDay is a UTC day of a site.
type SiteDay struct {
	WebsiteID string
	Day       int64 // its start, ms
}

// File is a file of the lake.
type File struct {
	Key  string
	Day  int64 // start of the UTC day whose events it holds, ms
	Size int64
}

// name returns the part of the key behind the day, without the suffix.
func (f *File) name() string {
	return strings.TrimSuffix(f.Key[len(folder)+len(time.DateOnly)+1:], suffix)
}

// dayOf returns the start of the UTC day of a time.
func dayOf(ms int64) int64 { return ms - ((ms%event.DayMillis)+event.DayMillis)%event.DayMillis }

func date(day int64) string { return time.UnixMilli(day).UTC().Format(time.DateOnly) }

func fileKey(day int64, name string) string { return folder + date(day) + "/" + name + suffix }

// parseKey reads a key; false when it is none of a file of the lake.
func parseKey(key string) (day int64, ok bool) {
	rest, ok := strings.CutPrefix(key, folder)
	if !ok || !strings.HasSuffix(key, suffix) || len(rest) <= len(time.DateOnly) || rest[len(time.DateOnly)] != '/' {
		return 0, false
	}
	at, err := time.Parse(time.DateOnly, rest[:len(time.DateOnly)])
	return at.UnixMilli(), err == nil
}

// Files returns the files of the UTC days [from, to), by key.
func Files(ctx context.Context, store Store, from, to time.Time) (files []File, err error) {
	first, last := dayOf(from.UnixMilli()), dayOf(to.UnixMilli()-1)
	if last < first {
		return nil, nil
	}
	err = store.List(ctx, folder+common(date(first), date(last)), func(o object.Object) error {
		if day, ok := parseKey(o.Key); ok && day >= first && day <= last {
			files = append(files, File{Key: o.Key, Day: day, Size: o.Size})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot list the files of the lake: %w", err)
	}
	return files, nil
}

// common returns what both texts begin with.
func common(a, b string) string {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return a[:n]
}

// siteName is a website_id as a part of a key: itself, or a hash where it has other characters than letters, digits, _ and -.
func siteName(websiteID string) string {
	for _, c := range []byte(websiteID) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return fmt.Sprintf("~%016x", xxhash.Sum64String(websiteID))
		}
	}
	return websiteID
}
