package enrich

import (
	"strings"
	"unicode/utf8"

	"github.com/footfall-analytics/footfall/internal/event"
)

// Landing is what the URL of a page says.
type Landing struct {
	Hostname string // lower case, no port, no trailing dot
	Page     string // path, "/" for an empty one; with the listed query keys
	Params   Params
}

// Params are the campaign parameters of a URL.
type Params struct {
	Source, Medium, Campaign, Term, Content string // utm_*; Source also from ref and source
	ClickID                                 string // name of the click id parameter: "gclid"
}

// ParsePage reads a URL, or a path on baseHostname. keep lists the query keys that stay in Page, in that order. truncated
// reports that raw was longer than event.MaxURLBytes, or a parameter than event.MaxNameBytes, and cut.
//
// Any text is taken: what has no scheme is a path, a host that is none gives way to baseHostname, an escape that is none
// stays as it is.
func ParsePage(raw, baseHostname string, keep []string) (l Landing, truncated bool) {
	raw, truncated = Clean(strings.TrimSpace(raw), event.MaxURLBytes)
	authority, rest := splitURL(raw)
	if l.Hostname = hostname(authority); l.Hostname == "" {
		l.Hostname = hostname(baseHostname)
	}
	rest, _, _ = strings.Cut(rest, "#")
	path, query, _ := strings.Cut(rest, "?")
	l.Page = cleanPath(path)
	if query == "" {
		return l, truncated
	}
	if l.Params.read(query) {
		truncated = true
	}
	l.Page = keepQuery(l.Page, query, keep)
	return l, truncated
}

// splitURL returns the authority of a URL ("user@host:port") and what follows it; "" and all of raw where raw is but a path.
func splitURL(raw string) (authority, rest string) {
	if !strings.HasPrefix(raw, "//") {
		scheme, after, found := strings.Cut(raw, "://")
		if !found || strings.ContainsAny(scheme, "/?#") {
			return "", raw
		}
		raw = after
	} else {
		raw = raw[2:]
	}
	if end := strings.IndexAny(raw, "/?#"); end >= 0 {
		return raw[:end], raw[end:]
	}
	return raw, ""
}

const maxHostBytes = 253

// hostname returns the host of an authority in lower case, without user, port and trailing dot; "" for what is none.
func hostname(authority string) string {
	host := authority[strings.LastIndexByte(authority, '@')+1:]
	if strings.HasPrefix(host, "[") {
		end := strings.IndexByte(host, ']')
		if end < 0 {
			return ""
		}
		host = host[1:end]
	} else if colon := strings.IndexByte(host, ':'); colon >= 0 && strings.Count(host, ":") == 1 {
		host = host[:colon]
	}
	host = strings.TrimRight(host, ".")
	if len(host) > maxHostBytes || !isHost(host) {
		return ""
	}
	return strings.ToLower(host) // no copy where it is in lower case
}

func isHost(host string) bool {
	for i := range len(host) {
		if c := host[i]; !isWord(c) && c != '-' && c != '.' && c != ':' && c < utf8.RuneSelf {
			return false
		}
	}
	return host != "" && host[0] != '.'
}

// cleanPath returns a path with a leading slash, percent-decoded once if that gives clean text.
func cleanPath(path string) string {
	if path == "" {
		return "/"
	}
	if path[0] != '/' {
		path = "/" + path
	}
	if strings.IndexByte(path, '%') < 0 {
		return path
	}
	decoded := unescape(path, false)
	if firstUnclean(decoded) < len(decoded) {
		return path
	}
	return decoded
}

// unescape decodes percent escapes. As a path (query false) it leaves those that would change how the path is read: %2F, %3F,
// %23 and %25; as a query it makes "+" a space. What is no escape stays.
func unescape(s string, query bool) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '+' && query {
			c = ' '
		}
		if c == '%' && i+2 < len(s) {
			high, low := unhex(s[i+1]), unhex(s[i+2])
			if v := high<<4 | low; high < 16 && low < 16 && (query || v != '/' && v != '?' && v != '#' && v != '%') {
				c = v
				i += 2
			}
		}
		b = append(b, c)
	}
	return string(b)
}

// unhex returns the value of a hexadecimal digit, 255 for any other byte.
func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

// keepQuery appends the parameters of the listed keys, in the order of the list so that the order in the URL makes no other page.
// Of a key that comes twice the first counts.
func keepQuery(page, query string, keep []string) string {
	separator := "?"
	for _, key := range keep {
		for pair := range strings.SplitSeq(query, "&") {
			name, _, _ := strings.Cut(pair, "=")
			if name == key {
				page += separator + pair
				separator = "&"
				break
			}
		}
	}
	return page
}

// read fills p from a query; of a key that comes twice the first with a value counts.
func (p *Params) read(query string) (truncated bool) {
	var fallback string
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		key, value, _ := strings.Cut(pair, "=")
		to := p.field(key)
		switch {
		case value == "":
			continue
		case key == "ref" || key == "source":
			to = &fallback
		case to == nil:
			if p.ClickID == "" {
				p.ClickID = clickIDName(key)
			}
			continue
		}
		if *to != "" {
			continue
		}
		text, cut := paramText(value)
		*to, truncated = text, truncated || cut
	}
	if p.Source == "" {
		p.Source = fallback
	}
	return truncated
}

// field returns where the value of a query key goes, nil for a key that is no campaign parameter.
func (p *Params) field(key string) *string {
	switch key {
	case "utm_source":
		return &p.Source
	case "utm_medium":
		return &p.Medium
	case "utm_campaign":
		return &p.Campaign
	case "utm_term":
		return &p.Term
	case "utm_content":
		return &p.Content
	}
	return nil
}

func paramText(value string) (text string, truncated bool) {
	if strings.ContainsAny(value, "%+") {
		value = unescape(value, true)
	}
	text, truncated = Clean(value, event.MaxNameBytes)
	return strings.TrimSpace(text), truncated
}
