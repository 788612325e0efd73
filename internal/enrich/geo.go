package enrich

import (
	_ "embed" // the country table
	"errors"
	"fmt"
	"net/netip"

	"github.com/oschwald/maxminddb-golang/v2"
)

//go:embed data/country.mmdb
var countryTable []byte

// Place is where an address is registered. "" means that it is not known.
type Place struct {
	Country string // ISO 3166-1 alpha-2
	Region  string // ISO 3166-2 ("DE-BY"), or its name where the table has no code
	City    string
}

// Geo finds the place of an address. It is safe for concurrent use.
type Geo struct {
	country *maxminddb.Reader
	city    *maxminddb.Reader // nil without the owner's table
}

// OpenGeo opens the embedded country table, used in place, and, unless cityPath is "", the owner's table of cities: an mmdb
// file in the form of GeoLite2 (nested names) or of ip-location-db (flat).
func OpenGeo(cityPath string) (*Geo, error) {
	country, err := maxminddb.OpenBytes(countryTable)
	if err != nil {
		return nil, fmt.Errorf("cannot read the embedded country table: %w", err)
	}
	g := &Geo{country: country}
	if cityPath == "" {
		return g, nil
	}
	if g.city, err = maxminddb.Open(cityPath); err != nil {
		return nil, fmt.Errorf("cannot open city table %q: %w", cityPath, err)
	}
	return g, nil
}

// Close closes the owner's table. No Lookup may run or follow.
func (g *Geo) Close() error {
	if g.city == nil {
		return g.country.Close()
	}
	return errors.Join(g.country.Close(), g.city.Close())
}

// Lookup returns the place of ip; the zero Place for addresses that no table knows, among them all private ones.
func (g *Geo) Lookup(ip netip.Addr) Place {
	ip = ip.Unmap().WithZone("")
	if !isPublic(ip) {
		return Place{}
	}
	var p Place
	if g.city != nil {
		p = lookupCity(g.city, ip)
	}
	if p.Country == "" {
		p.Country = countryOf(g.country, ip)
	}
	return p
}

// isPublic reports whether ip can belong to a visitor from the internet.
func isPublic(ip netip.Addr) bool {
	if !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false
	}
	for _, reserved := range reservedPrefixes {
		if reserved.Contains(ip) {
			return false
		}
	}
	return true
}

// reservedPrefixes are for documentation and for carriers' inner networks. Tables give countries for some of them.
var reservedPrefixes = [...]netip.Prefix{
	netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/32"),
}

// countryOf reads a flat table. A damaged record gives "": no event fails for its place.
func countryOf(table *maxminddb.Reader, ip netip.Addr) (country string) {
	if err := table.Lookup(ip).DecodePath(&country, "country_code"); err != nil || len(country) != 2 {
		return ""
	}
	return country
}

// cityRecord has the fields of both forms.
type cityRecord struct {
	Country struct {
		Code string `maxminddb:"iso_code"`
	} `maxminddb:"country"`
	City struct {
		Names struct {
			English string `maxminddb:"en"`
		} `maxminddb:"names"`
	} `maxminddb:"city"`
	Subdivisions []struct {
		Code string `maxminddb:"iso_code"`
	} `maxminddb:"subdivisions"`
}

type flatCityRecord struct {
	Country string `maxminddb:"country_code"`
	Region  string `maxminddb:"state1"`
	City    string `maxminddb:"city"`
}

func lookupCity(table *maxminddb.Reader, ip netip.Addr) Place {
	found := table.Lookup(ip)
	var flat flatCityRecord
	if err := found.Decode(&flat); err == nil && flat.Country != "" {
		return cleanPlace(Place(flat))
	}
	var nested cityRecord
	if err := found.Decode(&nested); err != nil {
		return Place{}
	}
	p := Place{Country: nested.Country.Code, City: nested.City.Names.English}
	if len(nested.Subdivisions) > 0 && nested.Subdivisions[0].Code != "" {
		p.Region = p.Country + "-" + nested.Subdivisions[0].Code
	}
	return cleanPlace(p)
}

// maxPlaceBytes bounds the names of an owner's table.
const maxPlaceBytes = 128

func cleanPlace(p Place) Place {
	if len(p.Country) != 2 {
		return Place{}
	}
	p.Country, _ = Clean(p.Country, 2)
	p.Region, _ = Clean(p.Region, maxPlaceBytes)
	p.City, _ = Clean(p.City, maxPlaceBytes)
	return p
}
