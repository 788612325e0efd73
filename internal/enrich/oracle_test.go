package enrich

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ua-parser/uap-go/uaparser"
)

// oracleBrowsers are uap-go's names of what we call by another name.
var oracleBrowsers = map[string]string{"Chrome Mobile": "Chrome", "Chrome Mobile iOS": "Chrome", "Chrome Mobile WebView": "Chrome WebView", "Mobile Safari": "Safari", "Firefox Mobile": "Firefox", "Firefox iOS": "Firefox",
	"Edge Mobile": "Edge", "Opera Mobile": "Opera", "IE": "Internet Explorer", "Mobile Safari UI/WKWebView": "Safari WebView", "Yandex Browser": "Yandex Browser", "Android": "Android Browser"}

var oracleSystems = map[string]string{"Mac OS X": "macOS"}

// TestOracle compares with uap-go, an independent parser, over browsers, systems and versions put together.
func TestOracle(t *testing.T) {
	oracle, err := uaparser.New()
	if err != nil {
		t.Fatal(err)
	}
	p := parser(t)
	for _, ua := range oracleAgents() {
		a, want := p.Parse(ua), oracle.Parse(ua)
		browser, os := renamed(oracleBrowsers, want.UserAgent.Family), renamed(oracleSystems, want.Os.Family)
		if os == "iOS" && strings.Contains(ua, "iPad") {
			os = "iPadOS"
		}
		if a.Browser != browser || a.BrowserVersion != want.UserAgent.Major || a.OS != os {
			t.Errorf("%s\n got %s %s on %s\nwant %s %s on %s", ua, a.Browser, a.BrowserVersion, a.OS, browser, want.UserAgent.Major, os)
		}
		if version := strings.TrimSuffix(want.Os.Major+"."+want.Os.Minor, "."); !strings.HasPrefix(version+".", a.OSVersion+".") && a.OSVersion != "" {
			t.Errorf("%s\n got version %q of %s, want %q", ua, a.OSVersion, a.OS, version)
		}
	}
}

// oracleAgents puts user agents together from the forms that browsers use.
func oracleAgents() (agents []string) {
	const webkit, apple = "AppleWebKit/537.36 (KHTML, like Gecko)", "AppleWebKit/605.1.15 (KHTML, like Gecko)"
	for _, v := range []int{91, 108, 120, 131} {
		for _, system := range []string{"Windows NT 10.0; Win64; x64", "Windows NT 6.1; WOW64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64"} {
			chrome := fmt.Sprintf("Mozilla/5.0 (%s) %s Chrome/%d.0.0.0 Safari/537.36", system, webkit, v)
			agents = append(agents, chrome, fmt.Sprintf("%s Edg/%d.0.1.2", chrome, v), fmt.Sprintf("%s OPR/%d.0.0.0", chrome, v-14), fmt.Sprintf("%s Vivaldi/6.%d", chrome, v-90),
				fmt.Sprintf("Mozilla/5.0 (%s; rv:%d.0) Gecko/20100101 Firefox/%d.0", system, v, v))
		}
		agents = append(agents,
			fmt.Sprintf("Mozilla/5.0 (Linux; Android 10; K) %s Chrome/%d.0.0.0 Mobile Safari/537.36", webkit, v),
			fmt.Sprintf("Mozilla/5.0 (Linux; Android 13; SM-S908B) %s SamsungBrowser/%d.0 Chrome/110.0.0.0 Mobile Safari/537.36", webkit, v/5),
			fmt.Sprintf("Mozilla/5.0 (Linux; Android 12; M2101 Build/SKQ1; wv) %s Version/4.0 Chrome/%d.0.1.2 Mobile Safari/537.36", webkit, v),
			fmt.Sprintf("Mozilla/5.0 (Android 14; Mobile; rv:%d.0) Gecko/%d.0 Firefox/%d.0", v, v, v),
			fmt.Sprintf("Mozilla/5.0 (iPhone; CPU iPhone OS 17_%d like Mac OS X) %s CriOS/%d.0.1.2 Mobile/15E148 Safari/604.1", v%7, apple, v),
			fmt.Sprintf("Mozilla/5.0 (iPhone; CPU iPhone OS 16_%d like Mac OS X) %s FxiOS/%d.0 Mobile/15E148 Safari/605.1.15", v%7, apple, v),
			fmt.Sprintf("Mozilla/5.0 (iPad; CPU OS 1%d_2 like Mac OS X) %s Version/1%d.2 Mobile/15E148 Safari/604.1", v%8, apple, v%8),
			fmt.Sprintf("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) %s Version/%d.1 Safari/605.1.15", apple, v%19))
	}
	return append(agents, "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko", "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) "+webkit+" Chrome/130.0.0.0 Safari/537.36",
		"Mozilla/5.0 (Linux; U; Android 4.0.3; de-de; X Build/IML74K) AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30")
}
