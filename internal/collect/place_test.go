package collect

import (
	"testing"

	"github.com/footfall-analytics/footfall/internal/enrich"
	"github.com/footfall-analytics/footfall/internal/event"
)

// TestPlaceCache: what is remembered is what would be found, for keys that differ in one part only, and buffers that are used
// again do not change it.
func TestPlaceCache(t *testing.T) {
	sources, err := enrich.NewSources()
	if err != nil {
		t.Fatal(err)
	}
	var cache placeCache
	sites := []*event.Site{{WebsiteID: "a"}, {WebsiteID: "a", QueryKeys: []string{"q"}}}
	urls := []string{"", "https://example.com/a?q=1&utm_source=x", "https://example.com/a?q=1", "/b?gclid=1"}
	pages := []string{"", "/c", "/a?q=2"}
	referrers := []string{"", "https://www.google.com/", "https://example.com/a"}
	buffer := make([]byte, 64)
	seen := map[placeKey]int{}
	for range 3 {
		for _, site := range sites {
			for _, url := range urls {
				for _, page := range pages {
					for _, host := range []string{"", "example.com"} {
						for _, referrer := range referrers {
							want := newPlace(sources, placeKey{site, url, page, host, referrer})
							n := copy(buffer, url)
							got := cache.find(sources, placeKey{site, view(buffer[:n]), page, host, referrer})
							clear(buffer)
							if *got != *want {
								t.Fatalf("got %+v, want %+v", *got, *want)
							}
							seen[want.key]++
						}
					}
				}
			}
		}
	}
	if len(seen) != 2*4*3*2*3 {
		t.Fatalf("%d keys were tried", len(seen))
	}
}
