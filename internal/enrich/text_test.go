package enrich

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	f := func(in string, max int, want string, wantCut bool) {
		t.Helper()
		if got, cut := Clean(in, max); got != want || cut != wantCut {
			t.Errorf("%q, %d: got %q, %v; want %q, %v", in, max, got, cut, want, wantCut)
		}
	}
	f("", 5, "", false)
	f("plain", 5, "plain", false)
	f("plain", 4, "plai", true)
	f("grüße", 100, "grüße", false)
	f("grüße", 3, "gr", true)
	f("grüße", 4, "grü", true)
	f("🙂", 3, "", true)
	f("a\x00b\tc\nd\x7fe", 100, "abcde", false)
	f("a\u0085b\u2028c\u2029d\ufeffe", 100, "abcde", false)
	f("a\ufffe\uffff\ufdd0\U0001fffeb", 100, "ab", false)
	f("a\xffb\xc3", 100, "ab", false)
	f("a\ufffdb", 100, "a\ufffdb", false)
	f("\x01\x02abc", 3, "abc", false)
	f("زنجبيل\u200c", 100, "زنجبيل\u200c", false) // joiners are part of words
	f("abc", 0, "", true)
	f("abc", -1, "", true)
	long := strings.Repeat("a clean text ", 20)
	if n := testing.AllocsPerRun(100, func() { Clean(long, 100) }); n != 0 {
		t.Errorf("%v allocations for clean text", n)
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "plain", "grüße\x00", "\xff\xfe\u2028", "🙂🙂", "\xed\xa0\x80"} {
		f.Add(s, 4)
	}
	f.Fuzz(func(t *testing.T, s string, max int) {
		out, _ := Clean(s, max)
		if !utf8.ValidString(out) || len(out) > len(s) || max >= 0 && len(out) > max {
			t.Fatalf("%q", out)
		}
		if strings.ContainsFunc(out, unicode.IsControl) {
			t.Fatalf("%q has a control character", out)
		}
		if again, cut := Clean(out, len(out)); again != out || cut {
			t.Fatalf("%q is not stable", out)
		}
	})
}

func BenchmarkClean(b *testing.B) {
	for name, text := range map[string]string{"ascii": strings.Repeat("a", 60), "not ascii": strings.Repeat("grüße ", 9)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Clean(text, 512)
			}
		})
	}
}
