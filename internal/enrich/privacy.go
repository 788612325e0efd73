package enrich

import (
	"encoding/base64"
	"encoding/binary"
	"net/netip"

	"github.com/dchest/siphash"

	"github.com/footfall-analytics/footfall/internal/event"
)

// AddressFor returns the text of ip that a site's policy lets be stored: "" for IPNone and for any policy it does not
// know, the /24 or /48 network's address for IPTruncated.
func AddressFor(policy event.IPPolicy, ip netip.Addr) string {
	if !ip.IsValid() {
		return ""
	}
	ip = ip.Unmap().WithZone("")
	switch policy {
	case event.IPFull:
		return ip.String()
	case event.IPTruncated:
		bits := 48
		if ip.Is4() {
			bits = 24
		}
		prefix, _ := ip.Prefix(bits) // never an error: bits fits both families
		return prefix.Addr().String()
	}
	return ""
}

// Salt is the secret of one UTC day. Whoever makes it must take it from a cryptographic source and forget it after 48 h:
// from then on no id can be traced back to an address.
type Salt [16]byte

// VisitorID returns the id of a visitor who sent none: 12 characters of base64url, 72 bits of SipHash-2-4-128 keyed with the
// salt. Without the salt nobody can compute it or try addresses against it. It depends on the site, so visitors of
// two sites cannot be matched.
func VisitorID(salt Salt, websiteID string, ip netip.Addr, userAgent string) string {
	var stack [event.MaxUserAgentBytes + 256]byte
	input := binary.AppendUvarint(stack[:0], uint64(len(websiteID))) // the length keeps site and address apart
	input = append(input, websiteID...)
	address := ip.As16()
	input = append(input, address[:]...)
	input = append(input, userAgent...)
	key := salt[:]
	low, high := siphash.Hash128(binary.LittleEndian.Uint64(key), binary.LittleEndian.Uint64(key[8:]), input)
	var sum [16]byte
	binary.LittleEndian.PutUint64(sum[:], low)
	binary.LittleEndian.PutUint64(sum[8:], high)
	var text [12]byte
	base64.RawURLEncoding.Encode(text[:], sum[:9])
	return string(text[:])
}
