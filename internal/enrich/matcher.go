package enrich

import (
	"errors"
	"strings"
)

// automaton finds all words of a list in one pass over a text (Aho-Corasick), whatever their number. State 0 is the start.
type automaton struct {
	classes [256]uint8 // of bytes; 0: in no word
	width   int        // number of classes
	states  int
	next    []uint16 // state*width + class -> state
}

// newAutomaton returns one for the bytes of words, with room for all of them, but without them.
func newAutomaton(words []string) (*automaton, error) {
	a := &automaton{width: 1, states: 1}
	total := 1
	for _, word := range words {
		total += len(word)
		for _, c := range []byte(word) {
			if a.classes[c] == 0 {
				a.classes[c] = uint8(a.width)
				a.width++
			}
		}
	}
	if total > 1<<16 {
		return nil, errors.New("the words are over 64 KiB")
	}
	a.next = make([]uint16, a.width, total*a.width)
	return a, nil
}

// insert adds a word and returns the state where it ends.
func (a *automaton) insert(word string) int {
	state := 0
	for i := range len(word) {
		at := state*a.width + int(a.classes[word[i]])
		if a.next[at] == 0 {
			a.next[at] = uint16(a.states)
			a.next = a.next[:len(a.next)+a.width]
			a.states++
		}
		state = int(a.next[at])
	}
	return state
}

// link lets each state without a branch go where its longest proper suffix goes. It calls inherit for each state after
// its suffix, which is shorter, so that what ends there can be passed on.
func (a *automaton) link(inherit func(state, suffix int)) {
	suffix := make([]uint16, a.states)
	queue := make([]uint16, 0, a.states)
	for _, state := range a.next[:a.width] {
		if state != 0 {
			queue = append(queue, state)
		}
	}
	for len(queue) > 0 {
		state := int(queue[0])
		queue = queue[1:]
		back := int(suffix[state])
		inherit(state, back)
		for class := range a.width {
			at := state*a.width + class
			if child := a.next[at]; child != 0 {
				suffix[child] = a.next[back*a.width+class]
				queue = append(queue, child)
			} else {
				a.next[at] = a.next[back*a.width+class]
			}
		}
	}
}

// step returns the state after one more byte.
func (a *automaton) step(state int, c byte) int {
	return int(a.next[state*a.width+int(a.classes[c])])
}

// matcher finds the words of a list of crawlers. The text must be in lower case.
type matcher struct {
	*automaton
	kinds   []uint8 // of the words that end in a state
	lengths []uint8 // of the longest of them
}

// What kind of word ends in a state.
const (
	wordFree  = 1 << iota // anywhere
	wordStart             // at the start of the text only
	wordEnd               // followed by no word character
	wordBoth              // the whole text from its start to a word's end
)

// newMatcher builds a matcher from lines: a word, with "^" in front and "$" behind as data/update.mjs says.
func newMatcher(list string) (*matcher, error) {
	lines := strings.Split(strings.TrimRight(list, "\n"), "\n")
	a, err := newAutomaton(lines)
	if err != nil {
		return nil, err
	}
	m := &matcher{automaton: a, kinds: make([]uint8, len(list)+1), lengths: make([]uint8, len(list)+1)}
	for _, line := range lines {
		word, atEnd := strings.CutSuffix(line, "$")
		word, atStart := strings.CutPrefix(word, "^")
		state := m.insert(word)
		m.kinds[state] |= kindOf(atStart, atEnd)
		m.lengths[state] = uint8(min(len(word), 255))
	}
	m.link(func(state, suffix int) {
		if m.kinds[state] == 0 {
			m.lengths[state] = m.lengths[suffix]
		}
		m.kinds[state] |= m.kinds[suffix] &^ (wordStart | wordBoth) // a suffix does not begin at the start
	})
	return m, nil
}

func kindOf(atStart, atEnd bool) uint8 {
	switch {
	case atStart && atEnd:
		return wordBoth
	case atStart:
		return wordStart
	case atEnd:
		return wordEnd
	}
	return wordFree
}

// find returns the bounds of the first word of the list in text that names a crawler, to 0 where there is none, and whether
// an address stands before it.
func (m *matcher) find(text []byte) (from, to int, address bool) {
	state := 0
	for i, c := range text {
		state = m.step(state, c)
		if m.kinds[state] == 0 {
			continue
		}
		from, to = i+1-int(m.lengths[state]), i+1
		switch {
		case !m.stands(state, text, from, to):
		case isAddress(text[from:to]):
			address = true
		case !excused(text, from, to):
			return from, to, address
		}
	}
	return 0, 0, address
}

// stands reports whether a word that ends in state may stand where it was found.
func (m *matcher) stands(state int, text []byte, from, to int) bool {
	kinds := m.kinds[state]
	atEnd := to == len(text) || !isWord(text[to])
	return kinds&wordFree != 0 || kinds&wordEnd != 0 && atEnd || from == 0 && (kinds&wordStart != 0 || kinds&wordBoth != 0 && atEnd)
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c == '_'
}

// tagger finds which words of a list stand somewhere in a text. Each word has a tag below 128; several may share one.
type tagger struct {
	*automaton
	tags []tagSet // of the words that end in a state
}

// tagSet is a set of tags.
type tagSet [2]uint64

func (s *tagSet) add(tag int)     { s[tag>>6] |= 1 << (tag & 63) }
func (s tagSet) has(tag int) bool { return s[tag>>6]>>(tag&63)&1 != 0 }

// newTagger builds a tagger from the words of each tag.
func newTagger(words map[int][]string) (*tagger, error) {
	var all []string
	for _, some := range words {
		all = append(all, some...)
	}
	a, err := newAutomaton(all)
	if err != nil {
		return nil, err
	}
	t := &tagger{automaton: a, tags: make([]tagSet, cap(a.next)/a.width)}
	for tag, some := range words {
		for _, word := range some {
			t.tags[t.insert(word)].add(tag)
		}
	}
	t.link(func(state, suffix int) {
		t.tags[state][0] |= t.tags[suffix][0]
		t.tags[state][1] |= t.tags[suffix][1]
	})
	return t, nil
}

// find returns the tags of all words in text.
func (t *tagger) find(text []byte) (found tagSet) {
	state := 0
	for _, c := range text {
		state = t.step(state, c)
		found[0] |= t.tags[state][0]
		found[1] |= t.tags[state][1]
	}
	return found
}
