package query

import (
	"math"
	"strconv"
	"strings"

	"golang.org/x/text/currency"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// Money is the value of a revenue metric, as Plausible shows it.
type Money struct {
	Value    float64 `json:"value"`
	Currency string  `json:"currency"`
	Short    string  `json:"short"` // $1.2K
	Long     string  `json:"long"`  // $1,234.50
}

func newMoney(value float64, code string) Money {
	symbol, digits := code+" ", 2
	if unit, err := currency.ParseISO(code); err == nil {
		digits, _ = currency.Standard.Rounding(unit)
		if sign := message.NewPrinter(language.English).Sprint(currency.NarrowSymbol(unit)); sign != code {
			symbol = sign
		}
	}
	sign, size := "", math.Abs(value)
	if value < 0 {
		sign = "-"
	}
	return Money{value, code, sign + symbol + shortNumber(size, digits), sign + symbol + grouped(size, digits)}
}

func shortNumber(value float64, digits int) string {
	for _, unit := range []struct {
		least float64
		name  string
	}{{1e9, "B"}, {1e6, "M"}, {1e3, "K"}} {
		if value >= unit.least {
			return strconv.FormatFloat(value/unit.least, 'f', 1, 64) + unit.name
		}
	}
	return strconv.FormatFloat(value, 'f', digits, 64)
}

// grouped writes a number with commas between thousands.
func grouped(value float64, digits int) string {
	whole, rest, point := strings.Cut(strconv.FormatFloat(value, 'f', digits, 64), ".")
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + "," + whole[at:]
	}
	if point {
		return whole + "." + rest
	}
	return whole
}
