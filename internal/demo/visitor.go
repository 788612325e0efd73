package demo

import (
	"math/rand/v2"
	"net/netip"
)

// visitor is somebody who comes by, once or again.
type visitor struct {
	userID                 string // "" unless the visitor has an account
	ip, userAgent          string
	screen, language, zone string
}

// country is where visitors come from. The networks belong to it in the embedded table (a test says so).
type country struct {
	code, language, zone string
	weight               float64
	networks             [2]string
}

func countries() []country {
	return []country{
		{"DE", "de-DE", "Europe/Berlin", 24, [2]string{"53.0.0.0/8", "141.12.0.0/14"}},
		{"US", "en-US", "America/New_York", 18, [2]string{"99.144.0.0/14", "72.48.0.0/15"}},
		{"GB", "en-GB", "Europe/London", 9, [2]string{"25.0.0.0/8", "46.64.0.0/15"}},
		{"FR", "fr-FR", "Europe/Paris", 7, [2]string{"90.0.0.0/10", "92.88.0.0/13"}},
		{"AT", "de-AT", "Europe/Vienna", 4.4, [2]string{"77.116.0.0/14", "88.116.0.0/15"}},
		{"CH", "de-CH", "Europe/Zurich", 4.2, [2]string{"85.0.0.0/13", "86.118.0.0/15"}},
		{"NL", "nl-NL", "Europe/Amsterdam", 4, [2]string{"145.96.0.0/11", "213.124.0.0/14"}},
		{"CA", "en-CA", "America/Toronto", 3.2, [2]string{"99.224.0.0/11", "142.240.0.0/14"}},
		{"ES", "es-ES", "Europe/Madrid", 2.8, [2]string{"83.32.0.0/11", "92.56.0.0/14"}},
		{"IT", "it-IT", "Europe/Rome", 2.8, [2]string{"79.0.0.0/10", "217.200.0.0/14"}},
		{"PL", "pl-PL", "Europe/Warsaw", 2.4, [2]string{"83.0.0.0/11", "37.30.0.0/15"}},
		{"IN", "en-IN", "Asia/Kolkata", 2.4, [2]string{"117.192.0.0/10", "27.248.0.0/14"}},
		{"SE", "sv-SE", "Europe/Stockholm", 2, [2]string{"78.64.0.0/12", "82.182.0.0/15"}},
		{"BE", "nl-BE", "Europe/Brussels", 1.8, [2]string{"109.128.0.0/12", "188.188.0.0/15"}},
		{"DK", "da-DK", "Europe/Copenhagen", 1.5, [2]string{"2.104.0.0/13", "85.80.0.0/14"}},
		{"AU", "en-AU", "Australia/Sydney", 1.4, [2]string{"1.128.0.0/11", "27.32.0.0/15"}},
		{"NO", "nb-NO", "Europe/Oslo", 1.3, [2]string{"84.208.0.0/13", "92.220.0.0/15"}},
		{"JP", "ja-JP", "Asia/Tokyo", 1.2, [2]string{"133.0.0.0/8", "126.188.0.0/15"}},
		{"BR", "pt-BR", "America/Sao_Paulo", 1.2, [2]string{"179.128.0.0/11", "177.32.0.0/14"}},
		{"CZ", "cs-CZ", "Europe/Prague", 1, [2]string{"85.160.0.0/14", "90.178.0.0/15"}},
		{"FI", "fi-FI", "Europe/Helsinki", 0.9, [2]string{"91.152.0.0/13", "87.108.0.0/16"}},
		{"PT", "pt-PT", "Europe/Lisbon", 0.8, [2]string{"85.240.0.0/13", "82.154.0.0/15"}},
		{"IE", "en-IE", "Europe/Dublin", 0.8, [2]string{"31.88.0.0/15", "89.100.0.0/15"}},
		{"MX", "es-MX", "America/Mexico_City", 0.6, [2]string{"189.128.0.0/10", "201.168.0.0/14"}},
		{"TR", "tr-TR", "Europe/Istanbul", 0.6, [2]string{"78.160.0.0/11", "176.88.0.0/14"}},
		{"KR", "ko-KR", "Asia/Seoul", 0.5, [2]string{"121.128.0.0/10", "218.144.0.0/12"}},
		{"ZA", "en-ZA", "Africa/Johannesburg", 0.4, [2]string{"41.0.0.0/11", "165.8.0.0/14"}},
		{"AR", "es-AR", "America/Argentina/Buenos_Aires", 0.4, [2]string{"186.128.0.0/12", "181.228.0.0/14"}},
	}
}

// botNetwork is where the crawlers come from.
const botNetwork = "66.249.64.0/19"

// address returns a random address of the network.
func address(rng *rand.Rand, network string) string {
	prefix := netip.MustParsePrefix(network)
	base := prefix.Addr().As4()
	host := rng.Uint32() >> prefix.Bits()
	for i := range 4 {
		base[i] |= byte(host >> (24 - 8*i))
	}
	return netip.AddrFrom4(base).String()
}
