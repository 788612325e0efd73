package sqlgen

import (
	"fmt"
	"regexp/syntax"
	"strings"
	"unicode"
)

// javaPattern rewrites an RE2 pattern as one that java.util.regex takes to mean the same. The two languages look alike and differ
// in what $, ., \s, \b and (?i) mean, in the classes they know, and in what else is special; so the pattern is parsed, and
// written with the few things that are the same in both. A pattern that does not parse, which the query language has refused
// before, matches nothing.
func javaPattern(pattern string, fold bool) string {
	flags := syntax.Perl
	if fold {
		flags |= syntax.FoldCase
	}
	parsed, err := syntax.Parse(pattern, flags)
	if err != nil {
		return never
	}
	var out strings.Builder
	writeJava(&out, parsed.Simplify())
	return out.String()
}

// What Java writes in its own way.
const (
	never        = `(?!)`
	word         = `[0-9A-Za-z_]`
	wordBoundary = `(?:(?<=` + word + `)(?!` + word + `)|(?<!` + word + `)(?=` + word + `))`
	noBoundary   = `(?:(?<=` + word + `)(?=` + word + `)|(?<!` + word + `)(?!` + word + `))`
)

// fixedJava are the operators that stand for themselves.
var fixedJava = map[syntax.Op]string{
	syntax.OpNoMatch: never, syntax.OpEmptyMatch: `(?:)`, syntax.OpAnyCharNotNL: `[^\n]`, syntax.OpAnyChar: `[\x{0}-\x{10FFFF}]`,
	syntax.OpBeginLine: `(?<![^\n])`, syntax.OpEndLine: `(?![^\n])`, syntax.OpBeginText: `\A`, syntax.OpEndText: `\z`,
	syntax.OpWordBoundary: wordBoundary, syntax.OpNoWordBoundary: noBoundary,
}

var repeatJava = map[syntax.Op]string{syntax.OpStar: "*", syntax.OpPlus: "+", syntax.OpQuest: "?"}

// writeJava writes a parsed pattern, each piece so that it stands alone. Captures and laziness do not matter: it is asked whether
// there is a match.
func writeJava(out *strings.Builder, re *syntax.Regexp) {
	if text, ok := fixedJava[re.Op]; ok {
		out.WriteString(text)
		return
	}
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			writeRune(out, r, re.Flags&syntax.FoldCase != 0)
		}
	case syntax.OpCharClass:
		writeClass(out, re.Rune)
	default:
		writeGroup(out, re)
	}
}

func writeGroup(out *strings.Builder, re *syntax.Regexp) {
	out.WriteString("(?:")
	for i, sub := range re.Sub {
		if i > 0 && re.Op == syntax.OpAlternate {
			out.WriteByte('|')
		}
		if _, repeated := repeatJava[re.Op]; repeated {
			out.WriteString("(?:")
			writeJava(out, sub)
			out.WriteByte(')')
			continue
		}
		writeJava(out, sub)
	}
	out.WriteString(repeatJava[re.Op])
	out.WriteByte(')')
}

// writeRune writes a letter, or all that it folds to.
func writeRune(out *strings.Builder, r rune, fold bool) {
	if fold && unicode.SimpleFold(r) != r {
		out.WriteByte('[')
		fmt.Fprintf(out, `\x{%X}`, r)
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			fmt.Fprintf(out, `\x{%X}`, other)
		}
		out.WriteByte(']')
		return
	}
	if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("/_-:,;@%=~ ", r)) {
		out.WriteRune(r)
		return
	}
	fmt.Fprintf(out, `\x{%X}`, r)
}

// writeClass writes pairs of first and last letter.
func writeClass(out *strings.Builder, pairs []rune) {
	if len(pairs) == 0 {
		out.WriteString(never)
		return
	}
	out.WriteByte('[')
	for i := 0; i < len(pairs); i += 2 {
		fmt.Fprintf(out, `\x{%X}-\x{%X}`, pairs[i], pairs[i+1])
	}
	out.WriteByte(']')
}

// maxRepeats is how many repetitions without an end, and choices, a pattern may have side by side before it is heavy.
const maxRepeats = 3

// Heavy reports whether a pattern may take an engine that tries one way after the other, as Java's does, very long for some texts;
// RE2 takes none long. Such are repetitions within repetitions, choices within repetitions, and many of either in a row.
func Heavy(pattern string) bool {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return false
	}
	repeats, nested := 0, false
	countRepeats(parsed, false, &repeats, &nested)
	return nested || repeats > maxRepeats
}

// countRepeats counts the endless repetitions and the choices of re; inside says that re stands in a repetition of any kind.
func countRepeats(re *syntax.Regexp, inside bool, repeats *int, nested *bool) {
	switch re.Op {
	case syntax.OpStar, syntax.OpPlus:
		*repeats++
		*nested = *nested || inside
		inside = true
	case syntax.OpRepeat:
		*repeats++ // a{0,500} is as good as endless
		*nested = *nested || inside
		inside = true
	case syntax.OpQuest, syntax.OpAlternate: // each doubles the ways
		*repeats++
		*nested = *nested || inside
	}
	for _, sub := range re.Sub {
		countRepeats(sub, inside, repeats, nested)
	}
}
