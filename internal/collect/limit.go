package collect

import (
	"math"
	"net/netip"
	"sync"

	"github.com/cespare/xxhash/v2"
)

const (
	limitSlots  = 1 << 14
	limitShards = 64
)

// limiter counts the events of addresses by second and minute. Its memory is fixed: two addresses that fall on one slot
// take it from each other, which may let somebody send more than the limit but never refuses anybody who does not.
type limiter struct {
	perSecond int
	locks     [limitShards]sync.Mutex
	slots     [limitSlots]limitSlot
}

type limitSlot struct {
	address        uint64
	second, minute int64
	inSecond       int32
	inMinute       int32
	lastMinute     int32
}

// addressKey stands for an IPv4 address or an IPv6 /64, which one customer has.
func addressKey(ip netip.Addr) uint64 {
	bytes := ip.As16()
	if ip.Is4() || ip.Is4In6() {
		return xxhash.Sum64(bytes[:])
	}
	return xxhash.Sum64(bytes[:8])
}

// take counts events of an address at that time (ms). It returns false, and counts none, when that would exceed the limit;
// a limit of 0 is none. rate is the address's number of events in the last minute or so.
func (l *limiter) take(address uint64, events int, now int64) (rate int, ok bool) {
	at := address % limitSlots
	lock := &l.locks[at%limitShards]
	lock.Lock()
	defer lock.Unlock()
	slot := &l.slots[at]
	second, minute := now/1000, now/60_000
	if slot.address != address {
		*slot = limitSlot{address: address, second: second, minute: minute}
	}
	if slot.second != second {
		slot.second, slot.inSecond = second, 0
	}
	if slot.minute != minute {
		if slot.minute == minute-1 {
			slot.lastMinute = slot.inMinute
		} else {
			slot.lastMinute = 0
		}
		slot.minute, slot.inMinute = minute, 0
	}
	if l.perSecond > 0 && int(slot.inSecond)+events > l.perSecond {
		return 0, false
	}
	slot.inSecond += int32(events)
	slot.inMinute = int32(min(int64(slot.inMinute)+int64(events), math.MaxInt32/2))
	return int(max(slot.inMinute, slot.lastMinute)), true
}
