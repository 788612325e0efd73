package enrich

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/footfall-analytics/footfall/internal/event"
)

func TestAddressFor(t *testing.T) {
	f := func(policy event.IPPolicy, ip, want string) {
		t.Helper()
		addr, _ := netip.ParseAddr(ip)
		if got := AddressFor(policy, addr); got != want {
			t.Errorf("%s of %s: got %q, want %q", policy, ip, got, want)
		}
	}
	f(event.IPNone, "203.0.113.77", "")
	f("", "203.0.113.77", "")
	f("ful", "203.0.113.77", "")
	f(event.IPFull, "203.0.113.77", "203.0.113.77")
	f(event.IPFull, "::ffff:203.0.113.77", "203.0.113.77")
	f(event.IPFull, "fe80::1%eth0", "fe80::1")
	f(event.IPFull, "no address", "")
	f(event.IPTruncated, "203.0.113.77", "203.0.113.0")
	f(event.IPTruncated, "::ffff:203.0.113.77", "203.0.113.0")
	f(event.IPTruncated, "2001:db8:1:2:3::4", "2001:db8:1::")
}

func TestVisitorID(t *testing.T) {
	salt, ip := Salt{1, 2, 3}, netip.MustParseAddr("203.0.113.77")
	id := VisitorID(salt, "site", ip, "agent")
	if len(id) != 12 || strings.ContainsAny(id, "+/=") {
		t.Errorf("id %q", id)
	}
	if id != "T8yKI6vElpyd" { // stored ids must not change with a release
		t.Errorf("id is now %q", id)
	}
	if VisitorID(salt, "site", netip.MustParseAddr("::ffff:203.0.113.77"), "agent") != id {
		t.Error("a mapped address is another visitor")
	}
	for what, other := range map[string]string{
		"salt": VisitorID(Salt{1, 2, 4}, "site", ip, "agent"), "site": VisitorID(salt, "sit", ip, "agent"), "ip": VisitorID(salt, "site", ip.Next(), "agent"),
		"agent": VisitorID(salt, "site", ip, "agen"), "long agent": VisitorID(salt, "site", ip, strings.Repeat("a", 5000)), "border": VisitorID(salt, "sitea", ip, "gent"),
	} {
		if other == id {
			t.Errorf("another %s gives the same id", what)
		}
	}
	if n := testing.AllocsPerRun(100, func() { VisitorID(salt, "site", ip, "agent") }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

func TestVisitorIDsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for i := range 100_000 {
		seen[VisitorID(Salt{9}, "site", netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), fmt.Sprint("agent ", i%7))] = true
	}
	if len(seen) != 100_000 {
		t.Errorf("%d ids of 100000 visitors", len(seen))
	}
}

func BenchmarkVisitorID(b *testing.B) {
	b.ReportAllocs()
	ip, ua := netip.MustParseAddr("203.0.113.77"), strings.Repeat("agent", 24)
	for b.Loop() {
		VisitorID(Salt{1}, "0190b5a07c3e", ip, ua)
	}
}
