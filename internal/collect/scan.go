package collect

import (
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"

	"github.com/footfall-analytics/footfall/internal/event"
)

// errDepth is what a document nested deeper than event.MaxDepth gets.
var errDepth = fmt.Errorf("nested deeper than %d levels", event.MaxDepth)

// syntaxError says where a document is no JSON.
type syntaxError struct {
	at   int
	what string
}

func (e *syntaxError) Error() string { return fmt.Sprintf("%s at byte %d", e.what, e.at) }

// kind is the kind of a JSON value.
type kind byte

const (
	kindNull kind = iota
	kindBool
	kindNumber
	kindString
	kindObject
	kindArray
)

// scanner reads one JSON document, strictly as RFC 8259 has it but for strings that are no UTF-8, which are cleaned later.
// It makes no tree: whoever calls it takes what it wants and skips the rest, so that memory is bounded by the document.
// Strings that it returns are views of the document or of the arena, and live as long as those.
type scanner struct {
	doc   []byte
	pos   int
	depth int
	arena []byte // strings that had escapes
}

func (s *scanner) reset(doc []byte) {
	s.doc, s.pos, s.depth, s.arena = doc, 0, 0, s.arena[:0]
}

func (s *scanner) fail(what string) error { return &syntaxError{s.pos, what} }

// unexpected says what stands where something else should.
func (s *scanner) unexpected(wanted string) error {
	if s.pos >= len(s.doc) {
		return s.fail("the end instead of " + wanted)
	}
	return s.fail(fmt.Sprintf("%q instead of %s", s.doc[s.pos], wanted))
}

func (s *scanner) space() {
	for s.pos < len(s.doc) {
		if c := s.doc[s.pos]; c > ' ' || c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return
		}
		s.pos++
	}
}

// peek returns the kind of the value that comes next, without reading it.
func (s *scanner) peek() (kind, error) {
	s.space()
	if s.pos < len(s.doc) {
		switch c := s.doc[s.pos]; {
		case c == '"':
			return kindString, nil
		case c == '{':
			return kindObject, nil
		case c == '[':
			return kindArray, nil
		case c == 't' || c == 'f':
			return kindBool, nil
		case c == 'n':
			return kindNull, nil
		case c == '-' || c >= '0' && c <= '9':
			return kindNumber, nil
		}
	}
	return 0, s.unexpected("a value")
}

// open reads the bracket that begins an object or array.
func (s *scanner) open() error {
	if s.depth++; s.depth > event.MaxDepth {
		return errDepth
	}
	s.pos++
	return nil
}

// more reads up to the next element: it reports false behind the closing bracket. first is true before the first element.
func (s *scanner) more(closing byte, first *bool) (bool, error) {
	s.space()
	if s.pos >= len(s.doc) {
		return false, s.unexpected(fmt.Sprintf("%q", closing))
	}
	switch c := s.doc[s.pos]; {
	case c == closing:
		s.pos++
		s.depth--
		return false, nil
	case *first:
		*first = false
		return true, nil
	case c == ',':
		s.pos++
		return true, nil
	}
	return false, s.unexpected(fmt.Sprintf("',' or %q", closing))
}

// key reads the name of the next member and the colon; false behind the closing brace.
func (s *scanner) key(first *bool) (string, bool, error) {
	more, err := s.more('}', first)
	if !more || err != nil {
		return "", false, err
	}
	s.space()
	if s.pos >= len(s.doc) || s.doc[s.pos] != '"' {
		return "", false, s.unexpected("a name in quotes")
	}
	name, err := s.text()
	if err != nil {
		return "", false, err
	}
	s.space()
	if s.pos >= len(s.doc) || s.doc[s.pos] != ':' {
		return "", false, s.unexpected("':'")
	}
	s.pos++
	return name, true, nil
}

// text reads a string; its opening quote comes next.
func (s *scanner) text() (string, error) {
	s.pos++
	start := s.pos
	doc := s.doc
	for i := start; i < len(doc); i++ {
		switch c := doc[i]; {
		case c == '"':
			s.pos = i + 1
			return view(doc[start:i]), nil
		case c == '\\':
			return s.escaped(start, i)
		case c < ' ':
			s.pos = i
			return "", s.fail("control character in a string")
		}
	}
	s.pos = len(doc)
	return "", s.fail("string without end")
}

// escaped reads on from the first backslash of a string.
func (s *scanner) escaped(start, at int) (string, error) {
	begin := len(s.arena)
	s.arena = append(s.arena, s.doc[start:at]...)
	for s.pos = at; s.pos < len(s.doc); {
		c := s.doc[s.pos]
		switch {
		case c == '"':
			s.pos++
			return view(s.arena[begin:]), nil
		case c < ' ':
			return "", s.fail("control character in a string")
		case c != '\\':
			s.arena = append(s.arena, c)
			s.pos++
		default:
			if err := s.escape(); err != nil {
				return "", err
			}
		}
	}
	return "", s.fail("string without end")
}

