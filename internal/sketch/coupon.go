package sketch

import "math/bits"

// A coupon is what a sketch keeps of one visitor: the top 6 bits are a value of 1 to 63 that is v with probability
// 2^-v, the low 26 bits an address. Register (address & 4095) holds the largest value of its coupons.
const (
	addressBits = 26
	addressMask = 1<<addressBits - 1
	slotMask    = registerCount - 1
	maxValue    = 63
)

// hashSeed is the seed that all DataSketches libraries use.
const hashSeed = 9001

// Coupon returns the coupon of a visitor's id. It is never 0.
func Coupon(userID string) uint32 {
	low, high := murmur128(userID, hashSeed)
	value := uint32(min(bits.LeadingZeros64(high), maxValue-1)) + 1
	return value<<addressBits | uint32(low)&addressMask
}

// Multipliers of MurmurHash3_x64_128.
const (
	murmurC1 = 0x87c37b91114253d5
	murmurC2 = 0x4cf5ad432745937f
)

// murmur128 is MurmurHash3_x64_128, a public domain function, over a string so that callers need no copy.
func murmur128(s string, seed uint64) (h1, h2 uint64) {
	h1, h2 = seed, seed
	rest := s
	for ; len(rest) >= 16; rest = rest[16:] {
		h1 ^= mixLow(load64(rest))
		h1 = (bits.RotateLeft64(h1, 27)+h2)*5 + 0x52dce729
		h2 ^= mixHigh(load64(rest[8:]))
		h2 = (bits.RotateLeft64(h2, 31)+h1)*5 + 0x38495ab5
	}
	if len(rest) > 8 {
		h2 ^= mixHigh(loadTail(rest[8:]))
		rest = rest[:8]
	}
	if len(rest) > 0 {
		h1 ^= mixLow(loadTail(rest))
	}
	h1 ^= uint64(len(s))
	h2 ^= uint64(len(s))
	h1 += h2
	h2 += h1
	h1, h2 = finish(h1), finish(h2)
	h1 += h2
	return h1, h2 + h1
}

func mixLow(k uint64) uint64  { return bits.RotateLeft64(k*murmurC1, 31) * murmurC2 }
func mixHigh(k uint64) uint64 { return bits.RotateLeft64(k*murmurC2, 33) * murmurC1 }

func finish(k uint64) uint64 {
	k = (k ^ k>>33) * 0xff51afd7ed558ccd
	k = (k ^ k>>33) * 0xc4ceb9fe1a85ec53
	return k ^ k>>33
}

// load64 reads 8 bytes, little endian; the compiler makes one load of it.
func load64(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// loadTail reads up to 8 bytes, little endian.
func loadTail(s string) (k uint64) {
	if len(s) >= 8 {
		return load64(s)
	}
	for i := len(s) - 1; i >= 0; i-- {
		k = k<<8 | uint64(s[i])
	}
	return k
}
