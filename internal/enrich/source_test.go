package enrich

import (
	"strings"
	"testing"

	"github.com/footfall-analytics/footfall/internal/event"
)

func sources(t testing.TB) *Sources {
	t.Helper()
	s, err := NewSources()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAttribute(t *testing.T) {
	s := sources(t)
	f := func(page, referrer, want string) {
		t.Helper()
		l, _ := ParsePage("https://www.example.com"+page, "", nil)
		a := s.Attribute(l, referrer)
		if got := strings.Join([]string{a.Source, a.Medium, a.Channel, a.Referrer}, "|"); got != want {
			t.Errorf("%q from %q:\n got %s\nwant %s", page, referrer, got, want)
		}
	}
	// Referrers.
	f("/", "", "||Direct|")
	f("/", "https://www.example.com/other", "||Direct|")
	f("/", "https://EXAMPLE.com/", "||Direct|")
	f("/", "https://shop.example.com/cart?x#y", "shop.example.com|referral|Referral|shop.example.com/cart")
	f("/", "https://www.google.com/", "Google|organic|Organic Search|google.com")
	f("/", "https://www.google.co.uk/search?q=secret", "Google|organic|Organic Search|google.co.uk/search")
	f("/", "https://images.google.de/", "Google|organic|Organic Search|images.google.de")
	f("/", "https://docs.google.com/document/d/1", "Google Docs|referral|Referral|docs.google.com/document/d/1")
	f("/", "https://google.evil.example/", "google.evil.example|referral|Referral|google.evil.example")
	f("/", "https://mail.google.com/mail/u/0/", "Gmail|email|Email|mail.google.com/mail/u/0/")
	f("/", "https://gemini.google.com/", "Gemini|referral|AI Assistants|gemini.google.com")
	f("/", "https://chatgpt.com/", "ChatGPT|referral|AI Assistants|chatgpt.com")
	f("/", "https://www.perplexity.ai/search/x", "Perplexity|referral|AI Assistants|perplexity.ai/search/x")
	f("/", "https://l.facebook.com/l.php?u=x", "Facebook|referral|Organic Social|l.facebook.com/l.php")
	f("/", "https://t.co/abc", "X|referral|Organic Social|t.co/abc")
	f("/", "https://news.ycombinator.com/item?id=1", "Hacker News|referral|Organic Social|news.ycombinator.com/item")
	f("/", "https://m.youtube.com/watch?v=1", "YouTube|referral|Organic Video|m.youtube.com/watch")
	f("/", "https://www.amazon.de/dp/1", "Amazon|referral|Organic Shopping|amazon.de/dp/1")
	f("/", "https://r.search.yahoo.com/x", "Yahoo!|organic|Organic Search|r.search.yahoo.com/x")
	f("/", "android-app://com.google.android.gm/", "Gmail|email|Email|com.google.android.gm")
	f("/", "android-app://org.telegram.messenger", "Telegram|referral|Organic Social|org.telegram.messenger")
	f("/", "https://blog.example.org:8443/a", "blog.example.org|referral|Referral|blog.example.org/a")
	f("/", "duckduckgo.com", "DuckDuckGo|organic|Organic Search|duckduckgo.com")
	f("/", "garbage", "||Direct|")
	f("/", "https://", "||Direct|")
	// Parameters go before referrers.
	f("/?utm_source=newsletter&utm_medium=email", "https://www.google.com/", "newsletter|email|Email|google.com")
	f("/?utm_source=google&utm_medium=cpc", "", "Google|cpc|Paid Search|")
	f("/?utm_source=fb&utm_medium=paid_social", "", "Facebook|paid_social|Paid Social|")
	f("/?utm_source=bing&utm_medium=organic", "", "Bing|organic|Organic Search|")
	f("/?utm_source=youtube.com&utm_medium=cpv", "", "YouTube|cpv|Paid Video|")
	f("/?ref=producthunt", "", "Product Hunt||Organic Social|")
	f("/?ref=somebody", "", "somebody||Referral|")
	f("/?utm_source=chatgpt.com", "", "ChatGPT||AI Assistants|")
	// Click ids.
	f("/?gclid=x", "https://www.google.com/", "Google|cpc|Paid Search|google.com")
	f("/?gclid=x", "", "Google|cpc|Paid Search|")
	f("/?dclid=x", "", "Google|display|Display|")
	f("/?msclkid=x", "https://www.bing.com/", "Bing|cpc|Paid Search|bing.com")
	f("/?ttclid=x", "", "TikTok|cpc|Paid Social|")
	f("/?fbclid=x", "https://m.facebook.com/", "Facebook|referral|Organic Social|m.facebook.com")
	f("/?fbclid=x", "https://l.instagram.com/", "Instagram|referral|Organic Social|l.instagram.com")
	f("/?fbclid=x", "", "Facebook|referral|Organic Social|")
	f("/?gclid=x&utm_source=partner&utm_medium=banner", "", "partner|banner|Display|")
	f("/?mc_cid=1", "", "Mailchimp|email|Email|")
}

func TestChannels(t *testing.T) {
	s := sources(t)
	f := func(source, medium, campaign, want string) {
		t.Helper()
		a := s.Attribute(Landing{Params: Params{Source: source, Medium: medium, Campaign: campaign}}, "")
		if a.Channel != want {
			t.Errorf("%q / %q / %q: got %s, want %s", source, medium, campaign, a.Channel, want)
		}
	}
	f("", "", "", "Direct")
	f("google", "cpc", "Cross-network summer", "Cross-network")
	f("amazon", "cpc", "", "Paid Shopping")
	f("partner", "ppc", "eshop-2026", "Paid Shopping")
	f("partner", "ppc", "workshop", "Paid Other")
	f("google", "ppc", "", "Paid Search")
	f("facebook", "retargeting", "", "Paid Social")
	f("youtube", "paid", "", "Paid Video")
	f("partner", "banner", "", "Display")
	f("partner", "display", "", "Display")
	f("partner", "cpc", "", "Paid Other")
	f("partner", "paid-x", "", "Paid Other")
	f("etsy", "post", "", "Organic Shopping")
	f("partner", "post", "winter shopping", "Organic Shopping")
	f("partner", "social-media", "", "Organic Social")
	f("reddit", "post", "", "Organic Social")
	f("partner", "Video-ad", "", "Organic Video")
	f("vimeo", "post", "", "Organic Video")
	f("claude.ai", "referral", "", "AI Assistants")
	f("partner", "organic", "", "Organic Search")
	f("ecosia", "x", "", "Organic Search")
	f("partner", "E-Mail", "", "Email")
	f("newsletter", "issue-7", "", "Email")
	f("partner", "affiliate", "", "Affiliates")
	f("partner", "referral", "", "Referral")
	f("partner", "link", "", "Referral")
	f("partner", "audio", "", "Audio")
	f("sms", "x", "", "SMS")
	f("sms", "", "", "SMS")
	f("firebase", "", "", "Mobile Push Notifications")
	f("partner", "", "", "Referral")
	f("partner", "sms", "", "SMS")
	f("partner", "web-push", "", "Mobile Push Notifications")
	f("firebase", "x", "", "Mobile Push Notifications")
	f("partner", "odd", "", "Unassigned")
}

func TestSpam(t *testing.T) {
	s := sources(t)
	for referrer, want := range map[string]bool{"https://semalt.com/x": true, "http://www.42.semalt.com/": true, "semalt.com": true, "https://notsemalt.com/": false, "": false, "https://google.com/": false} {
		if s.Spam(referrer) != want {
			t.Errorf("%q: not %v", referrer, want)
		}
	}
}

func FuzzAttribute(f *testing.F) {
	for _, r := range []string{"https://www.google.co.uk/search?q=x", "android-app://com.x/", "//", "a.b/c", "https://x@y:z/%C3%A9", "http://.../", "https://co.uk/", "\x00\xff.\xff"} {
		f.Add(r, "example.com", "x", "y")
	}
	s := sources(f)
	f.Fuzz(func(t *testing.T, referrer, host, source, medium string) {
		source, _ = Clean(source, event.MaxNameBytes)
		medium, _ = Clean(medium, event.MaxNameBytes)
		a := s.Attribute(Landing{Hostname: host, Params: Params{Source: source, Medium: medium}}, referrer)
		s.Spam(referrer)
		if a.Channel == "" {
			t.Error("no channel")
		}
		for _, text := range []string{a.Referrer, a.Source, a.Medium} {
			if clean, cut := Clean(text, event.MaxURLBytes); clean != text || cut {
				t.Errorf("%q is not clean", text)
			}
		}
	})
}

func BenchmarkAttribute(b *testing.B) {
	s := sources(b)
	l, _ := ParsePage("https://example.com/?utm_source=newsletter&utm_medium=email", "", nil)
	for name, referrer := range map[string]string{"direct": "", "search": "https://www.google.co.uk/", "unknown": "https://blog.some-site.example.org/a/b"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Attribute(Landing{Hostname: "example.com"}, referrer)
			}
		})
	}
	b.Run("campaign", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Attribute(l, "")
		}
	})
	b.Run("build", func(b *testing.B) {
		for b.Loop() {
			sources(b)
		}
	})
}
