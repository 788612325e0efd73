package enrich

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseAgent(t *testing.T) {
	p := parser(t)
	f := func(ua, want string) {
		t.Helper()
		a := p.Parse(ua)
		got := strings.Join([]string{a.DeviceType, a.Browser, a.BrowserVersion, a.OS, a.OSVersion, a.Crawler}, "|")
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", ua, got, want)
		}
	}
	const webkit = "AppleWebKit/537.36 (KHTML, like Gecko) "
	f("Mozilla/5.0 (Windows NT 10.0; Win64; x64) "+webkit+"Chrome/130.0.0.0 Safari/537.36", "desktop|Chrome|130|Windows|10|")
	f("Mozilla/5.0 (Windows NT 10.0; Win64; x64) "+webkit+"Chrome/130.0.0.0 Safari/537.36 Edg/130.0.2849.80", "desktop|Edge|130|Windows|10|")
	f("Mozilla/5.0 (Windows NT 10.0; Win64; x64) "+webkit+"Chrome/128.0.0.0 Safari/537.36 OPR/114.0.0.0", "desktop|Opera|114|Windows|10|")
	f("Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko", "desktop|Internet Explorer|11|Windows|7|")
	f("Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 5.1; Trident/4.0)", "desktop|Internet Explorer|8|Windows|XP|")
	f("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0", "desktop|Firefox|132|Windows|10|")
	f("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", "desktop|Firefox|132|Ubuntu||")
	f("Mozilla/5.0 (X11; Linux x86_64) "+webkit+"Chrome/130.0.0.0 Safari/537.36", "desktop|Chrome|130|Linux||")
	f("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) "+webkit+"Chrome/130.0.0.0 Safari/537.36", "desktop|Chrome|130|Chrome OS||")
	f("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Safari/605.1.15", "desktop|Safari|17|macOS|10.15|")
	f("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1", "mobile|Safari|17|iOS|17.5|")
	f("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/130.0.6723.90 Mobile/15E148 Safari/604.1", "mobile|Chrome|130|iOS|17.5|")
	f("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148", "mobile|Safari WebView||iOS|17.5|")
	f("Mozilla/5.0 (iPad; CPU OS 16_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1", "tablet|Safari|16|iPadOS|16.7|")
	f("Mozilla/5.0 (iPhone; CPU iPhone OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/20G75 [FBAN/FBIOS;FBAV/440.0.0.0]", "mobile|Facebook|440|iOS|16.6|")
	f("Mozilla/5.0 (Linux; Android 10; K) "+webkit+"Chrome/130.0.0.0 Mobile Safari/537.36", "mobile|Chrome|130|Android|10|")
	f("Mozilla/5.0 (Linux; Android 13; SM-S908B) "+webkit+"SamsungBrowser/26.0 Chrome/122.0.0.0 Mobile Safari/537.36", "mobile|Samsung Internet|26|Android|13|")
	f("Mozilla/5.0 (Linux; Android 12; SM-T870) "+webkit+"Chrome/130.0.0.0 Safari/537.36", "tablet|Chrome|130|Android|12|")
	f("Mozilla/5.0 (Linux; Android 11; RMX2202 Build/RKQ1; wv) "+webkit+"Version/4.0 Chrome/110.0.0.0 Mobile Safari/537.36", "mobile|Chrome WebView|110|Android|11|")
	f("Mozilla/5.0 (Linux; U; Android 2.3.6; en-us; GT-S5830) AppleWebKit/533.1 (KHTML, like Gecko) Version/4.0 Mobile Safari/533.1", "mobile|Android Browser|4|Android|2|")
	f("Mozilla/5.0 (Linux; U; Android 13; ru-ru; 2201 Build/TP1A) "+webkit+"Version/4.0 Chrome/112.0 Mobile Safari/537.36 XiaoMi/MiuiBrowser/14.9.1-gn", "mobile|Mi Browser|14|Android|13|")
	f("Mozilla/5.0 (Web0S; Linux/SmartTV) "+webkit+"Chrome/87.0.4280.88 Safari/537.36", "tv|Chrome|87|webOS||")
	f("Mozilla/5.0 (PlayStation; PlayStation 5/2.26) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.0 Safari/605.1.15", "console|PlayStation Browser|2|PlayStation|5|")
	f("Mozilla/5.0 (Linux; Android 9; CUBOT X18) "+webkit+"Chrome/110.0.0.0 Mobile Safari/537.36", "mobile|Chrome|110|Android|9|")
	f("Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", "bot|||||AhrefsBot")
	f("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)", "bot|||||GPTBot")
	f("Mozilla/5.0 (compatible; SomethingNew/1.0)", "bot|||||SomethingNew")
	f("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "bot|||||facebookexternalhit")
	f("curl/8.5.0", "bot|||||curl")
	f("Footfall-Android/1.0 (Android 14; mobile; Pixel 8)", "mobile|||Android|14|") // our SDKs have a comment: they are no bare tool
	f("Footfall-IoT/1.0 (Linux 6.1)", "iot|||Linux||")
	f("", "other|||||")
	f("\xff\x00(((", "other|||||")
	if a := p.Parse("Mozilla/5.0 (X11; Linux x86_64) " + webkit + "HeadlessChrome/113.0.0.0 Safari/537.36"); !a.Headless || a.Library {
		t.Errorf("headless: %+v", a)
	}
	if a := p.Parse("python-requests/2.31.0"); !a.Library || a.Headless {
		t.Errorf("library: %+v", a)
	}
}

