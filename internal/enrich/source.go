package enrich

import (
	_ "embed" // the lists
	"fmt"
	"strings"

	"github.com/footfall-analytics/footfall/internal/event"
)

//go:embed data/sources.txt
var sourceList string

//go:embed data/spam.txt
var spamList string

// Attribution is where a visit came from. Source and Medium are "" for a direct one.
type Attribution struct {
	Referrer                                         string // host and path of the referrer, "" for the site itself
	Source, Medium, Campaign, Term, Content, Channel string
}

// Sources knows search engines, social networks, assistants and referrer spam. It is immutable and safe for concurrent use.
type Sources struct {
	hosts  map[string]site // by host, its subdomains included
	brands map[string]site // by the name before a country's ending
	names  map[string]site // by what campaigns call it
	spam   map[string]bool
	rules  []channelRule
}

// site is a known source of visits.
type site struct{ name, kind string }

// NewSources builds the tables from the embedded lists.
func NewSources() (*Sources, error) {
	s := &Sources{hosts: map[string]site{}, brands: map[string]site{}, names: map[string]site{}, spam: map[string]bool{}, rules: channelRules()}
	for line := range strings.Lines(sourceList) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if err := s.add(line); err != nil {
			return nil, fmt.Errorf("cannot read the embedded list of sources: %w", err)
		}
	}
	for line := range strings.Lines(spamList) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			s.spam[line] = true
		}
	}
	return s, nil
}

// add reads a line of data/sources.txt.
func (s *Sources) add(line string) error {
	kind, rest, _ := strings.Cut(line, "\t")
	name, rest, found := strings.Cut(rest, "\t")
	if !found || name == "" {
		return fmt.Errorf("no hosts in line %q", line)
	}
	hosts, names, _ := strings.Cut(rest, "=")
	known := site{name, kind}
	for _, host := range strings.Fields(hosts) {
		table := s.hosts
		if brand, any := strings.CutSuffix(host, ".*"); any {
			host, table = brand, s.brands
		}
		if _, twice := table[host]; twice {
			return fmt.Errorf("host %q stands twice", host)
		}
		table[host] = known
	}
	for _, alias := range strings.Fields(names) {
		if _, taken := s.names[alias]; !taken {
			s.names[alias] = known
		}
	}
	return nil
}

// Attribute says where a visit that landed on l came from: what its URL's parameters say, else its referrer.
func (s *Sources) Attribute(l Landing, referrer string) Attribution {
	p := &l.Params
	a := Attribution{Medium: p.Medium, Campaign: p.Campaign, Term: p.Term, Content: p.Content}
	from, path := referrerHost(referrer)
	if from == withoutWWW(l.Hostname) {
		from = ""
	}
	known := site{}
	if from != "" {
		a.Referrer, _ = Clean(from+path, event.MaxURLBytes)
		known = s.ofHost(from)
	}
	click := clickIDOf(p.ClickID)
	switch {
	case p.Source != "":
		known = s.ofName(p.Source)
		a.Source = known.name
	case click.name != "" && (from == "" || click.medium != ""):
		known = s.ofName(click.source)
		a.Source = click.source
	case from != "":
		a.Source = known.name
	}
	if a.Medium == "" {
		a.Medium = mediumOf(p, click, known, a.Source)
	}
	a.Channel = s.channel(known, a)
	return a
}

// mediumOf returns the medium of a visit whose URL gives none. A source that a campaign names alone stays without one.
func mediumOf(p *Params, click clickID, known site, source string) string {
	switch {
	case click.medium != "":
		return click.medium
	case p.Source != "" || source == "":
		return ""
	case known.kind == "search":
		return "organic"
	case known.kind == "email":
		return "email"
	}
	return "referral"
}

func (s *Sources) channel(known site, a Attribution) string {
	o := origin{kind: known.kind, source: strings.ToLower(a.Source), medium: strings.ToLower(a.Medium), campaign: strings.ToLower(a.Campaign)}
	for i := range s.rules {
		if !s.rules[i].fits(o) {
			continue
		}
		if s.rules[i].channel == unassigned && o.source != "" && o.medium == "" && o.kind == "" {
			break
		}
		return s.rules[i].channel
	}
	return "Referral" // a bare ?ref= or utm_source= that no rule knows is a link somewhere
}

// Spam reports whether the referrer is one of the known spam sites.
func (s *Sources) Spam(referrer string) bool {
	host, _ := referrerHost(referrer)
	for host != "" {
		if s.spam[host] {
			return true
		}
		_, host, _ = strings.Cut(host, ".")
	}
	return false
}

// referrerHost returns the host of a referrer without "www." and its path without query; "" for what is no URL.
func referrerHost(referrer string) (host, path string) {
	authority, rest := splitURL(strings.TrimSpace(referrer))
	if authority == "" { // some send a bare host
		authority, rest, _ = strings.Cut(rest, "/")
		if !strings.Contains(authority, ".") {
			return "", ""
		}
		rest = "/" + rest
	}
	if end := strings.IndexAny(rest, "?#"); end >= 0 {
		rest = rest[:end]
	}
	if rest = cleanPath(rest); rest == "/" {
		rest = ""
	}
	return withoutWWW(hostname(authority)), rest
}

func withoutWWW(host string) string { return strings.TrimPrefix(host, "www.") }

// ofHost returns the site of a host: the known one of the longest part of its name, else one named as the host.
func (s *Sources) ofHost(host string) site {
	for part := host; part != ""; {
		if known, ok := s.hosts[part]; ok {
			return known
		}
		_, part, _ = strings.Cut(part, ".")
	}
	if known, ok := s.ofBrand(host); ok {
		return known
	}
	return site{name: host}
}

// ofBrand finds "google.co.uk" and "images.google.de", but not "docs.google.com" or "google.example.org".
func (s *Sources) ofBrand(host string) (site, bool) {
	label, ending, found := strings.Cut(host, ".")
	for found {
		if known, ok := s.brands[label]; ok && isEnding(ending) {
			return known, true
		}
		if !isUsualSubdomain(label) {
			return site{}, false
		}
		label, ending, found = strings.Cut(ending, ".")
	}
	return site{}, false
}

// isEnding reports whether a name's end is one under which anybody may register: "de", "com", "co.uk", "com.br".
func isEnding(s string) bool {
	second, top, two := strings.Cut(s, ".")
	if !two {
		return len(s) >= 2
	}
	return len(top) == 2 && oneOf(second, "co", "com", "org", "net", "ne", "or")
}

func isUsualSubdomain(label string) bool {
	return len(label) <= 2 || oneOf(label, "search", "images", "image", "video", "videos", "news", "mobile", "web", "new", "old", "amp", "lite", "encrypted", "cse", "smile", "out", "www2", "www3", "rds", "html", "kids", "espanol")
}

// ofName returns the site that a campaign means by utm_source: a known name or host, else one named as it stands.
func (s *Sources) ofName(name string) site {
	lower := strings.ToLower(name)
	if known, ok := s.names[lower]; ok {
		return known
	}
	if strings.Contains(lower, ".") {
		if known := s.ofHost(withoutWWW(lower)); known.kind != "" {
			return known
		}
	}
	return site{name: name}
}
