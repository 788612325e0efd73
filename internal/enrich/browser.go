package enrich

import "strings"

// browser says which product tokens, in lower case and split by "|", name a browser. One with "*" may stand without "/version":
// phones bear the names of many others.
type browser struct {
	rank   uint8 // the highest of a user agent wins: forks name the browsers they come from
	name   string
	tokens string
	bare   bool // of one token, in AgentParser.browsers
}

// Ranks of browsers. Between equals the later token wins.
const (
	rankEngine  = 1 + iota // an engine or what everybody claims to be
	rankCommon             // a browser that others come from
	rankFork               // a browser made of another
	rankCertain            // never claimed by others
)

var browsers = [...]browser{
	{rank: rankEngine, name: "Safari", tokens: "safari"},
	{rank: rankEngine, name: "Netscape", tokens: "netscape*|navigator"},
	{rank: rankCommon, name: "Chrome", tokens: "chrome|crios|headlesschrome"},
	{rank: rankCommon, name: "Chromium", tokens: "chromium"},
	{rank: rankCommon, name: "Firefox", tokens: "firefox|fxios|firebird|phoenix"},
	{rank: rankCommon, name: "Internet Explorer", tokens: "msie*|trident|iemobile*"},
	{rank: rankCommon, name: "Opera", tokens: "opera*"},
	{rank: rankFork, name: "Edge", tokens: "edg|edge|edga|edgios|edgw"},
	{rank: rankFork, name: "Opera", tokens: "opr|opios|opt|oprtouch|opx"},
	{rank: rankFork, name: "Opera GX", tokens: "oprgx"},
	{rank: rankCertain, name: "Opera Mini", tokens: "opera mini"},
	{rank: rankFork, name: "Samsung Internet", tokens: "samsungbrowser|samsungbrowserlite"},
	{rank: rankCertain, name: "UC Browser", tokens: "ucbrowser|ucweb|uc browser|ucmini|ucturbo|ucmobile|uws"},
	{rank: rankCertain, name: "Yandex Browser", tokens: "yabrowser|yowser|yabrowserlite|yandexsearch|yasearchbrowser|yaapp_android|yaapp_ios|yasearchapp"},
	{rank: rankFork, name: "Vivaldi", tokens: "vivaldi"},
	{rank: rankFork, name: "Brave", tokens: "brave"},
	{rank: rankFork, name: "DuckDuckGo", tokens: "duckduckgo|ddg"},
	{rank: rankFork, name: "Mi Browser", tokens: "miuibrowser|mibrowser"},
	{rank: rankFork, name: "Mint Browser", tokens: "mint browser|mintbrowser"},
	{rank: rankFork, name: "Huawei Browser", tokens: "huaweibrowser|hbpc"},
	{rank: rankFork, name: "QQ Browser", tokens: "qqbrowser|mqqbrowser|qqbrowserlite"},
	{rank: rankFork, name: "Quark", tokens: "quark"},
	{rank: rankFork, name: "Vivo Browser", tokens: "vivobrowser"},
	{rank: rankFork, name: "HeyTap Browser", tokens: "heytapbrowser"},
	{rank: rankFork, name: "Oppo Browser", tokens: "oppobrowser"},
	{rank: rankFork, name: "Amazon Silk", tokens: "silk|silk-accelerated"},
	{rank: rankFork, name: "Puffin", tokens: "puffin"},
	{rank: rankFork, name: "Maxthon", tokens: "maxthon*|mxbrowser|mxios"},
	{rank: rankFork, name: "Aloha Browser", tokens: "alohabrowser"},
	{rank: rankFork, name: "Whale", tokens: "whale"},
	{rank: rankFork, name: "Sogou", tokens: "sogoumobilebrowser|metasr*|sogousearch"},
	{rank: rankFork, name: "Baidu", tokens: "baidubrowser|baiduboxapp|bidubrowser|bdbrowser|flyflow|baiduboxpad|bdbrowserhd_i18n"},
	{rank: rankFork, name: "360 Browser", tokens: "360se*|360ee*|qihoobrowser|360browser|mobile.qhbrowser|qhbrowser"},
	{rank: rankFork, name: "Phoenix Browser", tokens: "phoenixbrowser|phx"},
	{rank: rankFork, name: "Coc Coc", tokens: "coc_coc_browser|coc_coc"},
	{rank: rankFork, name: "Sleipnir", tokens: "sleipnir"},
	{rank: rankFork, name: "Iron", tokens: "iron"},
	{rank: rankFork, name: "Ecosia", tokens: "ecosia"},
	{rank: rankFork, name: "Avast", tokens: "avast|asw"},
	{rank: rankFork, name: "AVG", tokens: "avg"},
	{rank: rankFork, name: "CCleaner", tokens: "ccleaner"},
	{rank: rankFork, name: "Avira", tokens: "avira"},
	{rank: rankFork, name: "Epiphany", tokens: "epiphany"},
	{rank: rankFork, name: "Konqueror", tokens: "konqueror"},
	{rank: rankFork, name: "Falkon", tokens: "falkon|qupzilla"},
	{rank: rankFork, name: "SeaMonkey", tokens: "seamonkey"},
	{rank: rankFork, name: "Pale Moon", tokens: "palemoon"},
	{rank: rankFork, name: "Waterfox", tokens: "waterfox"},
	{rank: rankFork, name: "LibreWolf", tokens: "librewolf"},
	{rank: rankFork, name: "Iceweasel", tokens: "iceweasel|icecat"},
	{rank: rankFork, name: "Basilisk", tokens: "basilisk"},
	{rank: rankFork, name: "K-Meleon", tokens: "k-meleon"},
	{rank: rankFork, name: "Camino", tokens: "camino"},
	{rank: rankFork, name: "Firefox Focus", tokens: "focus|klar"},
	{rank: rankFork, name: "Arc", tokens: "arc|arcmobile2"},
	{rank: rankFork, name: "Atom", tokens: "atom"},
	{rank: rankFork, name: "Dolphin", tokens: "dolphin|dolphinhd"},
	{rank: rankFork, name: "Meizu Browser", tokens: "mzbrowser"},
	{rank: rankFork, name: "CM Browser", tokens: "acheetahi|cmbrowser|cmlite"},
	{rank: rankFork, name: "LG Browser", tokens: "lgbrowser|lg browser"},
	{rank: rankFork, name: "Odin", tokens: "odin"},
	{rank: rankFork, name: "T-Browser", tokens: "t-browser"},
	{rank: rankFork, name: "TV Bro", tokens: "tv bro"},
	{rank: rankFork, name: "PlayStation Browser", tokens: "playstation 4|playstation 5"},
	{rank: rankFork, name: "Oculus Browser", tokens: "oculusbrowser"},
	{rank: rankFork, name: "Wolvic", tokens: "wolvic"},
	{rank: rankFork, name: "Kiwi", tokens: "kiwi"},
	{rank: rankFork, name: "Via", tokens: "via"},
	{rank: rankFork, name: "Google App", tokens: "gsa"},
	{rank: rankFork, name: "QtWebEngine", tokens: "qtwebengine"},
	{rank: rankFork, name: "Seznam", tokens: "seznam.cz|sznprohlizec"},
	{rank: rankFork, name: "360 Phone Browser", tokens: "360aphonebrowser"},
	{rank: rankFork, name: "NetFront", tokens: "netfront|nx|netfrontlifebrowser"},
	{rank: rankFork, name: "Obigo", tokens: "obigo|teleca|obigointernetbrowser|obigo-browser|q03c|q05a|q07"},
	{rank: rankFork, name: "Openwave", tokens: "up.browser|openwave"},
	{rank: rankFork, name: "Nokia Browser", tokens: "nokiabrowser|browserng|series60|s40ovibrowser"},
	{rank: rankFork, name: "BlackBerry Browser", tokens: "blackberry|bb10"},
	{rank: rankFork, name: "Facebook", tokens: "fban|fbav|fb_iab|fb4a|fbios"},
	{rank: rankFork, name: "Instagram", tokens: "instagram"},
	{rank: rankFork, name: "Pinterest", tokens: "pinterest"},
	{rank: rankFork, name: "Snapchat", tokens: "snapchat"},
	{rank: rankFork, name: "TikTok", tokens: "musical_ly|bytedancewebview|bytelocale|trill|tiktok"},
	{rank: rankFork, name: "Line", tokens: "line"},
	{rank: rankFork, name: "KakaoTalk", tokens: "kakaotalk"},
	{rank: rankFork, name: "Naver", tokens: "naver"},
	{rank: rankFork, name: "WeChat", tokens: "micromessenger"},
	{rank: rankFork, name: "Alipay", tokens: "alipayclient"},
	{rank: rankFork, name: "LinkedIn", tokens: "linkedinapp"},
	{rank: rankFork, name: "Telegram", tokens: "telegram-android|telegram"},
	{rank: rankFork, name: "Lynx", tokens: "lynx"}, {rank: rankFork, name: "Links", tokens: "links"}, {rank: rankFork, name: "w3m", tokens: "w3m"}, {rank: rankFork, name: "ELinks", tokens: "elinks"}, {rank: rankFork, name: "Dillo", tokens: "dillo"},
	{rank: rankFork, name: "NetSurf", tokens: "netsurf"},
}