func TestHints(t *testing.T) {
	p := parser(t)
	chrome := p.Parse("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36")
	brave := chrome.With(ParseHints(`"Chromium";v="130", "Brave";v="131", "Not?A_Brand";v="99"`, `"Linux"`, "?0"))
	if brave.Browser != "Brave" || brave.BrowserVersion != "131" || brave.OS != "Linux" {
		t.Errorf("got %+v", brave)
	}
	if a := chrome.With(ParseHints(`"Google Chrome";v="130"`, `"Linux"`, "?0")); a != chrome {
		t.Errorf("got %+v", a)
	}
	if a := chrome.With(ParseHints("", "", "")); a != chrome {
		t.Errorf("no hints: got %+v", a)
	}
	if a := (Agent{DeviceType: "other"}).With(ParseHints("", `"Android"`, "?1")); a.DeviceType != "mobile" || a.OS != "Android" {
		t.Errorf("got %+v", a)
	}
}

func FuzzParseAgent(f *testing.F) {
	for _, ua := range []string{"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36", "curl/8", "a/b/1/c", "MSIE 7.0", "Opera Mini/8 ((;;", "bot", "@a.b", "trident/", "windows nt ", " os 17_", strings.Repeat("bot ", 400)} {
		f.Add(ua)
	}
	p := parser(f)
	f.Fuzz(func(t *testing.T, ua string) {
		a := p.Parse(ua)
		if a.DeviceType == "" {
			t.Error("no device type")
		}
		for _, text := range []string{a.BrowserVersion, a.OSVersion, a.Crawler} {
			if len(text) > 80 || utf8.ValidString(ua) && !utf8.ValidString(text) {
				t.Errorf("bad text %q", text)
			}
		}
	})
}

func BenchmarkParseAgent(b *testing.B) {
	p := parser(b)
	for name, ua := range map[string]string{
		"desktop": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36 Edg/130.0.2849.80",
		"phone":   "Mozilla/5.0 (Linux; Android 13; SM-S908B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/26.0 Chrome/122.0.0.0 Mobile Safari/537.36",
		"crawler": "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
		"hostile": strings.Repeat("opera mini/1/a/2 (", 60),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Parse(ua)
			}
		})
	}
	b.Run("build", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			parser(b)
		}
	})
}
