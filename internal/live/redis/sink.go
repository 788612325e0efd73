package redis

import (
	"context"
	"encoding/binary"
	"fmt"
	"strconv"
	"sync/atomic"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/redis"
	"github.com/footfall-analytics/footfall/internal/stream"
)

// windowMillis is how long things stay in Redis: the view, and a little more.
const windowMillis = stream.LateMillis + stream.MinuteMillis

// eventScript appends an entry to a stream and notes its visitors.
// KEYS: the stream, the visitors below thresholds 1-4. ARGV: id, entry, trim id, channel, after which time visitors count, then for each
// threshold a number of visitors and so many pairs of time and member.
const eventScript = `
local ttl = '` + windowText + `'
local added = redis.pcall('xadd', KEYS[1], 'MINID', '~', ARGV[3], ARGV[1], 'e', ARGV[2])
if type(added) == 'table' and added.err and not string.find(added.err, 'equal or smaller', 1, true) then
  return redis.error_reply(added.err)
end
redis.call('xtrim', KEYS[1], 'MAXLEN', '~', '` + maxStreamText + `')
redis.call('pexpire', KEYS[1], ttl)
local at = 6
for t = 2, 5 do
  local n = tonumber(ARGV[at])
  if n > 0 then
    redis.call('zadd', KEYS[t], 'GT', unpack(ARGV, at + 1, at + 2 * n))
    redis.call('zremrangebyscore', KEYS[t], '-inf', ARGV[5])
    redis.call('pexpire', KEYS[t], ttl)
  end
  at = at + 1 + 2 * n
end
redis.call('publish', ARGV[4], '')
return 1`

// metricScript replaces rows of windows.
// KEYS: the hash. ARGV: channel, start before which rows go, then triples of start, emitted_at, record.
const metricScript = `
for i = 3, #ARGV, 3 do
  local old = redis.call('hget', KEYS[1], ARGV[i])
  if not old or tonumber(string.match(old, '^%d+')) < tonumber(ARGV[i + 1]) then
    redis.call('hset', KEYS[1], ARGV[i], ARGV[i + 1] .. ' ' .. ARGV[i + 2])
    redis.call('publish', ARGV[1], ARGV[i + 2])
  end
end
if redis.call('hlen', KEYS[1]) > 240 then
  for _, start in ipairs(redis.call('hkeys', KEYS[1])) do
    if tonumber(start) < tonumber(ARGV[2]) then redis.call('hdel', KEYS[1], start) end
  end
end
redis.call('pexpire', KEYS[1], '` + windowText + `')
return 1`

const (
	windowText    = "2160000" // windowMillis
	maxStreamText = "200000"  // entries of a stream, against a flood; its age bounds it otherwise
)

// eventSink writes clean events: streams and current visitors.
type eventSink struct {
	client *redis.Client
	script *redis.Script
}

var _ redis.Sink = (*eventSink)(nil)

// siteBatch is what a batch has of one site.
type siteBatch struct {
	entry
	visitors [event.Bands]map[uint64]int64 // by threshold - 1: sample key -> last time
}

// Write writes the events of the last 36 minutes that form sessions. Records that cannot be read are none of the live view's.
func (s *eventSink) Write(ctx context.Context, batch redis.Batch) error {
	var calls []redis.Call
	sites := map[string]*siteBatch{}
	flush := func(site string, b *siteBatch) {
		calls = append(calls, s.call(site, b, batch))
		delete(sites, site)
	}
	var e event.Event
	for _, record := range batch.Entries {
		if event.RecordKind(record.Value) != event.KindEvent || e.DecodeEvent(record.Value) != nil {
			continue
		}
		if !e.Type.InSession() || !stream.Live(e.Timestamp, batch.Now) {
			continue
		}
		b := sites[e.WebsiteID]
		if b == nil {
			b = &siteBatch{}
			sites[e.WebsiteID] = b
		}
		b.add(record.Offset, &e)
		b.see(&e, batch.Now)
		if b.events == maxEntryEvents {
			flush(e.WebsiteID, b)
		}
	}
	for site, b := range sites {
		flush(site, b)
	}
	if _, err := s.client.Run(ctx, calls); err != nil {
		return fmt.Errorf("cannot write %d entries of events: %w", len(calls), err)
	}
	return nil
}

