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
}

// BotScore returns how sure it is that a machine sent the event, 0 to 100, and why.
func BotScore(s BotSignals) (score uint8, reasons []string) {
	if s.Agent.Crawler != "" {
		return 100, []string{"crawler:" + s.Agent.Crawler}
	}
	if s.UserAgent == "" {
		return 75, []string{"no_user_agent"}
	}
	return 0, nil
}
