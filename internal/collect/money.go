package collect

import (
	"math"
	"strconv"
	"strings"
)

// maxRevenue keeps sums over many events within an int64 of 1/10,000.
const maxRevenue = 1e12

// parseRevenue reads decimal text into 1/10,000. Digits behind the fourth are dropped.
func parseRevenue(text string) (int64, bool) {
	digits, negative := strings.CutPrefix(text, "-")
	if strings.ContainsAny(digits, "eE") {
		return revenueFromFloat(text)
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	if whole == "" || len(whole) > 13 || strings.HasSuffix(digits, ".") {
		return 0, false
	}
	var v int64
	for i := range len(whole) {
		if whole[i] < '0' || whole[i] > '9' {
			return 0, false
		}
		v = v*10 + int64(whole[i]-'0')
	}
	for i := range max(len(fraction), 4) {
		c := byte('0')
		if i < len(fraction) {
			c = fraction[i]
		}
		if c < '0' || c > '9' {
			return 0, false
		}
		if i < 4 {
			v = v*10 + int64(c-'0')
		}
	}
	if v > maxRevenue*1e4 {
		return 0, false
	}
	if negative {
		v = -v
	}
	return v, true
}

// revenueFromFloat reads a number with an exponent, as JSON allows it.
func revenueFromFloat(text string) (int64, bool) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.Abs(f) > maxRevenue || strings.ContainsAny(text, "xXpP_iInN") {
		return 0, false
	}
	return int64(math.Trunc(math.Round(f*1e8) / 1e4)), true
}

// currencies are the codes of ISO 4217 that are money, three letters each.
const currencies = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAF XAG XAU XCD XCG XOF XPD XPF XPT YER ZAR ZMW ZWG ZWL "

// parseCurrency returns the code in upper case.
func parseCurrency(text string) (string, bool) {
	if len(text) != 3 {
		return "", false
	}
	var code [4]byte
	for i := range 3 {
		c := text[i]
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c < 'A' || c > 'Z' {
			return "", false
		}
		code[i] = c
	}
	code[3] = ' '
	at := strings.Index(currencies, string(code[:]))
	if at < 0 {
		return "", false
	}
	return currencies[at : at+3], true
}