// see notes the event's visitor below each threshold that counts the event.
func (b *siteBatch) see(e *event.Event, now int64) {
	if e.Timestamp <= now-stream.CurrentMillis {
		return
	}
	for t := int(e.BotBand); t < event.Bands; t++ {
		if b.visitors[t] == nil {
			b.visitors[t] = map[uint64]int64{}
		}
		b.visitors[t][e.SampleKey] = max(b.visitors[t][e.SampleKey], e.Timestamp)
	}
}

func (s *eventSink) call(site string, b *siteBatch, batch redis.Batch) redis.Call {
	keys := append([]string{streamKey(s.client, site, batch.Partition)}, visitorKeys(s.client, site)...)
	args := []string{id(b.last + 1), string(b.body), id(batch.Trim), channel(s.client, site), redis.Decimal(batch.Now - stream.CurrentMillis)}
	for _, visitors := range b.visitors {
		args = append(args, strconv.Itoa(len(visitors)))
		for key, at := range visitors {
			args = append(args, redis.Decimal(at), string(binary.BigEndian.AppendUint64(nil, key)))
		}
	}
	return redis.Call{Script: s.script, Keys: keys, Args: args}
}

// Reset removes the streams of a partition: they take no id that is not greater than their last.
func (s *eventSink) Reset(ctx context.Context, partition int32) error {
	return s.client.RemoveMatching(ctx, "e:*:"+strconv.Itoa(int(partition)))
}

// metricSink writes windows, and notes how far the job says it is.
type metricSink struct {
	client *redis.Client
	script *redis.Script
	tick   atomic.Int64 // the latest that was met, ms
}

var _ redis.Sink = (*metricSink)(nil)

// Write writes the windows of the last 36 minutes.
func (s *metricSink) Write(ctx context.Context, batch redis.Batch) error {
	args := map[string][]string{}
	var m event.Metric
	for _, record := range batch.Entries {
		var tick event.Tick
		if event.RecordKind(record.Value) == event.KindTick && tick.DecodeTick(record.Value) == nil {
			s.tick.Store(max(s.tick.Load(), tick.At)) // one goroutine writes a topic at a time, others only read
			continue
		}
		if event.RecordKind(record.Value) != event.KindMetric || m.DecodeMetric(record.Value) != nil || m.Start < batch.Now-windowMillis {
			continue
		}
		if args[m.WebsiteID] == nil {
			args[m.WebsiteID] = []string{channel(s.client, m.WebsiteID), redis.Decimal(batch.Now - windowMillis)}
		}
		args[m.WebsiteID] = append(args[m.WebsiteID], redis.Decimal(m.Start), redis.Decimal(m.EmittedAt), string(record.Value))
	}
	calls := make([]redis.Call, 0, len(args))
	for site, rows := range args {
		calls = append(calls, redis.Call{Script: s.script, Keys: []string{windowKey(s.client, site)}, Args: rows})
	}
	if _, err := s.client.Run(ctx, calls); err != nil {
		return fmt.Errorf("cannot write the windows of %d sites: %w", len(calls), err)
	}
	return nil
}

// Reset removes nothing: rows are replaced by later ones.
func (s *metricSink) Reset(context.Context, int32) error { return nil }

func streamKey(c *redis.Client, site string, partition int32) string {
	return c.SiteKey("e", site) + ":" + strconv.Itoa(int(partition))
}

func visitorKeys(c *redis.Client, site string) []string {
	keys := make([]string, event.Bands)
	for t := range keys {
		keys[t] = c.SiteKey("v", site) + ":" + strconv.Itoa(t+1)
	}
	return keys
}

func windowKey(c *redis.Client, site string) string { return c.SiteKey("w", site) }
func channel(c *redis.Client, site string) string   { return c.SiteKey("live", site) }
