package enrich

import (
	"net/url"
	"strings"
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

// ParsePage reads a URL, or a path on baseHostname. keep lists the query keys that stay in Page. truncated reports that
// raw was longer than event.MaxURLBytes and cut.
func ParsePage(raw, baseHostname string, keep []string) (l Landing, truncated bool) {
	l.Hostname = strings.ToLower(baseHostname)
	l.Page = "/"
	u, err := url.Parse(raw)
	if err != nil {
		return l, false
	}
	if u.Hostname() != "" {
		l.Hostname = strings.ToLower(u.Hostname())
	}
	if u.Path != "" {
		l.Page = u.Path
	}
	q := u.Query()
	l.Params = Params{Source: q.Get("utm_source"), Medium: q.Get("utm_medium"), Campaign: q.Get("utm_campaign"), Term: q.Get("utm_term"), Content: q.Get("utm_content")}
	return l, false
}
