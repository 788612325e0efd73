package sketch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// The format, all numbers little endian:
//
//	byte  0  preamble, in 4-byte words: 2 list, 3 set, 10 registers
//	      1  serial version 1
//	      2  family 7
//	      3  lgK
//	      4  list and set: lg of the places; HLL_4: lg of the places for exceptions
//	      5  flags: 4 empty, 8 compact (no free places written), 16 estimate without history
//	      6  list: number of coupons; registers: the value that HLL_4 nibbles count from
//	      7  mode: low two bits 0 list, 1 set, 2 registers; next two 0 HLL_4, 1 HLL_6, 2 HLL_8
//	list  8  coupons
//	set   8  number of coupons; 12 coupons
//	regs  8  history estimate (double), 16 sum of 2^-value for values below 32 (double), 24 for the others,
//	     32  number of registers at byte 6's value, 36 number of exceptions, 40 registers, exceptions (HLL_4)
//
// Ours are compact, coupons ascending, registers HLL_8, history 0: what a DataSketches union writes; AppendPacked's registers are
// HLL_4.
const (
	serialVersion = 1
	family        = 7

	flagEmpty     = 4
	flagCompact   = 8
	flagNoHistory = 16

	modeList      = 0
	modeSet       = 1
	modeRegisters = 2
	target4       = 0 << 2
	target6       = 1 << 2
	target8       = 2 << 2

	listHeader     = 8
	setHeader      = 12
	registerHeader = 40

	nibbleTop = 15 // the nibble of a value that is given as an exception

	listPlaces   = 8 // a list of 8 coupons is written as a set
	lgListPlaces = 3
	lgSetPlaces  = 5
)

// ErrFormat is wrapped by the error of every reading of bytes that are no sketch.
var ErrFormat = errors.New("invalid sketch")

// AppendBinary appends the sketch's bytes to dst.
func (s *Sketch) AppendBinary(dst []byte) []byte {
	if s.registers != nil {
		return s.appendRegisters(dst)
	}
	var stack [maxCoupons]uint32
	coupons := s.coupons(stack[:0])
	if len(coupons) < listPlaces {
		flags := byte(flagCompact)
		if len(coupons) == 0 {
			flags |= flagEmpty
		}
		dst = append(dst, listHeader/4, serialVersion, family, lgK, lgListPlaces, flags, byte(len(coupons)), modeList|target8)
	} else {
		dst = append(dst, setHeader/4, serialVersion, family, lgK, lgPlaces(len(coupons)), flagCompact, 0, modeSet|target8)
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(coupons)))
	}
	for _, coupon := range coupons {
		dst = binary.LittleEndian.AppendUint32(dst, coupon)
	}
	return dst
}

// lgPlaces returns the lg of the places that a set of count coupons has: at most three quarters are taken.
func lgPlaces(count int) byte {
	return byte(max(lgSetPlaces, bits.Len(uint(count*4-1)/3)))
}

// AppendPacked appends the sketch's bytes in half the space where it has registers, as HLL_4: all that stands in the form of
// AppendBinary stands in this one too.
func (s *Sketch) AppendPacked(dst []byte) []byte {
	if s.registers == nil {
		return s.AppendBinary(dst)
	}
	base := min(slices.Min(s.registers[:]), maxValue-nibbleTop)
	var nibbles [registerCount]uint8
	var exceptions []uint32
	atBase := 0
	for slot, value := range s.registers {
		if nibbles[slot] = value - base; value == base {
			atBase++
		} else if value >= base+nibbleTop {
			nibbles[slot], exceptions = nibbleTop, append(exceptions, uint32(value)<<addressBits|uint32(slot))
		}
	}
	sums := s.sums()
	lgExceptions := byte(0)
	if len(exceptions) > 0 {
		lgExceptions = lgPlaces(len(exceptions))
	}
	dst = append(dst, registerHeader/4, serialVersion, family, lgK, lgExceptions, flagCompact|flagNoHistory, base, modeRegisters|target4)
	dst = sums.appendHeader(dst, atBase, len(exceptions))
	for slot := 0; slot < registerCount; slot += 2 {
		dst = append(dst, nibbles[slot]|nibbles[slot+1]<<4)
	}
	for _, coupon := range exceptions {
		dst = binary.LittleEndian.AppendUint32(dst, coupon)
	}
	return dst
}

