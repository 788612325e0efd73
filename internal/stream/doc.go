// Package stream holds the event-time operators: sessions and live windows.
//
// It promises that the outcome depends on the events alone, never on the order
// or the steps in which they come: Sessions after every batch, and Windows for
// all events that are not too late, equal what a recomputation from scratch
// gives. It has no clock and no engine: time is a parameter, and events that an
// operator no longer holds are asked for as spans and handed in by the caller.
// Operators are not safe for concurrent use. It may import internal/event only.
// The meaning is in docs/semantics.md.
package stream
