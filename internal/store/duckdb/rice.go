package duckdb

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
)

// Ascending numbers are written as the gaps between them in Rice codes, about as short as such a set can be said:
//
//	count (uvarint), width (1 byte, not without numbers), then for each number its distance from the one before, less 1: the
//	distance shifted right by width as that many 0 bits and a 1, and its width low bits; bits fill bytes from the low end

var errNumbers = errors.New("invalid list of numbers")

// appendAscending appends numbers, which must be in order and distinct.
func appendAscending(dst []byte, numbers []uint32) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(numbers)))
	if len(numbers) == 0 {
		return dst
	}
	width := riceWidth(numbers)
	w := bitWriter{out: append(dst, byte(width))}
	next := uint64(0)
	for _, n := range numbers {
		gap := uint64(n) - next
		for zeros := gap >> width; zeros > 0; {
			step := min(zeros, 32)
			w.put(0, uint(step))
			zeros -= step
		}
		w.put(1, 1)
		w.put(gap&(1<<width-1), width)
		next = uint64(n) + 1
	}
	return w.close()
}

// riceWidth returns the width that makes the list shortest, of those near the mean gap's.
func riceWidth(numbers []uint32) (width uint) {
	mean := (uint64(numbers[len(numbers)-1]) + 1) / uint64(len(numbers))
	guess := uint(bits.Len64(mean))
	best := uint64(math.MaxUint64)
	for try := max(guess, 2) - 2; try <= guess; try++ {
		size, next := uint64(0), uint64(0)
		for _, n := range numbers {
			size += (uint64(n)-next)>>try + uint64(try)
			next = uint64(n) + 1
		}
		if size < best {
			best, width = size, try
		}
	}
	return width
}

// readAscending appends the numbers that stand in data, at most limit, to dst.
func readAscending(dst []uint32, data []byte, limit int) ([]uint32, error) {
	count, n := binary.Uvarint(data)
	if n <= 0 || count > uint64(limit) {
		return dst, errNumbers
	}
	if count == 0 {
		return dst, nil
	}
	if len(data) == n || data[n] > 32 {
		return dst, errNumbers
	}
	width := uint(data[n])
	r := bitReader{in: data[n+1:]}
	next := uint64(0)
	for range count {
		gap, ok := r.short(width)
		if !ok {
			gap, ok = r.long(width)
		}
		number := next + gap
		if !ok || gap > 1<<32 || number > 1<<32-1 {
			return dst, errNumbers
		}
		dst = append(dst, uint32(number))
		next = number + 1
	}
	return dst, nil
}

type bitWriter struct {
	out  []byte
	bits uint64
	n    uint
}

// put appends the low n bits of value, n at most 32.
func (w *bitWriter) put(value uint64, n uint) {
	w.bits |= value << w.n
	for w.n += n; w.n >= 8; w.n -= 8 {
		w.out = append(w.out, byte(w.bits))
		w.bits >>= 8
	}
}

func (w *bitWriter) close() []byte {
	if w.n > 0 {
		w.out = append(w.out, byte(w.bits))
	}
	return w.out
}

type bitReader struct {
	in   []byte
	bits uint64
	n    uint
}

func (r *bitReader) fill() {
	if len(r.in) >= 8 && r.n < 64 {
		whole := (64 - r.n) / 8 // bytes
		next := binary.LittleEndian.Uint64(r.in)
		if whole < 8 {
			next &= 1<<(8*whole) - 1
		}
		r.bits |= next << r.n
		r.in, r.n = r.in[whole:], r.n+8*whole
		return
	}
	for r.n <= 56 && len(r.in) > 0 {
		r.bits |= uint64(r.in[0]) << r.n
		r.in, r.n = r.in[1:], r.n+8
	}
}

// short reads a distance that lies in the next bits as a whole, as nearly all do; false leaves it to long.
func (r *bitReader) short(width uint) (gap uint64, ok bool) {
	if r.n < 48 {
		r.fill()
	}
	zeros := uint(bits.TrailingZeros64(r.bits))
	length := zeros + 1 + width
	if length > r.n {
		return 0, false
	}
	gap = uint64(zeros)<<width | r.bits>>(zeros+1)&(1<<width-1)
	r.bits >>= length
	r.n -= length
	return gap, true
}

func (r *bitReader) long(width uint) (gap uint64, ok bool) {
	zeros, ok := r.zeros()
	if !ok || zeros > 1<<(32-width) {
		return 0, false
	}
	low, ok := r.take(width)
	return zeros<<width + low, ok
}

// take reads n bits, at most 32.
func (r *bitReader) take(n uint) (value uint64, ok bool) {
	if r.n < n {
		if r.fill(); r.n < n {
			return 0, false
		}
	}
	value = r.bits & (1<<n - 1)
	r.bits >>= n
	r.n -= n
	return value, true
}

// zeros reads 0 bits up to a 1, that too, and counts the zeros.
func (r *bitReader) zeros() (count uint64, ok bool) {
	for r.bits == 0 {
		count += uint64(r.n)
		r.n = 0
		if r.fill(); r.n == 0 {
			return 0, false
		}
	}
	at := uint(bits.TrailingZeros64(r.bits))
	r.bits >>= at + 1
	r.n -= at + 1
	return count + uint64(at), true
}
