package redis

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/footfall-analytics/footfall/internal/event"
	"github.com/footfall-analytics/footfall/internal/eventlog"
	"github.com/footfall-analytics/footfall/internal/redis"
	"github.com/footfall-analytics/footfall/internal/session"
)

// WriterOptions are what a Writer is made of. Client, Log and Partitions are needed.
type WriterOptions struct {
	Client *redis.Client
	Log    eventlog.Reader
	// Partitions of raw_events that this process writes when no other does.
	Partitions []int32
	Linger     time.Duration // see redis.ReplayOptions
	Now        func() int64  // ms; nil: the machine's clock
	Logger     *slog.Logger
}

// lifeMillis is how long a session stays in Redis after its last event.
const lifeMillis = 2 * event.SessionGapMillis

// NewWriter returns what keeps the sessions of raw_events in Redis while its Run runs.
func NewWriter(o WriterOptions) *redis.Replay {
	return redis.NewReplay(redis.ReplayOptions{
		Client: o.Client, Log: o.Log, Topic: eventlog.RawEvents, Partitions: o.Partitions, Sink: &sink{o.Client, redis.NewScript(observeScript)},
		Window: lifeMillis * time.Millisecond, Linger: o.Linger, Now: o.Now, Logger: o.Logger,
	})
}

// observeScript is session.Store's Observe and Touch. A script's numbers are doubles, exact up to 2^53; they are written with
// format, since the language's own text of them has 14 digits.
// KEYS: the session. ARGV: partition, then for each event: position, time, kind (0 not counted, 1 counted, 2 page view, 3 touch), page, source.
const observeScript = `
local f = redis.call('hmget', KEYS[1], 's', 'l', 'n', 'p', 'a', 'o', 'x')
local s, l, n, p, a, o = tonumber(f[1] or nil), tonumber(f[2] or nil), tonumber(f[3] or '0'), f[4] or '', tonumber(f[5] or '0'), f[6] or ''
local gap, done, x = ` + gapText + `, -1, f[7] or ''
local space = string.find(x, ' ', 1, true)
if space and string.sub(x, 1, space - 1) == ARGV[1] then done = tonumber(string.sub(x, space + 1)) end
local changed = false
for i = 2, #ARGV, 5 do
  local ts, kind = tonumber(ARGV[i + 1]), ARGV[i + 2]
  if tonumber(ARGV[i]) > done then
    changed, x = true, ARGV[1] .. ' ' .. ARGV[i]
    if kind == '3' then
      s = s or ts
      l = math.max(l or ts, ts)
    elseif not l or ts > l + gap then
      s, l, n, p, a, o = ts, ts, 0, '', 0, ''
    end
    if kind ~= '3' and ts >= s - gap then
      s, l = math.min(s, ts), math.max(l, ts)
      if kind ~= '0' then
        if n == 0 then o = ARGV[i + 4] end
        n = n + 1
        if kind == '2' and (p == '' or ts < a) then p, a = ARGV[i + 3], ts end
      end
    end
  end
end
if changed then
  local d = function(v) return string.format('%.0f', v) end
  redis.call('hset', KEYS[1], 's', d(s), 'l', d(l), 'n', d(n), 'p', p, 'a', d(a), 'o', o, 'x', x)
  redis.call('pexpire', KEYS[1], '` + lifeText + `')
end
return 1`

const (
	gapText  = "1800000" // event.SessionGapMillis
	lifeText = "3600000" // lifeMillis
)

// kinds of observeScript.
const (
	notCounted = "0"
	counted    = "1"
	pageview   = "2"
	touch      = "3"
)

// maxArgs keeps one run of the script short.
const maxArgs = 5 * 200

// sink writes sessions.
type sink struct {
	client *redis.Client
	script *redis.Script
}

var _ redis.Sink = (*sink)(nil)

// Write writes the batch's events, those of one session in one run of the script.
func (s *sink) Write(ctx context.Context, batch redis.Batch) error {
	w := sessionBatch{sink: s, partition: strconv.Itoa(int(batch.Partition)), open: map[string]int{}}
	var e event.Event
	for _, record := range batch.Entries {
		if event.RecordKind(record.Value) != event.KindEvent || e.DecodeEvent(record.Value) != nil {
			continue
		}
		if e.Flags&event.Imported != 0 || e.ReceivedAt < batch.Now-lifeMillis {
			continue
		}
		position := redis.Decimal(record.Offset)
		w.add(e.WebsiteID, e.SessionID, position, redis.Decimal(e.Timestamp), kindOf(&e), session.Cut(e.Page), session.Cut(e.Source))
		if e.UserID != e.SessionID { // its visitor may be asked for after midnight
			w.add(e.WebsiteID, e.UserID, position, redis.Decimal(e.ReceivedAt), touch, "", "")
		}
	}
	if _, err := s.client.Run(ctx, w.calls); err != nil {
		return fmt.Errorf("cannot write %d sessions: %w", len(w.calls), err)
	}
	return nil
}

func kindOf(e *event.Event) string {
	switch {
	case e.Type == event.Pageview:
		return pageview
	case e.Type.Counted():
		return counted
	}
	return notCounted
}

// sessionBatch gathers the calls of a batch.
type sessionBatch struct {
	*sink
	partition string
	calls     []redis.Call
	open      map[string]int // by key: the call that takes more
}

func (w *sessionBatch) add(websiteID, id string, args ...string) {
	key := sessionKey(w.client, websiteID, id)
	at, ok := w.open[key]
	if !ok || len(w.calls[at].Args) > maxArgs {
		at = len(w.calls)
		w.open[key] = at
		w.calls = append(w.calls, redis.Call{Script: w.script, Keys: []string{key}, Args: []string{w.partition}})
	}
	w.calls[at].Args = append(w.calls[at].Args, args...)
}

// Reset removes nothing: what is there stays true, and x of it keeps a replay from counting twice.
func (s *sink) Reset(context.Context, int32) error { return nil }