// setBrowser takes the product of the highest rank.
func (p *AgentParser) setBrowser(a *Agent, s *scan) {
	best, at := browser{}, token{}
	for _, t := range s.tokens[:s.count] {
		b, known := p.browsers[string(s.lower[t.from:t.to])]
		if known && (t.slash || b.bare) && b.rank >= best.rank && (b.rank > rankEngine || best.rank == 0) && !(b.rank == rankCommon && best.name == b.name) {
			best, at = b, t
		}
	}
	a.Browser, a.BrowserVersion = best.name, digits(s.ua[at.version:])
	switch {
	case best.name == "Safari":
		setSafari(a, s)
	case best.name == "Chrome" && (s.has("; wv)") || s.has("version/4.0 chrome/")):
		a.Browser = "Chrome WebView"
	case best.name == "Internet Explorer":
		setExplorer(a, s)
	case best.name == "Opera":
		if v := s.after("version/"); v != "" && s.starts("opera/9.80") {
			a.BrowserVersion = digits(v)
		}
	case best.rank == 0:
		setWebView(a, s)
	}
}

// setSafari tells Safari from what else says Safari: Android's old browser and views inside of apps.
func setSafari(a *Agent, s *scan) {
	version := digits(s.after("version/"))
	switch {
	case s.has("android"):
		a.Browser, a.BrowserVersion = "Android Browser", version
	case version == "":
		a.Browser, a.BrowserVersion = "Safari", ""
	default:
		a.BrowserVersion = version
	}
}

