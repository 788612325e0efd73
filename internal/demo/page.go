package demo

// page is a page of the made-up shop.
type page struct {
	path, title string
	weight      float64 // how often people look at it
	kind        pageKind
	price       int64 // EUR, of a product
}

type pageKind uint8

const (
	plainPage pageKind = iota
	listPage
	productPage
	journalPage
)

// Pages with a part of their own in a visit; the rest is chosen by weight.
const (
	homePage = iota
	shopPage
	cartPage
	checkoutPage
	thanksPage
	searchPage
	newsletterPage
)

// pages returns the pages of the shop. The weights fall off about as Zipf says.
func pages() []page {
	return []page{
		homePage:       {"/", "Lumen & Loom", 30, plainPage, 0},
		shopPage:       {"/shop", "Shop", 22, listPage, 0},
		cartPage:       {"/cart", "Your cart", 0, plainPage, 0},
		checkoutPage:   {"/checkout", "Checkout", 0, plainPage, 0},
		thanksPage:     {"/thank-you", "Thank you", 0, plainPage, 0},
		searchPage:     {"/search", "Search", 4, listPage, 0},
		newsletterPage: {"/newsletter", "Newsletter", 2, plainPage, 0},

		{"/shop/lamps", "Lamps", 11, listPage, 0},
		{"/shop/textiles", "Textiles", 7, listPage, 0},
		{"/shop/ceramics", "Ceramics", 6, listPage, 0},
		{"/shop/new", "New in", 5, listPage, 0},
		{"/shop/sale", "Sale", 4.5, listPage, 0},
		{"/product/aurora-lamp", "Aurora lamp", 14, productPage, 129},
		{"/product/drift-pendant", "Drift pendant", 9, productPage, 189},
		{"/product/ember-candle", "Ember candle", 7, productPage, 24},
		{"/product/field-throw", "Field throw", 6, productPage, 89},
		{"/product/harbour-mug", "Harbour mug", 5.2, productPage, 19},
		{"/product/juniper-vase", "Juniper vase", 4.4, productPage, 49},
		{"/product/linen-sheet", "Linen sheet", 3.8, productPage, 79},
		{"/product/moss-cushion", "Moss cushion", 3.3, productPage, 39},
		{"/product/north-clock", "North clock", 2.9, productPage, 69},
		{"/product/oak-tray", "Oak tray", 2.5, productPage, 45},
		{"/product/paper-shade", "Paper shade", 2.2, productPage, 35},
		{"/product/quarry-bowl", "Quarry bowl", 1.9, productPage, 42},
		{"/product/reed-basket", "Reed basket", 1.6, productPage, 55},
		{"/product/salt-plate", "Salt plate", 1.4, productPage, 28},
		{"/product/tide-rug", "Tide rug", 1.2, productPage, 249},
		{"/product/wick-set", "Wick set", 0.9, productPage, 12},
		{"/journal", "Journal", 6, listPage, 0},
		{"/journal/how-to-light-a-small-room", "How to light a small room", 13, journalPage, 0},
		{"/journal/linen-care", "How to care for linen", 8, journalPage, 0},
		{"/journal/warm-or-cold-light", "Warm or cold light?", 6, journalPage, 0},
		{"/journal/a-visit-to-the-weaver", "A visit to the weaver", 4, journalPage, 0},
		{"/journal/clay-from-the-north", "Clay from the north", 3, journalPage, 0},
		{"/journal/five-lamps-under-150", "Five lamps under 150", 5, journalPage, 0},
		{"/journal/repair-a-cable", "Repair a lamp cable safely", 2.6, journalPage, 0},
		{"/journal/winter-light", "Winter light", 2.2, journalPage, 0},
		{"/about", "About us", 4, plainPage, 0},
		{"/contact", "Contact", 2.4, plainPage, 0},
		{"/shipping", "Shipping and costs", 3, plainPage, 0},
		{"/returns", "Returns", 2, plainPage, 0},
		{"/faq", "Questions and answers", 2, plainPage, 0},
		{"/stores", "Our stores", 1.6, plainPage, 0},
		{"/jobs", "Jobs", 1.1, plainPage, 0},
		{"/press", "Press", 0.6, plainPage, 0},
		{"/imprint", "Imprint", 0.8, plainPage, 0},
		{"/privacy", "Privacy", 0.7, plainPage, 0},
	}
}

func searchWords() []string {
	return []string{"lamp", "desk lamp", "mug", "candle", "linen", "rug", "vase", "gift", "pendant", "bulb e27", "wool throw", "clock"}
}
