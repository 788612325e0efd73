package demo

import (
	"math"
	"strconv"
)

const (
	botPart      = 0.03 // of the events
	returnPart   = 0.24 // of the visits, once there are regulars
	regularPart  = 0.1  // of new visitors open an account and come back
	maxRegulars  = 6000
	maxPages     = 12
	visitsPerBot = 0.8 // a crawl has more events than a visit: botPart of the events is this much less of the visits
)

// visit adds the events of one visit that begins at start to the pending ones and says how many there are.
func (g *generator) visit(start int64) int {
	before := len(g.pending)
	if g.rng.Float64() < botPart*visitsPerBot {
		g.crawl(start)
	} else {
		g.browse(start)
	}
	return len(g.pending) - before
}

// crawl is the visit of a bot: page after page, and nothing else.
func (g *generator) crawl(at int64) {
	bot := visitor{ip: address(g.rng, botNetwork), userAgent: g.bots[g.byBot.pick(g.rng)].userAgent}
	w := walk{g: g, visitor: &bot, now: at}
	for range 1 + g.rng.IntN(maxPages) {
		w.see(g.byPage.pick(g.rng))
		w.now += 1500 + g.rng.Int64N(9000)
	}
}

// browse is the visit of a person.
func (g *generator) browse(at int64) {
	visitor, back := g.visitor()
	from := &g.sources[g.bySource.pick(g.rng)]
	if back {
		from = &g.sources[g.byLoyalty.pick(g.rng)]
	}
	w := walk{g: g, visitor: &visitor, now: at, query: from.query, referrer: from.referrer}
	if visitor.userID != "" {
		w.session = newID(g.rng, at)
	}
	w.read(g.landing(from))
	for left := g.length() - 1; left > 0; left-- {
		w.read(w.next())
	}
}

// length is the number of pages of a visit: two of five see one page only.
func (g *generator) length() int {
	if g.rng.Float64() < 0.4 {
		return 1
	}
	n := 2 + int(g.rng.ExpFloat64()*2.2)
	return min(n, maxPages)
}

func (g *generator) landing(from *source) int {
	if from.landing == plainPage || g.rng.Float64() < 0.25 {
		return g.byPage.pick(g.rng)
	}
	return g.byKind[from.landing].pick(g.rng)
}

// visitor returns a new visitor or a regular, and whether he was here before.
func (g *generator) visitor() (v visitor, back bool) {
	if len(g.regulars) > 0 && g.rng.Float64() < returnPart {
		// The newest come most often.
		ago := int(math.Pow(g.rng.Float64(), 1.6) * float64(len(g.regulars)))
		return g.regulars[len(g.regulars)-1-ago], true
	}
	home := &g.countries[g.byCountry.pick(g.rng)]
	with := &g.browsers[g.byBrowser.pick(g.rng)]
	v = visitor{
		ip: address(g.rng, home.networks[g.rng.IntN(2)]), userAgent: with.userAgent,
		screen: with.screens[g.rng.IntN(len(with.screens))], language: home.language, zone: home.zone,
	}
	if g.rng.Float64() < regularPart && len(g.regulars) < maxRegulars {
		v.userID = "customer-" + strconv.FormatUint(g.rng.Uint64()>>16, 36)
		g.regulars = append(g.regulars, v)
	}
	return v, false
}
