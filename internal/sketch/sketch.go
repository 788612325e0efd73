package sketch

import (
	"encoding/binary"
	"slices"
)

const (
	lgK           = 12
	registerCount = 1 << lgK

	// A sketch keeps its coupons while it has at most maxCoupons of them, then the registers alone.
	maxCoupons = 384
)

// Sketch is a set of visitors. The zero value is the empty set. It is not safe for concurrent use.
//
// It is in coupon mode while registers is nil, else in register mode. It enters register mode with its 385th distinct
// coupon, with AddRegister, or by a merge with a sketch in register mode, and stays there: so the mode too does not
// depend on the order of what is added.
type Sketch struct {
	// table holds the coupons in open addressing, 0 for a free place; its length is 0 or a power of two.
	table     []uint32
	count     int // of coupons in table
	registers *[registerCount]uint8
}

// New returns an empty sketch.
func New() *Sketch { return new(Sketch) }

// Add adds the visitor of a coupon. A number that is no coupon (with value 0) is ignored.
func (s *Sketch) Add(coupon uint32) {
	if coupon>>addressBits == 0 {
		return
	}
	if s.registers != nil {
		s.raise(coupon)
		return
	}
	if s.insert(coupon) && s.count > maxCoupons {
		s.toRegisters()
	}
}

// AddAll adds the visitors of coupons.
func (s *Sketch) AddAll(coupons []uint32) {
	if s.registers == nil {
		s.reserve(s.count + min(len(coupons), maxCoupons))
	}
	for len(coupons) > 0 && s.registers == nil {
		s.Add(coupons[0])
		coupons = coupons[1:]
	}
	for _, coupon := range coupons { // one without a value raises nothing
		if slot, value := coupon&slotMask, uint8(coupon>>addressBits); value > s.registers[slot] {
			s.registers[slot] = value
		}
	}
}

// AddRegister raises a register to value: the way in for registers that SQL made, as max(value) by (address & 4095).
// It turns the sketch to register mode. Slots from 4096 on and values over 63 are ignored.
func (s *Sketch) AddRegister(slot uint16, value uint8) {
	if slot >= registerCount || value > maxValue {
		return
	}
	s.toRegisters()
	s.registers[slot] = max(s.registers[slot], value)
}

// Merge adds all visitors of other, which stays as it is.
func (s *Sketch) Merge(other *Sketch) {
	if other.registers != nil {
		s.toRegisters()
		mergeRegisters(s.registers, other.registers)
		return
	}
	for _, coupon := range other.table {
		s.Add(coupon) // free places are ignored
	}
}

// mergeRegisters raises 8 registers at a time: values are below 128, so the top bit of each byte is free to hold a comparison.
func mergeRegisters(into, from *[registerCount]uint8) {
	const tops = 0x8080808080808080
	for i := 0; i < registerCount; i += 8 {
		x, y := binary.LittleEndian.Uint64(into[i:]), binary.LittleEndian.Uint64(from[i:])
		keep := ((x | tops) - y) & tops // where x >= y
		mask := keep | (keep - keep>>7) // all bits of those bytes
		binary.LittleEndian.PutUint64(into[i:], x&mask|y&^mask)
	}
}

// raise puts a coupon into the registers.
func (s *Sketch) raise(coupon uint32) {
	slot, value := coupon&slotMask, uint8(coupon>>addressBits)
	s.registers[slot] = max(s.registers[slot], value)
}

func (s *Sketch) toRegisters() {
	if s.registers != nil {
		return
	}
	s.registers = new([registerCount]uint8)
	for _, coupon := range s.table {
		if coupon != 0 {
			s.raise(coupon)
		}
	}
	s.table, s.count = nil, 0
}

// insert puts a coupon into the table and reports whether it is new.
func (s *Sketch) insert(coupon uint32) bool {
	if s.count*4 >= len(s.table)*3 {
		s.grow()
	}
	place := s.find(coupon)
	if s.table[place] == coupon {
		return false
	}
	s.table[place] = coupon
	s.count++
	return true
}

// find returns the place of a coupon, or the free one where it belongs. The table must have a free place.
func (s *Sketch) find(coupon uint32) int {
	mask := len(s.table) - 1
	place := int(coupon*0x9e3779b1>>8) & mask // any spread will do: writing sorts
	for s.table[place] != 0 && s.table[place] != coupon {
		place = (place + 1) & mask
	}
	return place
}

// reserve makes room for count coupons, or for as many as there can be.
func (s *Sketch) reserve(count int) {
	places := len(s.table)
	for min(count, maxCoupons+1)*4 > places*3 {
		places = max(8, 2*places)
	}
	if places > len(s.table) {
		s.resize(places)
	}
}

func (s *Sketch) grow() { s.resize(max(8, 2*len(s.table))) }

func (s *Sketch) resize(places int) {
	old := s.table
	s.table = make([]uint32, places)
	for _, coupon := range old {
		if coupon != 0 {
			s.table[s.find(coupon)] = coupon
		}
	}
}

// coupons appends the coupons in ascending order.
func (s *Sketch) coupons(dst []uint32) []uint32 {
	for _, coupon := range s.table {
		if coupon != 0 {
			dst = append(dst, coupon)
		}
	}
	slices.Sort(dst)
	return dst
}
