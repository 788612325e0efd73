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
	Region  string // ISO 3166-2, or its name where the table has no code
	City    string
}

// Geo finds the place of an address. It is safe for concurrent use.
type Geo struct {
	country *maxminddb.Reader
	city    *maxminddb.Reader // nil without the owner's table
}

// OpenGeo opens the embedded country table and, unless cityPath is "", the owner's table of cities in MaxMind's format.
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

// Close closes the owner's table.
func (g *Geo) Close() error {
	if g.city == nil {
		return nil
	}
	return errors.Join(g.country.Close(), g.city.Close())
}

// Lookup returns the place of ip; the zero Place for private and unknown addresses.
func (g *Geo) Lookup(ip netip.Addr) Place {
	var p Place
	if !ip.IsValid() {
		return p
	}
	if err := g.country.Lookup(ip.Unmap()).DecodePath(&p.Country, "country_code"); err != nil {
		return Place{}
	}
	return p
}
