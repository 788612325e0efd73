package account

import (
	"net/netip"
	"strings"
	"time"
	_ "time/tzdata" // zones do not depend on the machine

	"golang.org/x/net/idna"
)

const maxDomainBytes = 253

// NormalDomain returns the domain in the form it is stored and looked up in: lower case, ASCII (IDNA), without scheme,
// trailing dot or slash. It refuses what names no host, with an InvalidError of field "domain".
func NormalDomain(text string) (string, error) {
	host := strings.ToLower(strings.TrimSpace(text))
	for _, scheme := range []string{"https://", "http://"} {
		host = strings.TrimPrefix(host, scheme)
	}
	host = strings.TrimSuffix(strings.TrimSuffix(host, "/"), ".")
	if host == "" {
		return "", invalid("domain", "a domain is needed, as example.com")
	}
	if i := strings.IndexAny(host, "/?#@: \t"); i >= 0 {
		return "", invalid("domain", "a domain has no %q; give the host name alone, as example.com", host[i:i+1])
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.String(), nil
	}
	ascii, err := idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true), idna.VerifyDNSLength(true)).ToASCII(host)
	// The mapping may have made a dot of another full stop, or an address of other digits.
	if err != nil || len(ascii) > maxDomainBytes || strings.HasSuffix(ascii, ".") {
		return "", invalid("domain", "%q is no valid domain", text)
	}
	// A name without a dot could be somebody's tracking id.
	if ascii != "localhost" && !strings.Contains(ascii, ".") {
		return "", invalid("domain", "%q is no full domain; give it with its ending, as example.com, or localhost", text)
	}
	return ascii, nil
}

// checkZone refuses what is no IANA zone. "Local" is one to Go, but means something else on each machine.
func checkZone(name string) error {
	if name == "" || name == "Local" {
		return invalid("timezone", "a time zone is needed, as Europe/Berlin")
	}
	if _, err := time.LoadLocation(name); err != nil {
		return invalid("timezone", "%q is no IANA time zone, as Europe/Berlin", name)
	}
	return nil
}
