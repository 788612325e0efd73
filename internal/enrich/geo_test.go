package enrich

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCountry(t *testing.T) {
	g, err := OpenGeo("")
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	f := func(ip, want string) {
		t.Helper()
		addr, _ := netip.ParseAddr(ip)
		if p := g.Lookup(addr); p != (Place{Country: want}) {
			t.Errorf("%s: got %+v, want %q", ip, p, want)
		}
	}
	f("194.25.0.68", "DE")
	f("::ffff:194.25.0.68", "DE")
	f("193.0.6.139", "NL")
	f("133.11.0.1", "JP")
	f("2001:67c:2e8:22::c100:68b", "NL")
	f("127.0.0.1", "")
	f("10.1.2.3", "")
	f("192.168.1.1", "")
	f("100.64.0.1", "")
	f("::1", "")
	f("fe80::1%eth0", "")
	f("fd00::1", "")
	f("2001:db8::1", "")
	f("0.0.0.0", "")
	f("224.0.0.1", "")
	f("255.255.255.255", "")
	f("no address", "")
}

func TestBadCityTable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "city.mmdb")
	if _, err := OpenGeo(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("no file: %v", err)
	}
	if err := os.WriteFile(path, []byte("no table"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenGeo(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("bad file: %v", err)
	}
}

// TestOwnersTable uses the country table as an owner's: its flat form is one that OpenGeo must take.
func TestOwnersTable(t *testing.T) {
	g, err := OpenGeo("data/country.mmdb")
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if p := g.Lookup(netip.MustParseAddr("194.25.0.68")); p.Country != "DE" {
		t.Errorf("got %+v", p)
	}
}

func BenchmarkLookup(b *testing.B) {
	g, err := OpenGeo("")
	if err != nil {
		b.Fatal(err)
	}
	var ips []netip.Addr
	for i := range 4096 {
		ips = append(ips, netip.AddrFrom4([4]byte{byte(i*37 + 1), byte(i * 91), byte(i * 57), byte(i)}))
	}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		g.Lookup(ips[i&4095])
		i++
	}
}
