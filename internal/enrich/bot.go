package enrich

// BotSignals is what the door knows of a sender. A signal that cannot be known must be left at its zero value and
// HeadersKnown at false: only what is known counts.
type BotSignals struct {
	Agent     Agent
	UserAgent string
	// HeadersKnown is true where the request came from the visitor's own client, so that the header signals below say
	// something. It is false for server-side senders (context.user_agent) and imports.
	HeadersKnown      bool
	HasAcceptLanguage bool
	HasAccept         bool
	SecFetchSite      string
	Headless          bool // the user agent says so
	WebDriver         bool // the context said so
	RatePerMinute     int  // events of the address in the last minute
	Datacentre        bool
	SpamReferrer      bool
	// Own is true where the sender sits on this very machine: whoever drives a browser or a program there tries his own
	// site out and wants to see it. What would prove automation is then a hint; a named crawler stays one.
	Own bool
}

// Scores. A proof stands alone; hints add up, but never to band 2: a proxy that drops headers and an office behind one address are people.
const (
	scoreCrawler     = 100
	scoreHeadless    = 90
	scoreWebDriver   = 80
	scoreNoAgent     = 75
	scoreSpam        = 75
	scoreLibrary     = 60 // somebody's own program may count for its owner, who then moves the threshold
	scoreDatacentre  = 30
	maxHints         = 49
	hintUnknownAgent = 25
	hintNoLanguage   = 20
	hintNoAccept     = 15
	hintNavigated    = 10
	hintBusy         = 10
	hintVeryBusy     = 25

	busyPerMinute     = 300
	veryBusyPerMinute = 1500
)

// BotScore returns how sure it is that a machine sent the event, 0 to 100, and why, the strongest reason first.
func BotScore(s BotSignals) (score uint8, reasons []string) {
	best, reasons := proof(s)
	if s.Own && best < scoreCrawler && !s.SpamReferrer {
		best = min(best, maxHints)
	}
	hints, why := hint(s)
	if s.Datacentre {
		hints, why = hints+scoreDatacentre, append(why, "datacentre")
	}
	return uint8(max(best, hints)), append(reasons, why...)
}

// proof returns the highest score of the signals that prove a machine, and those signals.
func proof(s BotSignals) (best int, reasons []string) {
	add := func(score int, reason string) {
		best = max(best, score)
		reasons = append(reasons, reason)
	}
	switch a := &s.Agent; {
	case s.Headless || a.Headless:
		add(scoreHeadless, "headless")
	case a.Library:
		add(scoreLibrary, "library:"+a.Crawler)
	case a.Crawler != "":
		add(scoreCrawler, "crawler:"+a.Crawler)
	case s.UserAgent == "" && s.HeadersKnown:
		add(scoreNoAgent, "no_user_agent")
	}
	if s.WebDriver {
		add(scoreWebDriver, "webdriver")
	}
	if s.SpamReferrer {
		add(scoreSpam, "spam_referrer")
	}
	return best, reasons
}

// hint adds up what makes a sender odd, to maxHints at most.
func hint(s BotSignals) (sum int, reasons []string) {
	add := func(is bool, score int, reason string) {
		if is {
			sum += score
			reasons = append(reasons, reason)
		}
	}
	a := &s.Agent
	add(s.UserAgent != "" && a.Crawler == "" && a.Browser == "" && a.OS == "", hintUnknownAgent, "unknown_agent")
	if s.HeadersKnown {
		add(!s.HasAcceptLanguage, hintNoLanguage, "no_accept_language")
		add(!s.HasAccept, hintNoAccept, "no_accept")
		add(s.SecFetchSite == "none", hintNavigated, "sec_fetch_none") // nobody types the door's address
	}
	add(s.RatePerMinute > veryBusyPerMinute, hintVeryBusy, "rate")
	add(s.RatePerMinute > busyPerMinute && s.RatePerMinute <= veryBusyPerMinute, hintBusy, "rate")
	return min(sum, maxHints), reasons
}