// appendHeader appends the bytes 8 to 39 of registers.
func (sums registerSums) appendHeader(dst []byte, atBase, exceptions int) []byte {
	for _, double := range [...]float64{0, sums.low, sums.high} {
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(double))
	}
	dst = binary.LittleEndian.AppendUint32(dst, uint32(atBase))
	return binary.LittleEndian.AppendUint32(dst, uint32(exceptions))
}

func (s *Sketch) appendRegisters(dst []byte) []byte {
	sums := s.sums()
	dst = append(dst, registerHeader/4, serialVersion, family, lgK, 0, flagCompact|flagNoHistory, 0, modeRegisters|target8)
	dst = sums.appendHeader(dst, sums.zeros, 0)
	return append(dst, s.registers[:]...)
}

// Parse reads the bytes of a sketch: of lgK 12, list, set, HLL_4, HLL_6 or HLL_8, compact or not. It keeps nothing of data.
func Parse(data []byte) (*Sketch, error) {
	s := New()
	if err := s.MergeBytes(data); err != nil {
		return nil, err
	}
	return s, nil
}

// MergeBytes adds all visitors of a sketch in bytes, as Parse reads them. After an error s is as before.
func (s *Sketch) MergeBytes(data []byte) error {
	if len(data) < listHeader {
		return fmt.Errorf("%w: %d bytes", ErrFormat, len(data))
	}
	if data[1] != serialVersion || data[2] != family || data[3] != lgK {
		return fmt.Errorf("%w: serial version %d, family %d, lgK %d", ErrFormat, data[1], data[2], data[3])
	}
	if data[5]&flagEmpty != 0 {
		return nil
	}
	switch mode, words := data[7]&3, data[0]; {
	case mode == modeList && words == listHeader/4:
		return s.mergeList(data)
	case mode == modeSet && words == setHeader/4 && len(data) >= setHeader:
		return s.mergeSet(data)
	case mode == modeRegisters && words == registerHeader/4 && len(data) >= registerHeader:
		return s.mergeRegisterBytes(data)
	default:
		return fmt.Errorf("%w: mode %d, preamble of %d words, %d bytes", ErrFormat, mode, words, len(data))
	}
}

func (s *Sketch) mergeList(data []byte) error {
	count := int(data[6])
	if count > listPlaces {
		return fmt.Errorf("%w: list of %d coupons", ErrFormat, count)
	}
	places := listPlaces
	if data[5]&flagCompact != 0 {
		places = count
	}
	return s.mergeCoupons(data[listHeader:], places, count)
}

func (s *Sketch) mergeSet(data []byte) error {
	count := int(binary.LittleEndian.Uint32(data[listHeader:]))
	if count < 0 || count > maxCoupons {
		return fmt.Errorf("%w: set of %d coupons", ErrFormat, count)
	}
	places := count
	if data[5]&flagCompact == 0 {
		places = 1 << min(data[4], lgK)
	}
	return s.mergeCoupons(data[setHeader:], places, count)
}

// mergeCoupons adds the coupons that stand in body, which must be count ones in places places.
func (s *Sketch) mergeCoupons(body []byte, places, count int) error {
	if len(body) < 4*places {
		return fmt.Errorf("%w: %d bytes for %d coupons", ErrFormat, len(body), places)
	}
	body = body[:4*places]
	seen := 0
	for i := 0; i < len(body); i += 4 {
		coupon := binary.LittleEndian.Uint32(body[i:])
		if coupon == 0 {
			continue
		}
		if coupon>>addressBits == 0 {
			return fmt.Errorf("%w: coupon %#x has no value", ErrFormat, coupon)
		}
		seen++
	}
	if seen != count {
		return fmt.Errorf("%w: %d coupons, not %d", ErrFormat, seen, count)
	}
	for i := 0; i < len(body); i += 4 {
		s.Add(binary.LittleEndian.Uint32(body[i:]))
	}
	return nil
}

