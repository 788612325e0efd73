// Package event holds the nouns of Footfall: Event, Session, the records of the
// log and the outcomes of the ledger.
//
// It promises that one meaning has one type: the door fills an Event, the log
// carries it, the operators read it and the stores write it. It may import
// nothing of this module. The bytes of a record are drawn in
// docs/format/record.md; the meaning of each field is section 3 of the
// semantics, docs/semantics.md.
package event