// plainEscapes maps the letter of an escape to what it stands for.
var plainEscapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func (s *scanner) escape() error {
	if s.pos+1 >= len(s.doc) {
		return s.fail("string without end")
	}
	if c := plainEscapes[s.doc[s.pos+1]]; c != 0 {
		s.arena = append(s.arena, c)
		s.pos += 2
		return nil
	}
	r, ok := s.unit(s.pos)
	if !ok {
		return s.fail("unknown escape in a string")
	}
	s.pos += 6
	if utf16.IsSurrogate(r) {
		low, ok := s.unit(s.pos)
		if pair := utf16.DecodeRune(r, low); ok && pair != utf8.RuneError {
			r = pair
			s.pos += 6
		} // else half a pair, which AppendRune writes as the replacement character
	}
	s.arena = utf8.AppendRune(s.arena, r)
	return nil
}

// unit reads \uXXXX at pos.
func (s *scanner) unit(pos int) (r rune, ok bool) {
	if pos+6 > len(s.doc) || s.doc[pos] != '\\' || s.doc[pos+1] != 'u' {
		return 0, false
	}
	for _, c := range s.doc[pos+2 : pos+6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// number reads a number and returns its text.
func (s *scanner) number() (string, error) {
	start := s.pos
	if s.doc[s.pos] == '-' {
		s.pos++
	}
	if s.pos < len(s.doc) && s.doc[s.pos] == '0' {
		s.pos++
	} else if s.digits() == 0 {
		return "", s.unexpected("a digit")
	}
	if s.pos < len(s.doc) && s.doc[s.pos] == '.' {
		s.pos++
		if s.digits() == 0 {
			return "", s.unexpected("a digit")
		}
	}
	if s.pos < len(s.doc) && s.doc[s.pos]|0x20 == 'e' {
		s.pos++
		if s.pos < len(s.doc) && (s.doc[s.pos] == '+' || s.doc[s.pos] == '-') {
			s.pos++
		}
		if s.digits() == 0 {
			return "", s.unexpected("a digit")
		}
	}
	return view(s.doc[start:s.pos]), nil
}

func (s *scanner) digits() int {
	start := s.pos
	for s.pos < len(s.doc) && s.doc[s.pos] >= '0' && s.doc[s.pos] <= '9' {
		s.pos++
	}
	return s.pos - start
}

// literal reads true, false or null and returns its text.
func (s *scanner) literal() (string, error) {
	for _, word := range [...]string{"true", "false", "null"} {
		if rest := s.doc[s.pos:]; len(rest) >= len(word) && view(rest[:len(word)]) == word {
			s.pos += len(word)
			return word, nil
		}
	}
	return "", s.unexpected("a value")
}

// scalar reads a value of that kind, which is neither object nor array, and returns its text.
func (s *scanner) scalar(k kind) (string, error) {
	switch k {
	case kindString:
		return s.text()
	case kindNumber:
		return s.number()
	}
	return s.literal()
}

// skip reads a value of that kind and forgets it.
func (s *scanner) skip(k kind) error {
	switch k {
	case kindObject:
		return s.skipObject()
	case kindArray:
		return s.skipArray()
	}
	arena := len(s.arena)
	_, err := s.scalar(k)
	s.arena = s.arena[:arena]
	return err
}

// skipObject and skipArray call each other through skip as deep as open allows.
func (s *scanner) skipObject() error {
	if err := s.open(); err != nil {
		return err
	}
	for first := true; ; {
		_, more, err := s.key(&first)
		if !more || err != nil {
			return err
		}
		if err := s.skipNext(); err != nil {
			return err
		}
	}
}

func (s *scanner) skipArray() error {
	if err := s.open(); err != nil {
		return err
	}
	for first := true; ; {
		more, err := s.more(']', &first)
		if !more || err != nil {
			return err
		}
		if err := s.skipNext(); err != nil {
			return err
		}
	}
}

func (s *scanner) skipNext() error {
	k, err := s.peek()
	if err != nil {
		return err
	}
	return s.skip(k)
}

// end checks that nothing follows the document.
func (s *scanner) end() error {
	if s.space(); s.pos < len(s.doc) {
		return s.unexpected("the end")
	}
	return nil
}

// unreadable reports whether err is the fault of the document.
func unreadable(err error) bool {
	var syntax *syntaxError
	return errors.As(err, &syntax) || errors.Is(err, errDepth) || errors.Is(err, errNoEvents)
}

// view returns b as a string that shares its memory.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
