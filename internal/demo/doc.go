// Package demo is what "footfall serve --demo" shows: a small shop with the tracker on it, in which a visitor sees himself
// arrive, and 90 days of made-up traffic so that every report has something to say.
//
// It promises that the traffic is a function of its options alone: the same seed gives the same bytes. The events have the
// form of docs/format/ingest.md and enter through the door as any import does. The package may import enrich in tests only.
package demo
