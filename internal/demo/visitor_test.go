package demo

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/footfall-analytics/footfall/internal/enrich"
)

// TestNetworksBelongToTheirCountries asks the table that the door asks.
func TestNetworksBelongToTheirCountries(t *testing.T) {
	geo, err := enrich.OpenGeo("")
	if err != nil {
		t.Fatal(err)
	}
	defer geo.Close()
	rng := rand.New(rand.NewPCG(1, 2))
	if n := len(countries()); n < 25 {
		t.Errorf("%d countries", n)
	}
	for _, c := range countries() {
		for _, network := range c.networks {
			for range 50 {
				ip := netip.MustParseAddr(address(rng, network))
				if !netip.MustParsePrefix(network).Contains(ip) {
					t.Fatalf("%s is not in %s", ip, network)
				}
				if got := geo.Lookup(ip).Country; got != c.code {
					t.Errorf("%s of %s is in %q, not in %s", ip, network, got, c.code)
				}
			}
		}
	}
}
