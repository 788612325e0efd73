// Package migrate copies an installation's events, sessions and ledger from one event store into another, day by day, while the
// source goes on taking events; and says in the end where both differ.
//
// What it promises: a row of the source is in the target once, whatever ends a run and however often it is repeated. It does not
// remember how far it is: each run compares what both stores hold and writes what the target lacks, in commits that the target
// finishes as a whole before it is read again. It knows neither engine; accounts are copied by others.
//
// It may import event and store.
package migrate
