package local

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/footfall-analytics/footfall/internal/eventlog"
)

// Codecs of a group's body.
const (
	codecPlain = 1
	codecS2    = 2
)

const (
	// minCompress is the body size from which compressing pays.
	minCompress = 1 << 10
	maxTopic    = 200
	offsetBytes = 8
)

var errGroup = errors.New("invalid group")

// header is what stands before the body of a group.
type header struct {
	codec       byte
	count       int64
	appendedAt  int64
	bytesBefore int64
}

func (h *header) append(dst []byte) []byte {
	dst = append(dst, h.codec)
	dst = binary.AppendUvarint(dst, uint64(h.count))
	dst = binary.AppendUvarint(dst, uint64(h.appendedAt))
	return binary.AppendUvarint(dst, uint64(h.bytesBefore))
}

func parseHeader(value []byte) (h header, body []byte, err error) {
	if len(value) == 0 {
		return h, nil, errGroup
	}
	h.codec, body = value[0], value[1:]
	for _, to := range [...]*int64{&h.count, &h.appendedAt, &h.bytesBefore} {
		v, n := binary.Uvarint(body)
		if n <= 0 || v > 1<<62 {
			return h, nil, errGroup
		}
		*to, body = int64(v), body[n:]
	}
	if h.count < 1 {
		return h, nil, errGroup
	}
	return h, body, nil
}

// appendGroup appends a group's value to dst. scratch holds the compressed body between calls.
func appendGroup(dst []byte, h header, frames []byte, scratch *[]byte) []byte {
	h.codec = codecPlain
	if len(frames) >= minCompress {
		if need := s2.MaxEncodedLen(len(frames)); cap(*scratch) < need {
			*scratch = make([]byte, need)
		}
		if packed := s2.Encode((*scratch)[:cap(*scratch)], frames); len(packed) < len(frames)*7/8 {
			h.codec, frames = codecS2, packed
		}
	}
	return append(h.append(dst), frames...)
}

// openBody returns the frames of a group in memory of their own.
func openBody(codec byte, body []byte) ([]byte, error) {
	switch codec {
	case codecPlain:
		return bytes.Clone(body), nil
	case codecS2:
		frames, err := s2.Decode(nil, body)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errGroup, err)
		}
		return frames, nil
	}
	return nil, fmt.Errorf("%w: codec %d is not known", errGroup, codec)
}

func appendFrame(dst, record []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(record)))
	return append(dst, record...)
}

// nextFrame cuts one record off frames.
func nextFrame(frames []byte) (record, rest []byte, err error) {
	size, n := binary.Uvarint(frames)
	if n <= 0 || size > uint64(len(frames)-n) {
		return nil, nil, errGroup
	}
	end := n + int(size)
	return frames[n:end:end], frames[end:], nil
}

func appendKey(dst []byte, topic eventlog.Topic, offset int64) []byte {
	dst = append(dst, topic...)
	dst = append(dst, 0)
	return binary.BigEndian.AppendUint64(dst, uint64(offset))
}

// topicEnd returns a key behind all keys of the topic.
func topicEnd(topic eventlog.Topic) []byte { return append([]byte(topic), 1) }

func splitKey(key []byte) (eventlog.Topic, int64, error) {
	cut := len(key) - offsetBytes - 1
	if cut < 1 || key[cut] != 0 {
		return "", 0, fmt.Errorf("%w: key %x", errGroup, key)
	}
	return eventlog.Topic(key[:cut]), int64(binary.BigEndian.Uint64(key[cut+1:])), nil
}

func checkTopic(topic eventlog.Topic) error {
	if len(topic) == 0 || len(topic) > maxTopic || bytes.IndexByte([]byte(topic), 0) >= 0 {
		return fmt.Errorf("topic name %q is not 1 to %d bytes without NUL", topic, maxTopic)
	}
	return nil
}

func millis(t time.Time) int64 { return t.UnixMilli() }
