package enrich

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/footfall-analytics/footfall/internal/event"
)

func TestParsePage(t *testing.T) {
	f := func(raw, wantHost, wantPage string, keep ...string) {
		t.Helper()
		if l, _ := ParsePage(raw, "Base.example:8080", keep); l.Hostname != wantHost || l.Page != wantPage {
			t.Errorf("%q: got %q %q, want %q %q", raw, l.Hostname, l.Page, wantHost, wantPage)
		}
	}
	const base = "base.example"
	f("", base, "/")
	f("/", base, "/")
	f("pricing", base, "/pricing")
	f("?utm_source=x", base, "/")
	f("#top", base, "/")
	f("https://Example.COM", "example.com", "/")
	f("https://Example.COM.:443/a/B/", "example.com", "/a/B/")
	f("http://user:pw@example.com:80/x?y#z", "example.com", "/x")
	f("//cdn.example.com/x", "cdn.example.com", "/x")
	f("https://[2001:db8::1]:8443/x", "2001:db8::1", "/x")
	f("http://localhost:3000/x", "localhost", "/x")
	f("https://xn--bcher-kva.example/b", "xn--bcher-kva.example", "/b")
	f("https://bad host/x", base, "/x")
	f("file:///C:/x.html", base, "/C:/x.html")
	f("/redirect?to=https://other.example/", base, "/redirect")
	f("/caf%C3%A9/A%2Fb/?x=1", base, "/café/A%2Fb/")
	f("/100%25%20%3Fa%23", base, "/100%25 %3Fa%23")
	f("/a%20b", base, "/a b")
	f("/%FF", base, "/%FF")           // no UTF-8
	f("/x%00%20y", base, "/x%00%20y") // a control
	f("/50%", base, "/50%")
	f("/%zz%4", base, "/%zz%4")
	f("/%2520", base, "/%2520")
	f("/a+b", base, "/a+b")
	f("/s?q=1&id=7&page=2&id=8", base, "/s?id=7&page=2", "id", "page")
	f("/s?page=2&id=7", base, "/s?id=7&page=2", "id", "page", "none")
	f("/\x00a\u2028b", base, "/ab")
}

func TestParams(t *testing.T) {
	f := func(query string, want Params) {
		t.Helper()
		if l, _ := ParsePage("/?"+query, "", nil); l.Params != want {
			t.Errorf("%q: got %+v, want %+v", query, l.Params, want)
		}
	}
	f("utm_source=a&utm_medium=b&utm_campaign=c&utm_term=d&utm_content=e", Params{"a", "b", "c", "d", "e", ""})
	f("utm_source=spring%20sale&utm_campaign=a+b%2B", Params{Source: "spring sale", Campaign: "a b+"})
	f("utm_source=&utm_source=x&utm_source=y", Params{Source: "x"})
	f("ref=a", Params{Source: "a"})
	f("source=a&ref=b", Params{Source: "a"})
	f("ref=b&utm_source=a", Params{Source: "a"})
	f("gclid=1&fbclid=2", Params{ClickID: "gclid"})
	f("gclid=", Params{})
	f("UTM_SOURCE=x&x=1&=&&", Params{})
	f("utm_source=%zz%e2%82&utm_medium=a%0Ab", Params{Source: "%zz", Medium: "ab"})
}

func TestParsePageCuts(t *testing.T) {
	l, truncated := ParsePage("/"+strings.Repeat("ü", 2000), "h", nil)
	if !truncated || len(l.Page) > event.MaxURLBytes || !utf8.ValidString(l.Page) {
		t.Errorf("%v, %d bytes", truncated, len(l.Page))
	}
	l, truncated = ParsePage("/?utm_source="+strings.Repeat("a", 1000), "h", nil)
	if !truncated || len(l.Params.Source) != event.MaxNameBytes {
		t.Errorf("%v, %d bytes", truncated, len(l.Params.Source))
	}
}

func FuzzParsePage(f *testing.F) {
	for _, raw := range []string{"https://u@Example.com:1/a%20b?utm_source=x&id=1#f", "//[::1]/", "/%C3%A9%2F", "?ref=%", "a://b@@c:d:e", "\xff://\xff/%FF", "/?=&%&+"} {
		f.Add(raw, "example.com")
	}
	f.Fuzz(func(t *testing.T, raw, base string) {
		l, _ := ParsePage(raw, base, []string{"id"})
		if !strings.HasPrefix(l.Page, "/") {
			t.Errorf("page %q", l.Page)
		}
		for _, text := range []string{l.Page, l.Hostname, l.Params.Source, l.Params.Medium, l.Params.Campaign} {
			if clean, cut := Clean(text, event.MaxURLBytes); clean != text || cut {
				t.Errorf("%q is not clean", text)
			}
		}
	})
}

func BenchmarkParsePage(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		ParsePage("https://example.com/blog/a-post?utm_source=newsletter&utm_medium=email&utm_campaign=spring", "example.com", nil)
	}
}
