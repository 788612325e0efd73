package enrich

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean returns s as it may be stored: valid UTF-8 without control characters, at most maxBytes long and cut between
// two runes. Bytes that are no UTF-8, controls (category Cc), line and paragraph separators, byte order marks and
// noncharacters are left out. truncated reports a cut for length, not a removal.
func Clean(s string, maxBytes int) (out string, truncated bool) {
	if i := firstUnclean(s); i < len(s) {
		s = removeUnclean(s, i)
	}
	if len(s) <= maxBytes {
		return s, false
	}
	end := max(maxBytes, 0)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end], true
}

// firstUnclean returns the index of the first byte that may have to go, len(s) if there is none.
func firstUnclean(s string) int {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == 0x7f {
			return i
		} else if c >= utf8.RuneSelf {
			return i + firstUncleanRune(s[i:])
		}
	}
	return len(s)
}

func firstUncleanRune(s string) int {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if !keepRune(r, size) {
			return i
		}
		i += size
	}
	return len(s)
}

func removeUnclean(s string, from int) string {
	var b strings.Builder
	b.Grow(len(s))
	b.WriteString(s[:from])
	for i := from; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if keepRune(r, size) {
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	return b.String()
}

func keepRune(r rune, size int) bool {
	switch {
	case r < utf8.RuneSelf:
		return r >= ' ' && r != 0x7f
	case r == utf8.RuneError:
		return size > 1 // U+FFFD that was sent stays, a bad byte goes
	case r == '\u2028', r == '\u2029', r == '\ufeff':
		return false
	case r&0xfffe == 0xfffe, r >= 0xfdd0 && r <= 0xfdef:
		return false
	}
	return !unicode.IsControl(r)
}
