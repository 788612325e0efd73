// Package enrich turns what a request says into what an event stores: place,
// device, bot score, source and channel, visitor id, clean text, event time.
//
// Its functions are pure: the same input gives the same output, no clock, no
// network, no state that a caller could see. What takes tables is a value built
// once (AgentParser, Geo, Sources) and then safe for concurrent use. It may
// import event alone; its tables lie in data/ with a note on where they are from.
package enrich
