package enrich

import (
	"bytes"
	_ "embed" // the list of crawlers
	"strings"
)

//go:embed data/crawlers.txt
var crawlerWords string

// crawlerName returns the name of the crawler, tool or library that sent the user agent, "" for none.
// lower is ua in lower case.
func (p *AgentParser) crawlerName(ua string, lower []byte) string {
	from, to, address := p.crawlers.find(lower)
	switch {
	case to > 0:
		return wordAround(ua, from, to)
	case address:
		return firstName(ua)
	case isBareProduct(ua):
		return wordAround(ua, 0, 1)
	case isEmptyMozilla(lower), hasMailAddress(lower):
		return firstName(ua)
	}
	return ""
}

// excused reports whether a word of the list belongs here to a device or browser of people.
func excused(lower []byte, from, to int) bool {
	before, word := lower[:from], lower[from:to]
	switch string(word) {
	case "bot", "bot_", "bots", "bots_":
		phone := bytes.HasSuffix(before, []byte("cu")) || bytes.HasSuffix(before, []byte(" ")) // "Cubot X18", "M bot 60"
		return phone && bytes.Contains(before, []byte("android"))
	case "google-":
		return bytes.HasSuffix(before, []byte("channel/")) || bytes.HasSuffix(before, []byte("google/"))
	case "detect", "preview", "feed", "download":
		return bytes.Contains(before, []byte("build/"))
	}
	return false
}

// isAddress reports whether a word tells only that an address of the web is given: it proves a crawler, but does not name it.
func isAddress(word []byte) bool {
	return bytes.HasPrefix(word, []byte("http")) && len(word) > 5 && word[len(word)-1] == '/' || string(word) == ".com"
}

const maxCrawlerName = 48

// wordAround returns the word of ua that ua[from:to] is part of, or what stands there and before it where that is too general.
func wordAround(ua string, from, to int) string {
	end := to
	for end < len(ua) && isName(ua[end]) {
		end++
	}
	for from > 0 && isName(ua[from-1]) {
		from--
	}
	name := strings.Trim(ua[from:end], " ;,/+()")
	if len(name) <= 7 && from > 1 && ua[from-1] == ' ' && isName(ua[from-2]) { // "SEO Spider"
		return wordAround(ua, from-2, end)
	}
	return name[:min(len(name), maxCrawlerName)]
}

func isName(c byte) bool { return isWord(c) || c == '-' || c == '.' || c >= 0x80 }

// firstName returns the first word that is no usual part of a browser's user agent.
func firstName(ua string) string {
	for word := range strings.FieldsFuncSeq(ua, func(r rune) bool { return strings.ContainsRune(" ;(),+", r) }) {
		name, _, _ := strings.Cut(word, "/")
		switch name {
		case "Mozilla", "compatible", "AppleWebKit", "KHTML", "like", "Gecko", "http:", "https:", "":
			continue
		}
		return name[:min(len(name), maxCrawlerName)]
	}
	return "crawler"
}

// isBareProduct reports whether ua is but one product, with or without a version and without a comment: "tool/1.0".
// No browser is so terse.
func isBareProduct(ua string) bool {
	slashes, spaces := 0, 0
	for i := range len(ua) {
		switch c := ua[i]; {
		case c == '/':
			slashes++
		case c == ' ':
			spaces++
		case c == '(' || c == ';' || c == '[':
			return false
		}
	}
	return ua != "" && slashes <= 1 && spaces <= 3 && isWord(ua[0])
}

// isEmptyMozilla reports whether the user agent claims to be a browser, but names neither an engine nor a system.
func isEmptyMozilla(lower []byte) bool {
	if !bytes.HasPrefix(lower, []byte("mozilla/")) {
		return false
	}
	for _, part := range [...]string{"gecko", "webkit", "msie", "trident", "opera", "khtml", "linux", "android", "win", "mac", "x11", "playstation", "nintendo", "netfront", "tv", "phone", "symbian", "blackberry", "mozilla/4.", "mozilla/3.", "mozilla/2."} {
		if bytes.Contains(lower, []byte(part)) {
			return false
		}
	}
	return true
}

// hasMailAddress reports whether the user agent says whom to write to: "someone@host.tld".
func hasMailAddress(lower []byte) bool {
	_, host, found := bytes.Cut(lower, []byte("@"))
	dot := bytes.IndexByte(host, '.')
	if !found || dot < 2 || dot+1 >= len(host) || !isLetter(host[0]) || !isLetter(host[dot+1]) {
		return false
	}
	for _, c := range host[:dot] {
		if !isWord(c) && c != '-' {
			return false
		}
	}
	return true
}
