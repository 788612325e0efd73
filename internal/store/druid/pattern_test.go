package druid

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/footfall-analytics/footfall/internal/query"
)

// Texts and patterns that RE2 and Java see differently, or might.
var (
	oddTexts = []string{"a", "A", "b", "ab", "aab", "a.b", "a+b", "(a)", "[a]", "{a}", "a|b", "a^b", "a$", "$", "^", "a\\b", "a\\Qb", "a b", "a-b", "a_b", "a&&b", "#a", "ä", "Ä", "ß", "ẞ", "SS",
		"ſ", "s", "S", "k", "K", "K", "σ", "ς", "Σ", "İ", "ı", "i", "I", "é", "é", "日本", "🎉", "a🎉b", "1", "٣", "a1_", " ", " ", " x", "x ", "ǅ", "ǆ", "Ǆ", "Ω", "ω", "Å", "å"}
	oddPatterns = []string{"a", "^a$", "a$", "^b", ".", "^.$", "^..$", "a.b", `a\.b`, `a\+b`, `\(a\)`, `\[a]`, `[\[a]`, "a|b", "(a|b)+$", "^(?:ab)+$", "a*", "a+?b", "a{2}", "a{1,2}b", "^[^a]$", `\d`, `^\D$`,
		`\w`, `^\W+$`, `\s`, `^\S$`, `\bb`, `a\b`, `\Bb`, `\x41`, `\x{1F389}`, `\Qa.b\E`, "[a-c&&b]", "[a&&b]", "#a", `\pL`, `^\PL$`, `\p{Greek}`, `^\p{Lu}$`, `\p{Han}`, "[[:alpha:]]", "^[[:^alpha:]]$", "[[:punct:]]", `\$$`, `\^`, `\\`, "(?i)a",
		"(?i)ß", "(?i)k", "(?i)ſ", "(?i)σ", "(?i)İ", "(?i)i", "(?i)[k-l]", "(?i)[^k]", "(?i)å", "(?i)ω", "(?i)ǆ", "(?s)^.$", "(?m)^a$", "(?U)a+", "(?P<name>a)b", "^$", "", "x*", "[^\\x00-\\x{10FFFF}]", `\z`, `\Aa\z`, "é", "^🎉$", "a🎉?b", "[ab]{2,3}", "(a?){3}b", `[\d_]$`, `[^\w]`, `\t| `}
)

// A pattern matches what it matches in Go, whose language RE2's is, with and without regard to case.
func TestPatterns(t *testing.T) {
	s, o := openTest(t, nil), newObjects(t)
	r := rand.New(rand.NewPCG(21, 22))
	var views []*pageView
	var rows []plain
	for i, text := range oddTexts {
		row := dayOfViews(r, "s", day(0), 2)[1]
		row.Page, row.BotBand, row.Timestamp = text, 0, day(0).Add(time.Duration(i)*time.Minute).UnixMilli()
		views, rows = append(views, row), append(rows, plainView(row))
	}
	replaceDays(t, s, 0, 1, o.put(t, "a", anyRows(views)))
	page := query.Column{Table: query.RollupTable, Name: "page"}
	part := query.Part{View: query.ViewPageViews, WebsiteID: "s", Threshold: 2, Ranges: []query.Range{{From: day(0).UnixMilli(), To: day(1).UnixMilli()}},
		Dimensions: []query.Column{page}, Measures: []query.Measure{query.PageviewCount}}
	for _, pattern := range oddPatterns {
		for _, fold := range []bool{false, true} {
			part.Where = &query.Predicate{Op: "matches", Column: &page, Values: []string{pattern}, Fold: fold}
			compare(t, s, part, rows)
		}
	}
	for _, op := range []string{"in", "contains"} {
		for _, text := range oddTexts {
			part.Where = &query.Predicate{Op: op, Column: &page, Values: []string{text}, Fold: true}
			compare(t, s, part, rows)
		}
	}
}

// Patterns over which Java would sit for ever, or RE2's users would not expect it to.
var heavyPatterns = []string{"(a+)+$", "(a|aa)*b", "(?:a?){25}a{25}", "^(a*)*!", "a*a*a*a*a*b", "([a-z]+)*$", "(x+x+)+y"}

// A heavy pattern is matched here, and means the same.
func TestHeavyPatterns(t *testing.T) {
	s, o := openTest(t, nil), newObjects(t)
	r := rand.New(rand.NewPCG(23, 24))
	var views []*pageView
	var rows []plain
	for i, text := range append(oddTexts, "", strings.Repeat("a", 60)+"!", strings.Repeat("x", 60), strings.Repeat("a", 40)) {
		row := dayOfViews(r, "s", day(0), 2)[1]
		row.Page, row.BotBand, row.Timestamp = text, 0, day(0).Add(time.Duration(i)*time.Minute).UnixMilli()
		views, rows = append(views, row), append(rows, plainView(row))
	}
	replaceDays(t, s, 0, 1, o.put(t, "a", anyRows(views)))
	page, source := query.Column{Table: query.RollupTable, Name: "page"}, query.Column{Table: query.RollupTable, Name: "source"}
	part := query.Part{View: query.ViewPageViews, WebsiteID: "s", Threshold: 2, Ranges: []query.Range{{From: day(0).UnixMilli(), To: day(1).UnixMilli()}},
		Dimensions: []query.Column{page}, Measures: []query.Measure{query.PageviewCount, query.VisitorSketch}}
	for _, pattern := range heavyPatterns {
		heavy := &query.Predicate{Op: "matches", Column: &page, Values: []string{"^!", pattern}, Fold: true, Empty: len(pattern)%2 == 0}
		some := &query.Predicate{Op: "in", Column: &source, Values: []string{"", "Google", "X"}}
		for _, where := range []*query.Predicate{heavy, {Op: "not", Args: []*query.Predicate{heavy}}, {Op: "and", Args: []*query.Predicate{some, heavy}}} {
			part.Where = where
			compare(t, s, part, rows)
		}
	}
}

// newLetters are capitals that Java's edition of Unicode (13) does not know.
var newLetters = []rune{0x2C2F, 0xA7C0, 0xA7D0, 0xA7D6, 0xA7D8, 0xA7CB, 0xA7CC, 0xA7DA, 0xA7DC}

// Every letter that has a small one is folded to it.
func TestEveryLetterFolds(t *testing.T) {
	s := openTest(t, nil)
	var letters []rune
	for letter := rune(0x20); letter <= unicode.MaxRune; letter++ {
		known := letter < 0x10570 || letter >= 0x10600 && letter < 0x10D50 || letter >= 0x10D90 && letter < 0x16EA0 || letter >= 0x16EE0
		if unicode.ToLower(letter) != letter && known && !slices.Contains(newLetters, letter) {
			letters = append(letters, letter)
		}
	}
	for some := range slices.Chunk(letters, 400) {
		text := "select " + fmt.Sprintf(s.dialect.Lower, "?")
		err := s.each(context.Background(), s.brokers, text, []any{string(some)}, func(fields [][]byte) error {
			lower, err := appendText(nil, fields[0])
			got := []rune(string(lower))
			for i, want := range []rune(strings.Map(unicode.ToLower, string(some))) {
				if i >= len(got) || got[i] != want {
					t.Errorf("%c (%U): got %q", some[i], some[i], got[min(i, len(got)-1)])
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(letters) < 1000 {
		t.Errorf("only %d letters", len(letters))
	}
}
