package query

import (
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// countryName returns the English name of an ISO 3166-1 alpha-2 code, or the code where there is none.
func countryName(code string) string {
	region, err := language.ParseRegion(code)
	if err != nil || !region.IsCountry() || region.Canonicalize() != region { // codes of former countries stay codes
		return code
	}
	if name := display.English.Regions().Name(region); name != "" {
		return name
	}
	return code
}

// countryCodes returns the codes of all countries whose name fulfils the condition.
func countryCodes(is func(name string) bool) (codes []string) {
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			code := string([]rune{a, b})
			if name := countryName(code); name != code && is(name) {
				codes = append(codes, code)
			}
		}
	}
	return codes
}
