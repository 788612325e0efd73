package collect

import (
	"cmp"
	"strings"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"

	"github.com/footfall-analytics/footfall/internal/enrich"
	"github.com/footfall-analytics/footfall/internal/event"
)

// placeCache keeps what addresses say: a site has fewer pages than views. It is a table of fixed size: a new address takes
// the slot of an old one.
type placeCache struct {
	slots [1024]atomic.Pointer[place]
}

// placeKey is all that a place is made of, as it was sent.
type placeKey struct {
	site                          *event.Site // for its QueryKeys; a site that changes is another one
	url, page, hostname, referrer string
}

// place is where on a site an event happened and where the visitor came from.
type place struct {
	key            placeKey
	hostname, page string
	attribution    enrich.Attribution
	cut            bool // something was too long
}

// maxPlaceBytes is the size of an address from which it is not kept.
const maxPlaceBytes = 1024

// find returns the place of the key, whose texts may be views of a buffer that is used again. The place must not be changed.
func (c *placeCache) find(sources *enrich.Sources, key placeKey) *place {
	hash := xxhash.Sum64String(key.url) ^ xxhash.Sum64String(key.page)*3 ^ xxhash.Sum64String(key.referrer)*5
	slot := &c.slots[hash%uint64(len(c.slots))]
	if hit := slot.Load(); hit != nil && hit.key == key {
		return hit
	}
	if len(key.url)+len(key.page)+len(key.hostname)+len(key.referrer) > maxPlaceBytes {
		return newPlace(sources, key)
	}
	key.url, key.page = strings.Clone(key.url), strings.Clone(key.page)
	key.hostname, key.referrer = strings.Clone(key.hostname), strings.Clone(key.referrer)
	p := newPlace(sources, key)
	slot.Store(p)
	return p
}

func newPlace(sources *enrich.Sources, key placeKey) *place {
	p := &place{key: key}
	var landing enrich.Landing
	cut, more := false, false
	if key.url != "" || key.page == "" {
		landing, cut = enrich.ParsePage(key.url, key.hostname, key.site.QueryKeys)
	}
	if key.page != "" {
		own, ownCut := enrich.ParsePage(key.page, cmp.Or(landing.Hostname, key.hostname), key.site.QueryKeys)
		if own.Params == (enrich.Params{}) {
			own.Params = landing.Params
		}
		landing, more = own, ownCut
	}
	p.cut, p.hostname, p.page = cut || more, landing.Hostname, landing.Page
	p.attribution = sources.Attribute(landing, key.referrer)
	return p
}
