package enrich

import (
	"bufio"
	"encoding/json"
	"os"
	"sort"
	"strings"
	"testing"
)

// fixture is one line of the file named by UA_FIXTURES: a user agent and what an independent project says of it. Such
// collections are large and not ours to ship, so the measurement runs where one is at hand.
type fixture struct {
	UA      string `json:"ua"`
	Bot     string `json:"bot"`
	Client  string `json:"ct"`
	Browser string `json:"b"`
	Version string `json:"bv"`
	OS      string `json:"os"`
	OSV     string `json:"osv"`
	Device  string `json:"dt"`
}

// theirBrowsers are the fixtures' names of the families that we call by another name.
var theirBrowsers = map[string]string{"Chrome Mobile": "Chrome", "Chrome Mobile iOS": "Chrome", "Chrome Webview": "Chrome WebView", "Firefox Mobile": "Firefox", "Firefox Mobile iOS": "Firefox", "Mobile Safari": "Safari",
	"Samsung Browser": "Samsung Internet", "Microsoft Edge": "Edge", "IE Mobile": "Internet Explorer", "Opera Mobile": "Opera", "Opera Touch": "Opera", "Opera Next": "Opera", "Opera Neon": "Opera", "Yandex Browser Lite": "Yandex Browser", "UC Browser Turbo": "UC Browser", "UC Browser Mini": "UC Browser",
	"UC Browser HD": "UC Browser", "Mobile Silk": "Amazon Silk", "Huawei Browser Mobile": "Huawei Browser", "Huawei Browser": "Huawei Browser", "DuckDuckGo Privacy Browser": "DuckDuckGo", "Opera Mini iOS": "Opera Mini"}

var measuredBrowsers = "|Chrome|Chrome WebView|Android Browser|Yandex Browser|UC Browser|Opera|Opera Mini|Samsung Internet|Mi Browser|QQ Browser|Huawei Browser|Edge|Internet Explorer|Firefox|Safari|Amazon Silk|Vivaldi|DuckDuckGo|"

var theirSystems = map[string]string{"Mac": "macOS", "GNU/Linux": "Linux", "Android TV": "Android", "Fire OS": "Android", "Windows RT": "Windows", "Windows Mobile": "Windows Mobile"}

var measuredSystems = "|Android|iOS|macOS|Linux|Windows|iPadOS|Windows Phone|Chrome OS|HarmonyOS|KaiOS|Tizen|webOS|tvOS|watchOS|"

var theirDevices = map[string]string{"smartphone": "mobile", "phablet": "mobile", "feature phone": "mobile", "desktop": "desktop", "tablet": "tablet", "tv": "tv", "console": "console"}

// tally counts right answers and remembers wrong ones.
type tally struct {
	right, all int
	wrong      map[string]int
	example    map[string]string
}

func (c *tally) add(ok bool, want, got, ua string) {
	c.all++
	if ok {
		c.right++
		return
	}
	if c.wrong == nil {
		c.wrong, c.example = map[string]int{}, map[string]string{}
	}
	key := want + " -> " + got
	c.wrong[key]++
	c.example[key] = ua
}

func (c *tally) log(t *testing.T, name string, least float64) {
	share := 100 * float64(c.right) / float64(max(c.all, 1))
	t.Logf("%s: %.2f %% of %d", name, share, c.all)
	keys := make([]string, 0, len(c.wrong))
	for k := range c.wrong {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool { return c.wrong[keys[i]] > c.wrong[keys[j]] })
	for _, k := range keys[:min(len(keys), 12)] {
		t.Logf("   %5d %s: %.200s", c.wrong[k], k, c.example[k])
	}
	if share < least {
		t.Errorf("%s: %.2f %% is under %.1f %%", name, share, least)
	}
}

func TestAccuracy(t *testing.T) {
	path := os.Getenv("UA_FIXTURES")
	if path == "" {
		t.Skip("UA_FIXTURES names no file of fixtures")
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	p := parser(t)
	var browsers, versions, systems, systemVersions, devices, bots, people tally
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var f fixture
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			t.Fatal(err)
		}
		a := p.Parse(f.UA)
		if f.Bot != "" {
			bots.add(a.Crawler != "", f.Bot, a.Browser, f.UA)
			continue
		}
		if f.Client == "browser" {
			people.add(a.Crawler == "", f.Browser, a.Crawler, f.UA)
			if want := renamed(theirBrowsers, f.Browser); !strings.HasPrefix(f.UA, "Dalvik/") && strings.Contains(measuredBrowsers, "|"+want+"|") {
				browsers.add(a.Browser == want, want, a.Browser, f.UA)
				if a.Browser == want && f.Version != "" {
					versions.add(a.BrowserVersion == digits(f.Version), f.Version, a.BrowserVersion, f.UA)
				}
			}
		}
		if want := renamed(theirSystems, f.OS); f.Client != "library" && strings.Contains(measuredSystems, "|"+want+"|") {
			systems.add(a.OS == want, want, a.OS, f.UA)
			if a.OS == want && f.OSV != "" {
				systemVersions.add(strings.HasPrefix(f.OSV+".", a.OSVersion+"."), want+" "+f.OSV, a.OSVersion, f.UA)
			}
		}
		if want := theirDevices[f.Device]; want != "" && f.Client == "browser" && a.Crawler == "" {
			devices.add(a.DeviceType == want, want, a.DeviceType, f.UA)
		}
	}
	browsers.log(t, "browser", 97)
	versions.log(t, "browser version", 97)
	systems.log(t, "system", 97)
	systemVersions.log(t, "system version", 95)
	devices.log(t, "device", 90)
	bots.log(t, "crawlers found", 99)
	people.log(t, "people taken for people", 99.5)
}

func renamed(names map[string]string, name string) string {
	if ours, ok := names[name]; ok {
		return ours
	}
	return name
}

func parser(t testing.TB) *AgentParser {
	t.Helper()
	p, err := NewAgentParser()
	if err != nil {
		t.Fatal(err)
	}
	return p
}
