package redis

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/footfall-analytics/footfall/internal/event"
)

// maxEntryEvents is how many events stand in one entry of a stream, at most.
const maxEntryEvents = 256

// entry is an entry of a stream in the making.
type entry struct {
	body   []byte
	last   int64 // position of the last event
	events int
	scrap  []byte
}

// add appends the fields of the event that the live view needs.
func (n *entry) add(position int64, e *event.Event) {
	n.body = binary.AppendUvarint(n.body, uint64(position-n.last))
	n.last = position
	n.events++
	reduced := event.Event{
		Type: e.Type, Name: e.Name, Timestamp: e.Timestamp, SampleKey: e.SampleKey, Page: e.Page, Title: e.Title, Source: e.Source,
		Country: e.Country, DeviceType: e.DeviceType, Browser: e.Browser, BotScore: e.BotScore, ScrollDepth: event.NoScroll,
	}
	if s := e.Session; s != nil {
		reduced.Session = &event.SessionInfo{Events: s.Events, Source: s.Source}
	}
	n.scrap = reduced.AppendRecord(n.scrap[:0])
	n.body = binary.AppendUvarint(n.body, uint64(len(n.scrap)))
	n.body = append(n.body, n.scrap...)
}

// id is the stream's id of an entry, from the position behind its last event: a stream takes no id 0-0.
func id(behind int64) string {
	return strconv.FormatInt(behind>>12, 10) + "-" + strconv.FormatInt(behind&4095, 10)
}

var errEntry = errors.New("invalid entry of a stream")

// behindOf is the inverse of id.
func behindOf(id string) (int64, error) {
	high, low, ok := strings.Cut(id, "-")
	h, errHigh := strconv.ParseInt(high, 10, 64)
	l, errLow := strconv.ParseInt(low, 10, 64)
	if !ok || errHigh != nil || errLow != nil {
		return 0, fmt.Errorf("%w: id %q", errEntry, id)
	}
	return h<<12 | l, nil
}

// readEntry calls yield for the events of an entry from a position on. yield may copy the event.
func readEntry(body, websiteID string, from int64, yield func(*event.Event)) error {
	var e event.Event
	data := []byte(body)
	for position := int64(0); len(data) > 0; {
		step, n := binary.Uvarint(data)
		if n <= 0 {
			return fmt.Errorf("%w: no position", errEntry)
		}
		size, m := binary.Uvarint(data[n:])
		if m <= 0 || size > uint64(len(data)-n-m) {
			return fmt.Errorf("%w: no record", errEntry)
		}
		record := data[n+m : n+m+int(size)]
		data = data[n+m+int(size):]
		if position += int64(step); position < from {
			continue
		}
		if err := e.DecodeEvent(record); err != nil {
			return err
		}
		e.WebsiteID = websiteID
		yield(&e)
	}
	return nil
}
