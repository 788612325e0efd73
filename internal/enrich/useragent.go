package enrich

import (
	"fmt"
	"strings"
)

// Agent is what a user agent says of itself. "" means that it does not say.
type Agent struct {
	DeviceType     string // desktop, mobile, tablet, tv, console, bot, iot, other
	Browser        string // "Chrome"
	BrowserVersion string // major: "130"
	OS             string // "iOS"
	OSVersion      string // major or major.minor: "17.5"
	Crawler        string // name of the crawler, tool or library, "" for none
	Headless       bool   // a browser run by a program
	Library        bool   // an HTTP library or command line tool: Crawler is its name
}

// maxAgentBytes is how much of a user agent is read; the door cuts at event.MaxUserAgentBytes.
const maxAgentBytes = 1024

// AgentParser reads user agents. It is immutable and safe for concurrent use.
type AgentParser struct {
	crawlers *matcher
	browsers map[string]browser
	systems  []system
	parts    *tagger // of systems
}

// NewAgentParser builds a parser from the embedded tables.
func NewAgentParser() (*AgentParser, error) {
	crawlers, err := newMatcher(crawlerWords)
	if err != nil {
		return nil, fmt.Errorf("cannot read the embedded list of crawlers: %w", err)
	}
	p := &AgentParser{crawlers: crawlers, browsers: make(map[string]browser, len(browsers)), systems: systems()}
	if p.parts, err = newSystemTagger(p.systems); err != nil {
		return nil, fmt.Errorf("cannot build the table of systems: %w", err)
	}
	for _, b := range browsers {
		for token := range strings.SplitSeq(b.tokens, "|") {
			token, b.bare = strings.CutSuffix(token, "*")
			p.browsers[token] = b
		}
	}
	return p, nil
}

// Parse reads a user agent. Any text is taken; one that it cannot read has DeviceType "other". The strings of the result may
// share ua's bytes.
func (p *AgentParser) Parse(ua string) Agent {
	ua = ua[:min(len(ua), maxAgentBytes)]
	lower := make([]byte, len(ua))
	for i := range len(ua) {
		c := ua[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		lower[i] = c
	}
	crawler := p.crawlerName(ua, lower)
	if crawler != "" && !isHeadless(crawler) {
		return Agent{DeviceType: "bot", Crawler: crawler, Library: isLibrary(crawler)}
	}
	s := scan{ua: ua, lower: lower, tags: p.parts.find(lower)}
	s.cut()
	var a Agent
	p.setBrowser(&a, &s)
	p.setSystem(&a, &s)
	a.DeviceType = deviceType(&a, &s)
	if crawler != "" {
		a.DeviceType, a.Crawler, a.Headless = "bot", crawler, true
	}
	return a
}

// isHeadless reports whether the name is that of a browser run by a program.
func isHeadless(name string) bool {
	for _, part := range [...]string{"headless", "phantom", "selenium", "webdriver", "playwright", "puppeteer", "cypress", "electron-nightmare"} {
		if containsFold(name, part) {
			return true
		}
	}
	return false
}

// isLibrary reports whether the name is that of an HTTP library or command line tool: what a program of anybody's uses.
func isLibrary(name string) bool {
	for _, part := range [...]string{"curl", "wget", "python", "go-http-client", "okhttp", "axios", "node-fetch", "undici", "java", "apache-http", "http", "libwww", "lwp", "ruby",
		"guzzle", "php", "perl", "aiohttp", "restsharp", "rest-client", "reqwest", "ureq", "faraday", "typhoeus", "postman", "insomnia", "lua-", "winhttp", "dart", "scrapy", "mechanize"} {
		if containsFold(name, part) {
			return true
		}
	}
	return false
}

// containsFold reports whether s contains part, which must be lower case ASCII.
func containsFold(s, part string) bool {
	for ; len(s) >= len(part); s = s[1:] {
		if strings.EqualFold(s[:len(part)], part) {
			return true
		}
	}
	return false
}

// Hints are the client hints that refine an Agent. The zero value refines nothing.
type Hints struct {
	Browser, BrowserVersion string
	OS                      string
	Mobile, MobileKnown     bool
}

// hintBrands are the brands that Sec-CH-UA gives beside Chromium's, and what we call them.
var hintBrands = [...][2]string{{"Microsoft Edge", "Edge"}, {"Opera GX", "Opera GX"}, {"Opera", "Opera"}, {"Brave", "Brave"}, {"Vivaldi", "Vivaldi"},
	{"YaBrowser", "Yandex Browser"}, {"Samsung Internet", "Samsung Internet"}, {"DuckDuckGo", "DuckDuckGo"}, {"Google Chrome", "Chrome"}}

// ParseHints reads the values of the Sec-CH-UA, Sec-CH-UA-Platform and Sec-CH-UA-Mobile headers.
func ParseHints(secCHUA, secCHUAPlatform, secCHUAMobile string) Hints {
	var h Hints
	for _, brand := range hintBrands {
		if _, rest, found := strings.Cut(secCHUA, `"`+brand[0]+`";v="`); found {
			h.Browser, h.BrowserVersion = brand[1], digits(rest)
			break
		}
	}
	switch platform := strings.Trim(secCHUAPlatform, `" `); platform {
	case "Windows", "macOS", "Linux", "Android", "iOS":
		h.OS = platform
	case "Chrome OS", "Chromium OS":
		h.OS = "Chrome OS"
	}
	h.Mobile, h.MobileKnown = secCHUAMobile == "?1", secCHUAMobile == "?1" || secCHUAMobile == "?0"
	return h
}

// With returns the agent refined by the hints: they tell Brave and Vivaldi from Chrome. A crawler stays as it is.
func (a Agent) With(h Hints) Agent {
	if a.Crawler != "" {
		return a
	}
	if h.Browser != "" && (a.Browser == "" || a.Browser == "Chrome" && h.Browser != "Chrome") {
		a.Browser, a.BrowserVersion = h.Browser, h.BrowserVersion
	}
	if h.OS != "" && a.OS == "" {
		a.OS = h.OS
	}
	if h.MobileKnown && a.DeviceType == "other" {
		a.DeviceType = "desktop"
		if h.Mobile {
			a.DeviceType = "mobile"
		}
	}
	return a
}