func (s *Sketch) mergeRegisterBytes(data []byte) error {
	body := data[registerHeader:]
	switch target := data[7] & (3 << 2); target {
	case target8:
		return s.merge8(body)
	case target6:
		return s.merge6(body)
	case target4:
		return s.merge4(data)
	default:
		return fmt.Errorf("%w: register type %d", ErrFormat, target>>2)
	}
}

func (s *Sketch) merge8(body []byte) error {
	if len(body) < registerCount {
		return fmt.Errorf("%w: %d bytes for %d registers", ErrFormat, len(body), registerCount)
	}
	from := (*[registerCount]uint8)(body)
	var all uint64
	for i := 0; i < registerCount; i += 8 {
		all |= binary.LittleEndian.Uint64(from[i:])
	}
	if all&0xc0c0c0c0c0c0c0c0 != 0 {
		return fmt.Errorf("%w: a register is over %d", ErrFormat, maxValue)
	}
	s.toRegisters()
	mergeRegisters(s.registers, from)
	return nil
}

// merge6 reads registers of 6 bits, the first in the low bits of the first byte.
func (s *Sketch) merge6(body []byte) error {
	if len(body) < registerCount*6/8 {
		return fmt.Errorf("%w: %d bytes for %d registers of 6 bits", ErrFormat, len(body), registerCount)
	}
	s.toRegisters()
	for group := 0; group < registerCount/4; group++ {
		b := body[group*3:]
		packed := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16
		for i := range 4 {
			slot := group*4 + i
			s.registers[slot] = max(s.registers[slot], uint8(packed>>(6*i))&maxValue)
		}
	}
	return nil
}

// merge4 reads registers of 4 bits, the first in the low bits, that count from data[6]; 15 stands for a value
// given as a coupon after them.
func (s *Sketch) merge4(data []byte) error {
	body, base := data[registerHeader:], data[6]
	if len(body) < registerCount/2 || base > maxValue-nibbleTop {
		return fmt.Errorf("%w: %d bytes for %d registers of 4 bits from %d on", ErrFormat, len(body), registerCount, base)
	}
	var registers [registerCount]uint8
	for i := 0; i < registerCount; i += 8 {
		nibbles := spread(binary.LittleEndian.Uint32(body[i/2:]))
		binary.LittleEndian.PutUint64(registers[i:], nibbles+uint64(base)*0x0101010101010101)
	}
	exceptions, err := readExceptions(data, body[registerCount/2:])
	if err != nil {
		return err
	}
	for _, coupon := range exceptions {
		slot, value := coupon&slotMask, uint8(coupon>>addressBits)
		if registers[slot] != base+nibbleTop || value < base+nibbleTop {
			return fmt.Errorf("%w: exception %d of register %d", ErrFormat, value, slot)
		}
		registers[slot] = value
	}
	s.toRegisters()
	mergeRegisters(s.registers, &registers)
	return nil
}

// spread gives each nibble a byte of its own.
func spread(nibbles uint32) uint64 {
	x := uint64(nibbles)
	x = (x | x<<16) & 0x0000ffff0000ffff
	x = (x | x<<8) & 0x00ff00ff00ff00ff
	return (x | x<<4) & 0x0f0f0f0f0f0f0f0f
}

// readExceptions returns the exceptions of HLL_4 that stand in body.
func readExceptions(data, body []byte) ([]uint32, error) {
	count := int(binary.LittleEndian.Uint32(data[36:]))
	places := count
	if data[5]&flagCompact == 0 && count > 0 {
		places = 1 << min(data[4], lgK)
	}
	if count < 0 || count > registerCount || len(body) < 4*places {
		return nil, fmt.Errorf("%w: %d bytes for %d exceptions", ErrFormat, len(body), count)
	}
	exceptions := make([]uint32, 0, count)
	for i := range places {
		if coupon := binary.LittleEndian.Uint32(body[4*i:]); coupon != 0 {
			exceptions = append(exceptions, coupon)
		}
	}
	if len(exceptions) != count {
		return nil, fmt.Errorf("%w: %d exceptions, not %d", ErrFormat, len(exceptions), count)
	}
	return exceptions, nil
}
