package demo

// source is where a visit comes from.
type source struct {
	referrer string
	query    string  // of the landing page's URL, with "?"
	weight   float64 // of first visits
	loyal    float64 // of returning visitors
	landing  pageKind
}

// sources returns the ways to the shop. landing prefers pages of that kind: a search ends on an article more often than on the home page.
func sources() []source {
	return []source{
		{"", "", 24, 55, plainPage},
		{"https://www.google.com/", "", 30, 14, journalPage},
		{"https://www.google.com/", "?utm_source=google&utm_medium=cpc&utm_campaign=lamps-autumn&gclid=demo", 6, 2, productPage},
		{"https://www.bing.com/", "", 4, 2, journalPage},
		{"https://duckduckgo.com/", "", 2.6, 1.5, journalPage},
		{"https://search.brave.com/", "", 0.7, 0.4, journalPage},
		{"https://www.ecosia.org/", "", 0.8, 0.4, journalPage},
		{"https://t.co/", "", 3, 1, journalPage},
		{"https://www.reddit.com/", "", 4, 1, journalPage},
		{"https://www.facebook.com/", "?utm_source=facebook&utm_medium=paid_social&utm_campaign=lamps-autumn&fbclid=demo", 2.4, 0.6, productPage},
		{"https://www.instagram.com/", "", 3.2, 1.2, productPage},
		{"https://www.pinterest.com/", "", 2.4, 1, productPage},
		{"https://www.youtube.com/", "", 1.4, 0.5, journalPage},
		{"https://news.ycombinator.com/", "", 1.2, 0.2, journalPage},
		{"https://chatgpt.com/", "?utm_source=chatgpt.com", 3, 1.2, journalPage},
		{"https://www.perplexity.ai/", "", 0.9, 0.4, journalPage},
		{"https://www.design-letter.example/", "", 1.4, 0.3, productPage},
		{"https://homeandlight.example/best-lamps", "", 1.8, 0.4, productPage},
		{"", "?utm_source=newsletter&utm_medium=email&utm_campaign=weekly", 3, 14, listPage},
		{"https://mail.google.com/", "?utm_source=newsletter&utm_medium=email&utm_campaign=spring-sale", 1.2, 4, listPage},
		{"https://partner-lights.example/", "?utm_source=partner-lights&utm_medium=affiliate&utm_campaign=partners", 1, 0.3, productPage},
	}
}
