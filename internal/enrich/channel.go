package enrich

import "strings"

// origin is what a channel is decided by. All texts are in lower case.
type origin struct {
	kind                     string // of the source: search, social, video, shopping, email, ai, none; "" when it is not known
	source, medium, campaign string
}

// channelRule gives a channel to the origins that it fits.
type channelRule struct {
	channel string
	fits    func(origin) bool
}

const unassigned = "Unassigned"

// channelRules are the default channel groups that Google Analytics 4 documents, in its order, and "AI Assistants". The
// first that fits decides.
func channelRules() []channelRule {
	kind := func(kind string) func(origin) bool { return func(o origin) bool { return o.kind == kind } }
	medium := func(names ...string) func(origin) bool {
		return func(o origin) bool { return oneOf(o.medium, names...) }
	}
	either := func(a, b func(origin) bool) func(origin) bool {
		return func(o origin) bool { return a(o) || b(o) }
	}
	both := func(a, b func(origin) bool) func(origin) bool {
		return func(o origin) bool { return a(o) && b(o) }
	}
	shopping := either(kind("shopping"), func(o origin) bool { return isShopping(o.campaign) })
	paid := func(o origin) bool { return isPaid(o.medium) }
	return []channelRule{
		{"Direct", func(o origin) bool {
			return o == origin{} || o == origin{source: "(direct)"} || o == origin{source: "direct"}
		}},
		{"Cross-network", func(o origin) bool { return strings.Contains(o.campaign, "cross-network") }},
		{"Paid Shopping", both(shopping, paid)},
		{"Paid Search", both(kind("search"), paid)},
		{"Paid Social", both(kind("social"), paid)},
		{"Paid Video", both(kind("video"), paid)},
		{"Display", medium("display", "banner", "expandable", "interstitial", "cpm")},
		{"Paid Other", paid},
		{"Organic Shopping", shopping},
		{"Organic Social", either(kind("social"), medium("social", "social-network", "social-media", "sm", "social network", "social media"))},
		{"Organic Video", either(kind("video"), func(o origin) bool { return strings.Contains(o.medium, "video") })},
		{"AI Assistants", either(kind("ai"), medium("ai", "ai-assistant", "llm"))},
		{"Organic Search", either(kind("search"), medium("organic"))},
		{"Email", func(o origin) bool {
			return o.kind == "email" || oneOf(o.medium, "email", "e-mail", "e_mail", "e mail", "newsletter") || oneOf(o.source, "email", "e-mail", "e_mail", "e mail", "newsletter")
		}},
		{"Affiliates", medium("affiliate", "affiliates")},
		{"Referral", medium("referral", "app", "link")},
		{"Audio", medium("audio")},
		{"SMS", func(o origin) bool { return o.medium == "sms" || o.source == "sms" }},
		{"Mobile Push Notifications", func(o origin) bool {
			return strings.HasSuffix(o.medium, "push") || strings.Contains(o.medium, "mobile") || strings.Contains(o.medium, "notification") || o.source == "firebase"
		}},
		{unassigned, func(o origin) bool { return true }},
	}
}

func oneOf(s string, names ...string) bool {
	for _, name := range names {
		if s == name {
			return true
		}
	}
	return false
}

// isPaid is GA4's ^(.*cp.*|ppc|retargeting|paid.*)$.
func isPaid(medium string) bool {
	return strings.Contains(medium, "cp") || medium == "ppc" || medium == "retargeting" || strings.HasPrefix(medium, "paid")
}

// isShopping is GA4's ^(.*(([^a-df-z]|^)shop|shopping).*)$: "shop" not after a letter but "e".
func isShopping(campaign string) bool {
	if strings.Contains(campaign, "shopping") {
		return true
	}
	for from := 0; ; {
		at := strings.Index(campaign[from:], "shop")
		if at < 0 {
			return false
		}
		at += from
		if at == 0 || campaign[at-1] == 'e' || !isLetter(campaign[at-1]) {
			return true
		}
		from = at + 1
	}
}

// clickID is what a click id parameter tells of a visit that has no utm parameters.
type clickID struct{ name, source, medium string }

// clickIDs are those that advertisers' and mailers' links carry. fbclid and the like stand on unpaid links too: no medium.
var clickIDs = [...]clickID{
	{"gclid", "Google", "cpc"}, {"gbraid", "Google", "cpc"}, {"wbraid", "Google", "cpc"}, {"dclid", "Google", "display"}, {"gclsrc", "Google", "cpc"},
	{"msclkid", "Bing", "cpc"}, {"ttclid", "TikTok", "cpc"}, {"twclid", "X", "cpc"}, {"li_fat_id", "LinkedIn", "cpc"}, {"yclid", "Yandex", "cpc"},
	{"sccid", "Snapchat", "cpc"}, {"ScCid", "Snapchat", "cpc"}, {"rdt_cid", "Reddit", "cpc"}, {"epik", "Pinterest", ""}, {"fbclid", "Facebook", ""},
	{"igshid", "Instagram", ""}, {"igsh", "Instagram", ""}, {"ysclid", "Yandex", "organic"}, {"srsltid", "Google", "organic"}, {"mc_cid", "Mailchimp", "email"}, {"_hsenc", "HubSpot", "email"},
}

// clickIDName returns the name of a click id parameter, "" for any other key.
func clickIDName(key string) string {
	for i := range clickIDs {
		if clickIDs[i].name == key {
			return clickIDs[i].name
		}
	}
	return ""
}

func clickIDOf(name string) clickID {
	for _, c := range clickIDs {
		if c.name == name {
			return c
		}
	}
	return clickID{}
}