// setExplorer takes the version from the engine where it is given: a page can make the browser claim to be an older one.
func setExplorer(a *Agent, s *scan) {
	engines := [...][2]string{{"iemobile/7.0", "7"}, {"trident/7", "11"}, {"trident/6", "10"}, {"trident/5", "9"}, {"trident/4", "8"}}
	for _, engine := range engines {
		if s.has(engine[0]) {
			a.BrowserVersion = engine[1]
			return
		}
	}
	if v := digits(s.after("iemobile ")); v != "" {
		a.BrowserVersion = v
	}
}

// setWebView names what has no browser's token: a view of iOS inside an app, an app.
func setWebView(a *Agent, s *scan) {
	switch {
	case s.has("applewebkit/") && (s.has("iphone") || s.has("ipad") || s.has("mac os x")):
		a.Browser, a.BrowserVersion = "Safari WebView", ""
	case s.starts("dalvik/"), s.has("cfnetwork/"):
		a.Browser, a.BrowserVersion = "App", ""
	case s.has("applewebkit/") && s.has("android"):
		a.Browser, a.BrowserVersion = "Android Browser", digits(s.after("version/"))
	}
}

// digits returns the number that s starts with.
func digits(s string) string {
	end := 0
	for end < len(s) && end < 6 && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	return s[:end]
}

// twoNumbers returns the version major.minor that s starts with, its parts split by "." or "_".
func twoNumbers(s string) string {
	major := digits(s)
	rest := s[len(major):]
	if major == "" || len(rest) < 2 || rest[0] != '.' && rest[0] != '_' {
		return major
	}
	minor := digits(rest[1:])
	if minor == "" {
		return major
	}
	if rest[0] == '.' {
		return s[:len(major)+1+len(minor)]
	}
	return strings.Join([]string{major, minor}, ".")
}
