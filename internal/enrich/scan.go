package enrich

import (
	"bytes"
	"strings"
)

// token is a product of a user agent: a name at from to to and a version after it; slash tells whether "/" parts them.
type token struct {
	from, to, version int
	slash             bool
}

// scan is a user agent cut into products in one pass.
type scan struct {
	ua     string
	lower  []byte // ua in lower case
	tags   tagSet // parts that tell system and device
	tokens [maxTokens]token
	count  int
}

// maxTokens is how many products of a user agent are looked at. Browsers have less than 20.
const maxTokens = 64

// cut fills tokens.
func (s *scan) cut() {
	lower, from := s.lower, 0
	for i := 0; i <= len(lower) && s.count < maxTokens; i++ {
		if i < len(lower) && !separates(lower[i]) {
			continue
		}
		if i > from {
			s.add(from, i)
		}
		from = i + 1
	}
}

func separates(c byte) bool {
	return c == ' ' || c == ';' || c == '(' || c == ')' || c == ',' || c == '[' || c == ']'
}

// add takes the piece lower[from:end]: "name", "name/version" or several of them in a row, "a/1/b/2" and "a/b/2".
func (s *scan) add(from, end int) {
	for from < end && s.count < maxTokens {
		to := indexOrEnd(s.lower, from, end)
		next := indexOrEnd(s.lower, min(to+1, end), end)
		s.push(token{from, to, min(to+1, len(s.lower)), to < end})
		if to+1 < next && next < end && isLetter(s.lower[to+1]) {
			from = to + 1
			continue
		}
		from = next + 1
	}
}

// indexOrEnd returns the index of the first "/" of lower[from:end], else end.
func indexOrEnd(lower []byte, from, end int) int {
	if at := bytes.IndexByte(lower[from:end], '/'); at >= 0 {
		return from + at
	}
	return end
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' }

// push adds a token, and the one that it makes with the word before: "opera mini/8". A bare word's version is the word after it.
func (s *scan) push(t token) {
	s.tokens[s.count] = t
	s.count++
	if !t.slash || s.count == 1 || s.count == maxTokens {
		return
	}
	if before := s.tokens[s.count-2]; before.to+1 == t.from && s.lower[before.to] == ' ' {
		t.from = before.from
		s.tokens[s.count] = t
		s.count++
	}
}

func (s *scan) has(part string) bool    { return bytes.Contains(s.lower, []byte(part)) }
func (s *scan) starts(part string) bool { return bytes.HasPrefix(s.lower, []byte(part)) }

// after returns the rest of the user agent after the first part, "" where it does not occur.
func (s *scan) after(part string) string {
	at := bytes.Index(s.lower, []byte(part))
	if at < 0 {
		return ""
	}
	return strings.TrimLeft(s.ua[at+len(part):], " ")
}
