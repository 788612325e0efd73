package enrich

import (
	"slices"
	"testing"
)

func TestBotScore(t *testing.T) {
	p := parser(t)
	const chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
	f := func(ua string, s BotSignals, want uint8, reasons ...string) {
		t.Helper()
		s.UserAgent, s.Agent = ua, p.Parse(ua)
		if score, got := BotScore(s); score != want || !slices.Equal(got, reasons) {
			t.Errorf("%q %+v: got %d %q, want %d %q", ua, s, score, got, want, reasons)
		}
	}
	person := BotSignals{HeadersKnown: true, HasAccept: true, HasAcceptLanguage: true, SecFetchSite: "cross-site"}
	f(chrome, person, 0)
	f(chrome, BotSignals{}, 0)
	f("", BotSignals{}, 0) // a server-side sender that names no user agent
	f("", person, 75, "no_user_agent")
	f("Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)", person, 100, "crawler:GPTBot")
	f("curl/8.5.0", person, 60, "library:curl")
	f("python-requests/2.31.0", person, 60, "library:python-requests")
	f("Go-http-client/1.1", person, 60, "library:Go-http-client")
	f("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/113.0.0.0 Safari/537.36", person, 90, "headless")
	f(chrome, BotSignals{WebDriver: true}, 80, "webdriver")
	f(chrome, BotSignals{SpamReferrer: true}, 75, "spam_referrer")
	f(chrome, BotSignals{HeadersKnown: true, HasAccept: true}, 20, "no_accept_language")
	f(chrome, BotSignals{RatePerMinute: 100_000}, 25, "rate")
	own := person
	own.Own, own.WebDriver = true, true
	f("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/113.0.0.0 Safari/537.36", own, 49, "headless", "webdriver")
	own.WebDriver = false
	f("curl/8.5.0", own, 49, "library:curl")
	f(chrome, own, 0)
	f("Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)", own, 100, "crawler:GPTBot")
	own.SpamReferrer = true
	f(chrome, own, 75, "spam_referrer")
	f(chrome, BotSignals{Datacentre: true, HeadersKnown: true, HasAccept: true}, 50, "no_accept_language", "datacentre")
}

// TestHintsAloneStayBelowBand2 tries every combination of missing headers, odd agents and rate.
func TestHintsAloneStayBelowBand2(t *testing.T) {
	for bits := range 1 << 5 {
		s := BotSignals{UserAgent: "x", HeadersKnown: true, HasAccept: bits&1 != 0, HasAcceptLanguage: bits&2 != 0}
		if bits&4 != 0 {
			s.SecFetchSite = "none"
		}
		if bits&8 != 0 {
			s.RatePerMinute = 1 << 30
		}
		if bits&16 != 0 {
			s.Agent = Agent{Browser: "Chrome", OS: "Windows"}
		}
		if score, reasons := BotScore(s); score > 49 {
			t.Errorf("%+v: %d %q", s, score, reasons)
		}
	}
}
