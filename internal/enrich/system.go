package enrich

// system says which part of a user agent, in lower case, names an operating system.
type system struct {
	part    string
	name    string
	device  string // "" where the rest must tell
	version string // what the version stands behind; "" for none
	full    bool   // major.minor, not only major
}

// systems returns the table, the most special first: the first part that occurs decides.
func systems() []system {
	return []system{
		{"windows phone", "Windows Phone", "mobile", "windows phone ", true},
		{"; xbox", "Xbox", "console", "", false},
		{"windows nt", "Windows", "desktop", "windows nt ", true},
		{"windows ce", "Windows CE", "mobile", "", false},
		{"windows mobile", "Windows Mobile", "mobile", "", false},
		{"windows", "Windows", "desktop", "windows ", false},
		{"playstation", "PlayStation", "console", "playstation ", false},
		{"nintendo", "Nintendo", "console", "", false},
		{"appletv", "tvOS", "tv", "cpu os ", true},
		{"apple tv", "tvOS", "tv", "cpu os ", true},
		{"watchos", "watchOS", "other", "watchos/", true},
		{"apple watch", "watchOS", "other", "", false},
		{"iphone", "iOS", "mobile", " os ", true},
		{"ipod", "iOS", "mobile", " os ", true},
		{"ipad", "iPadOS", "tablet", " os ", true},
		{"kaios", "KaiOS", "mobile", "kaios/", true},
		{"harmonyos", "HarmonyOS", "", "harmonyos ", true},
		{"openharmony", "HarmonyOS", "", "openharmony ", true},
		{"web0s", "webOS", "tv", "", false},
		{"webos", "webOS", "tv", "", false},
		{"hpwos", "webOS", "tablet", "hpwos/", true},
		{"tizen", "Tizen", "", "tizen ", true},
		{"sailfish", "Sailfish OS", "mobile", "", false},
		{"cros ", "Chrome OS", "desktop", "", false},
		{"roku", "Roku OS", "tv", "", false},
		{"vidaa", "VIDAA", "tv", "vidaa/", true},
		{"android", "Android", "", "android ", false},
		{"blackberry", "BlackBerry OS", "mobile", "version/", true},
		{"bb10", "BlackBerry OS", "mobile", "version/", true},
		{"symbian", "Symbian", "mobile", "", false},
		{"series60", "Symbian", "mobile", "", false},
		{"bada", "Bada", "mobile", "bada/", true},
		{"mac os x", "macOS", "desktop", "mac os x ", true},
		{"macintosh", "macOS", "desktop", "", false},
		{"mac_powerpc", "macOS", "desktop", "", false},
		{"macosx", "macOS", "desktop", "macosx/", true},
		{"macos/", "macOS", "desktop", "macos/", true},
		{"darwin/", "iOS", "mobile", "", false},
		{"ios/", "iOS", "mobile", "ios/", true},
		{"fire os", "Android", "", "", false},
		{"winnt", "Windows", "desktop", "winnt ", true},
		{"watch os", "watchOS", "other", "", false},
		{"adr ", "Android", "mobile", "adr ", false},
		{"ubuntu", "Ubuntu", "desktop", "ubuntu/", true},
		{"fedora", "Fedora", "desktop", "fedora/", false},
		{"debian", "Debian", "desktop", "", false},
		{"freebsd", "FreeBSD", "desktop", "", false},
		{"openbsd", "OpenBSD", "desktop", "", false},
		{"netbsd", "NetBSD", "desktop", "", false},
		{"sunos", "Solaris", "desktop", "", false},
		{"linux", "Linux", "", "", false},
		{"x11", "Linux", "desktop", "", false},
		{"j2me", "Java ME", "mobile", "", false},
		{"midp", "Java ME", "mobile", "", false},
	}
}

// windowsNames are the names of Windows' inner versions, as people know them. 11 cannot be told from 10.
var windowsNames = [...][2]string{{"10.0", "10"}, {"6.3", "8.1"}, {"6.2", "8"}, {"6.1", "7"}, {"6.0", "Vista"}, {"5.2", "XP"}, {"5.1", "XP"}, {"5.0", "2000"}}

// setSystem takes the first system of the table that the user agent names.
func (p *AgentParser) setSystem(a *Agent, s *scan) {
	for i := range p.systems {
		sys := &p.systems[i]
		if !s.tags.has(i) {
			continue
		}
		a.OS, a.DeviceType = sys.name, sys.device
		if sys.part == "darwin/" && s.tags.has(tagApple) {
			a.OS, a.DeviceType = "macOS", "desktop" // an app on a computer; on phones it tells only its version
			return
		}
		if sys.version != "" {
			a.OSVersion = systemVersion(sys, s)
		}
		return
	}
}

func systemVersion(sys *system, s *scan) string {
	text := s.after(sys.version)
	if !sys.full {
		return digits(text)
	}
	version := twoNumbers(text)
	if sys.name != "Windows" {
		return version
	}
	for _, known := range windowsNames {
		if version == known[0] {
			return known[1]
		}
	}
	return version
}

// Parts that tell televisions and tablets apart from other devices of the same system.
var (
	tvParts = [...]string{"smart-tv", "smarttv", "smart tv", "hbbtv", "googletv", "google tv", "android tv", "androidtv", "wv-atv", "bravia", "crkey", "aft", "netcast", "nettv", "netrange", "viera", "dtv", "inettv",
		"tv box", "tvbox", "tv stick", "tv bro", "tv_", "_tv", "-tv", " tv;", " tv)", " tv ", "atv", "settop", "set-top", "stb", "mxq", "x96", "x98", "hk1", "h96", "t95", "tx3", "tx6", "mibox", "mitv", "shield android", "aosp on"}
	tabletParts = [...]string{" tab", "tablet", "pad", "sm-t", "sm-x", "gt-p", "kindle", "kfapwi", "kfthwi", "silk/", "xoom", "nexus 7", "nexus 9", "nexus 10", "pixel c", "mediapad", "playbook"}
	appleParts  = [...]string{"x86_64", "i386", "macintosh", "macbook", "imac"}
)

// Tags of the tagger of systems; those from 0 on are the indexes of the table.
const (
	tagTablet = 120 + iota
	tagTV
	tagApple
	tagMobile
)

func newSystemTagger(table []system) (*tagger, error) {
	words := map[int][]string{tagTablet: tabletParts[:], tagTV: tvParts[:], tagApple: appleParts[:], tagMobile: {"mobile", "(phone;"}}
	for i, sys := range table {
		words[i] = []string{sys.part}
	}
	return newTagger(words)
}

// deviceType refines what the system says, a.DeviceType, by what else the user agent says.
func deviceType(a *Agent, s *scan) string {
	android := a.OS == "Android" || a.OS == "HarmonyOS" || a.OS == "Tizen"
	switch {
	case s.starts("footfall-iot/"): // our own SDK; other devices name no kind that could be read
		return "iot"
	case a.DeviceType == "console" || a.DeviceType == "tv":
		return a.DeviceType
	case (android || a.OS == "Linux" || a.OS == "") && s.tags.has(tagTV), s.has("hbbtv"):
		return "tv"
	case a.DeviceType != "":
		return a.DeviceType
	case android && s.has("(pc;"):
		return "desktop"
	case android && s.tags.has(tagTablet):
		return "tablet"
	case s.tags.has(tagMobile), s.starts("dalvik/"):
		return "mobile"
	case android, s.tags.has(tagTablet):
		return "tablet"
	case a.OS == "Linux" && a.Browser != "":
		return "desktop"
	}
	return "other"
}
