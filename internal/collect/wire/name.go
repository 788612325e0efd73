package wire

// Name is a header that the door reads.
type Name uint8

// The headers that the door reads.
const (
	Accept Name = iota
	AcceptLanguage
	Authorization
	ContentEncoding
	ContentType
	DNT
	Forwarded
	Referer
	SecCHUA
	SecCHUAMobile
	SecCHUAPlatform
	SecFetchSite
	SecGPC
	UserAgent
	XForwardedFor
	nameCount
)

// canonical is how net/http writes the names.
var canonical = [nameCount]string{
	"Accept", "Accept-Language", "Authorization", "Content-Encoding", "Content-Type", "Dnt", "Forwarded", "Referer", "Sec-Ch-Ua",
	"Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform", "Sec-Fetch-Site", "Sec-Gpc", "User-Agent", "X-Forwarded-For",
}

// nameOf returns the header of that name, in whatever case it is written.
func nameOf(text string) (Name, bool) {
	switch len(text) {
	case 3:
		return oneOf(text, DNT)
	case 6:
		return oneOf(text, Accept)
	case 7:
		return oneOf(text, SecGPC, Referer)
	case 9:
		return oneOf(text, SecCHUA, Forwarded)
	case 10:
		return oneOf(text, UserAgent)
	case 12:
		return oneOf(text, ContentType)
	case 13:
		return oneOf(text, Authorization)
	case 14:
		return oneOf(text, SecFetchSite)
	case 15:
		return oneOf(text, AcceptLanguage, XForwardedFor)
	case 16:
		return oneOf(text, ContentEncoding, SecCHUAMobile)
	case 18:
		return oneOf(text, SecCHUAPlatform)
	}
	return 0, false
}

func oneOf(text string, names ...Name) (Name, bool) {
	for _, n := range names {
		if sameName(text, canonical[n]) {
			return n, true
		}
	}
	return 0, false
}

// sameName reports whether two names of the same length are alike but for the case of ASCII letters. Neither holds a byte that
// stands for another one when 0x20 is added: names are tokens.
func sameName(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if x, y := a[i], b[i]; x != y && (x|0x20 != y|0x20 || x|0x20 < 'a' || x|0x20 > 'z') {
			return false
		}
	}
	return true
}
