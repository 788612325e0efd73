package demo

// agent is a browser, or a program that calls itself something.
type agent struct {
	userAgent string
	screens   []string
	weight    float64
}

const (
	windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) "
	mac     = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) "
	linux   = "Mozilla/5.0 (X11; Linux x86_64) "
	android = "Mozilla/5.0 (Linux; Android 10; K) "
	webkit  = "AppleWebKit/537.36 (KHTML, like Gecko) "
	iphone  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
	ipad    = "Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
)

func browsers() []agent {
	wide := []string{"1920x1080", "1920x1080", "1536x864", "2560x1440", "1366x768"}
	macs := []string{"1440x900", "1512x982", "1728x1117", "2560x1440"}
	iphones := []string{"390x844", "393x852", "430x932", "375x812"}
	androids := []string{"412x915", "360x800", "384x854", "412x892"}
	tablets := []string{"820x1180", "810x1080", "834x1194"}
	return []agent{
		{windows + webkit + "Chrome/155.0.0.0 Safari/537.36", wide, 16},
		{windows + webkit + "Chrome/154.0.0.0 Safari/537.36", wide, 5},
		{windows + webkit + "Chrome/149.0.0.0 Safari/537.36", wide, 1},
		{windows + webkit + "Chrome/155.0.0.0 Safari/537.36 Edg/155.0.0.0", wide, 6},
		{windows + webkit + "Chrome/154.0.0.0 Safari/537.36 Edg/154.0.0.0", wide, 1.5},
		{windows + webkit + "Chrome/153.0.0.0 Safari/537.36 OPR/137.0.0.0", wide, 1.2},
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:157.0) Gecko/20100101 Firefox/157.0", wide, 3.4},
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", wide, 0.6},
		{mac + webkit + "Chrome/155.0.0.0 Safari/537.36", macs, 5},
		{mac + webkit + "Chrome/154.0.0.0 Safari/537.36", macs, 1.4},
		{mac + "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15", macs, 6},
		{mac + "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15", macs, 1.5},
		{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:157.0) Gecko/20100101 Firefox/157.0", macs, 1.1},
		{linux + webkit + "Chrome/155.0.0.0 Safari/537.36", wide, 1.2},
		{"Mozilla/5.0 (X11; Linux x86_64; rv:157.0) Gecko/20100101 Firefox/157.0", wide, 1.3},
		{"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) " + webkit + "Chrome/154.0.0.0 Safari/537.36", []string{"1366x768"}, 0.7},
		{iphone + "Version/26.1 Mobile/15E148 Safari/604.1", iphones, 15},
		{iphone + "Version/18.6 Mobile/15E148 Safari/604.1", iphones, 6},
		{iphone + "CriOS/155.0.7900.40 Mobile/15E148 Safari/604.1", iphones, 2},
		{iphone + "FxiOS/157.0 Mobile/15E148 Safari/605.1.15", iphones, 0.4},
		{iphone + "GSA/395.0.800000000 Mobile/15E148 Safari/604.1", iphones, 1},
		{android + webkit + "Chrome/155.0.0.0 Mobile Safari/537.36", androids, 13},
		{android + webkit + "Chrome/154.0.0.0 Mobile Safari/537.36", androids, 4},
		{android + webkit + "Chrome/148.0.0.0 Mobile Safari/537.36", androids, 1},
		{android + webkit + "SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36", androids, 3.2},
		{android + webkit + "Chrome/155.0.0.0 Mobile Safari/537.36 EdgA/155.0.0.0", androids, 0.4},
		{"Mozilla/5.0 (Android 15; Mobile; rv:157.0) Gecko/157.0 Firefox/157.0", androids, 0.8},
		{android + webkit + "Chrome/155.0.0.0 Mobile Safari/537.36 OPR/92.0.0.0", androids, 0.5},
		{ipad + "Version/26.1 Mobile/15E148 Safari/604.1", tablets, 2},
		{ipad + "CriOS/155.0.7900.40 Mobile/15E148 Safari/604.1", tablets, 0.4},
		{"Mozilla/5.0 (Linux; Android 14; SM-X710) " + webkit + "Chrome/155.0.0.0 Safari/537.36", []string{"800x1280"}, 0.9},
	}
}

func bots() []agent {
	return []agent{
		{"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", nil, 6},
		{"Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", nil, 4},
		{"Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", nil, 3},
		{"Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)", nil, 2},
		{"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)", nil, 3},
		{"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)", nil, 2},
		{linux + webkit + "HeadlessChrome/155.0.0.0 Safari/537.36", nil, 1},
		{"python-requests/2.32.3", nil, 1},
		{"curl/8.11.0", nil, 0.6},
	}
}
