package eventlog

import "errors"

// Claim is a partition that this process has to itself.
type Claim struct {
	Topic     Topic
	Partition int32
}

// Progress is how far a consumer is in a partition.
type Progress struct {
	Next  int64 // offset: all before it is done
	To    int64 // exactly [Next, To) is about to be done; To = Next: nothing is
	Fresh int64 // ms: what was received before it, and stands in this partition, is done; 0: not known
}

// ErrFenced: the partition belongs to another process now; nothing was written.
var ErrFenced = errors.New("the partition belongs to another process")
