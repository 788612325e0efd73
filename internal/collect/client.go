package collect

import (
	"net/netip"
	"strings"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"

	"github.com/footfall-analytics/footfall/internal/collect/wire"
	"github.com/footfall-analytics/footfall/internal/enrich"
	"github.com/footfall-analytics/footfall/internal/event"
)

// client is what is known of who an event comes from: the sender of the request, or whom a server-side sender names.
type client struct {
	ip        netip.Addr // never the zero Addr: unspecified when it is not known
	userAgent string
	language  string
	place     enrich.Place
	signals   enrich.BotSignals
	unscored  bool // nothing is known that a score could be made of
	score     uint8
	reasons   []string
}

// agentCache keeps what a user agent says. It is a table of fixed size: a new agent takes the slot of an old one.
type agentCache struct {
	parser *enrich.AgentParser
	slots  [1024]atomic.Pointer[cachedAgent]
}

type cachedAgent struct {
	text  string
	agent enrich.Agent
}

func (c *agentCache) parse(text string) enrich.Agent {
	slot := &c.slots[xxhash.Sum64String(text)%uint64(len(c.slots))]
	if hit := slot.Load(); hit != nil && hit.text == text {
		return hit.agent
	}
	text = strings.Clone(text) // the request's buffer is used again
	agent := c.parser.Parse(text)
	slot.Store(&cachedAgent{text, agent})
	return agent
}

// fromRequest fills c with the sender of the request.
func (h *Handler) fromRequest(c *client, in *wire.Request) {
	c.ip = h.address(in)
	c.userAgent = in.Header(wire.UserAgent)
	c.userAgent, _ = enrich.Clean(c.userAgent, event.MaxUserAgentBytes)
	c.language = firstLanguage(in.Header(wire.AcceptLanguage))
	c.signals = enrich.BotSignals{
		HeadersKnown:      true,
		HasAcceptLanguage: c.language != "",
		HasAccept:         in.Header(wire.Accept) != "",
		SecFetchSite:      in.Header(wire.SecFetchSite),
		Own:               c.ip.IsLoopback(),
	}
	h.complete(c)
	if hints := in.Header(wire.SecCHUA); hints != "" {
		c.signals.Agent = c.signals.Agent.With(enrich.ParseHints(hints, in.Header(wire.SecCHUAPlatform), in.Header(wire.SecCHUAMobile)))
	}
}

// fromContext fills c with whom a server-side sender names.
func (h *Handler) fromContext(c *client, ip, userAgent string) {
	*c = client{ip: netip.IPv6Unspecified(), unscored: userAgent == ""}
	if addr, err := netip.ParseAddr(ip); err == nil {
		c.ip = addr.Unmap().WithZone("")
	}
	c.userAgent, _ = enrich.Clean(userAgent, event.MaxUserAgentBytes)
	h.complete(c)
}

func (h *Handler) complete(c *client) {
	c.signals.UserAgent = c.userAgent
	c.signals.Agent = h.agents.parse(c.userAgent)
	if !c.ip.IsUnspecified() {
		c.place = h.opts.Geo.Lookup(c.ip)
	}
}

// rate sets the score once the number of events in the last minute is known.
func (c *client) rate(perMinute int) {
	if c.unscored {
		return
	}
	c.signals.RatePerMinute = perMinute
	c.score, c.reasons = enrich.BotScore(c.signals)
}

func firstLanguage(accept string) string {
	if i := strings.IndexAny(accept, ",;"); i >= 0 {
		accept = accept[:i]
	}
	return strings.TrimSpace(accept)
}

// address returns whom the request comes from: the peer or, where that is a trusted proxy, the last address in the forwarding
// headers that is not one. What stands left of that one was written by somebody else and counts for nothing.
func (h *Handler) address(in *wire.Request) netip.Addr {
	switch {
	case !h.trusted(in.Peer):
		return in.Peer
	case in.Has(wire.XForwardedFor):
		return h.lastUntrusted(in, wire.XForwardedFor, forwardedPlain)
	}
	return h.lastUntrusted(in, wire.Forwarded, forwardedElement)
}

// lastUntrusted walks a list header from its end; the peer is the proxy that wrote the last element.
func (h *Handler) lastUntrusted(in *wire.Request, name wire.Name, parse func(string) (netip.Addr, bool)) netip.Addr {
	ip := in.Peer
	for value := range in.Backward(name) {
		for list := value; list != ""; {
			cut := strings.LastIndexByte(list, ',')
			next, ok := parse(strings.TrimSpace(list[cut+1:]))
			if !ok {
				return ip
			}
			if ip = next; !h.trusted(ip) {
				return ip
			}
			list = list[:max(cut, 0)]
		}
	}
	return ip
}

// forwardedPlain reads an element of X-Forwarded-For, which some proxies write with a port.
func forwardedPlain(text string) (netip.Addr, bool) {
	ip, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		withPort, err := netip.ParseAddrPort(text)
		if err != nil {
			return netip.Addr{}, false
		}
		ip = withPort.Addr()
	}
	return ip.Unmap().WithZone(""), true
}

// forwardedElement reads the for= parameter of an element of Forwarded.
func forwardedElement(text string) (netip.Addr, bool) {
	for text != "" {
		pair, rest, _ := strings.Cut(text, ";")
		name, value, _ := strings.Cut(pair, "=")
		if strings.EqualFold(strings.TrimSpace(name), "for") {
			return forwardedPlain(strings.Trim(strings.TrimSpace(value), `"`))
		}
		text = rest
	}
	return netip.Addr{}, false
}

func (h *Handler) trusted(ip netip.Addr) bool {
	for _, network := range h.opts.TrustedProxies {
		if network.Contains(ip) {
			return true
		}
	}
	return false
}
