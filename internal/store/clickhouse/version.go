package clickhouse

// Maker says who makes versions of sessions. Of two rows of one session the one of the greater maker is the newer: what
// was made from the stored events knows what the stream, which has forgotten the old ones, does not.
type Maker uint8

// The makers.
const (
	Stream    Maker = 0 // the real-time job, by way of topic sessions
	Processor Maker = 1 // a processor that commits to the store
	Repair    Maker = 2 // a job that makes the sessions of whole days anew
)

// Version returns the version of a session's row: the greatest of one session is read. Within a maker the position in its
// log decides, which is the same in a replay; epoch (0-62) must be raised when positions begin anew or keys move to other
// partitions. Positions have 56 bits.
func Version(maker Maker, epoch uint8, position int64) uint64 {
	return uint64(maker&3)<<62 | uint64(epoch&63)<<56 | uint64(position)&(1<<56-1)
}

// copiedEpoch is the last one of the stream. Sessions copied from another store have it: they are newer than what the stream makes,
// which has not seen their events, and older than what is made from the stored ones.
const copiedEpoch = 63

// copied reports whether a row of that version was copied from another store.
func copied(version uint64) bool { return version>>56 == copiedEpoch }

// stays reports whether a row of that version is newer than any copied one.
func stays(version uint64) bool { return version>>56 > copiedEpoch }
