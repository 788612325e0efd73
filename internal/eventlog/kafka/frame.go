package kafka

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/footfall-analytics/footfall/internal/eventlog"
)

const (
	frameBits = 12
	// maxFrames is how many frames a value may hold.
	maxFrames = 1 << frameBits
)

var errFrames = errors.New("value is no sequence of frames")

// Position returns the offset that a frame has in the event log.
func Position(kafkaOffset int64, frame int) int64 { return kafkaOffset<<frameBits | int64(frame) }

// KafkaOffset returns the Kafka offset of the value in which a position stands.
func KafkaOffset(position int64) int64 { return position >> frameBits }

// frameIndex is the place of the position in its value.
func frameIndex(position int64) int { return int(position & (maxFrames - 1)) }

func appendFrame(dst, record []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(record))), record...)
}

func frameSize(record []byte) int {
	return (bits.Len64(uint64(len(record))|1)+6)/7 + len(record)
}

// eachFrame calls f with the frames of a value, until it returns false. They are parts of the value; appending to one
// does not reach the next.
func eachFrame(value []byte, f func(i int, record []byte) bool) error {
	for i := 0; len(value) > 0; i++ {
		size, n := binary.Uvarint(value)
		if n <= 0 || size > uint64(len(value)-n) || i >= maxFrames {
			return fmt.Errorf("%w: at frame %d", errFrames, i)
		}
		end := n + int(size)
		if !f(i, value[n:end:end]) {
			return nil
		}
		value = value[end:]
	}
	return nil
}

// appendEntries appends the frames of a value that stand at position or behind it, as long as they fit into the room. It
// returns whether all did. An entry is taken whatever its size when there is none yet.
func appendEntries(entries []eventlog.Entry, r *record, position int64, room *int) ([]eventlog.Entry, bool, error) {
	whole := true
	err := eachFrame(r.value, func(i int, data []byte) bool {
		at := Position(r.offset, i)
		if at < position {
			return true
		}
		if len(entries) > 0 && len(data) > *room {
			whole = false
			return false
		}
		*room -= len(data)
		entries = append(entries, eventlog.Entry{Partition: r.partition, Offset: at, Value: data})
		return true
	})
	return entries, whole, err
}
