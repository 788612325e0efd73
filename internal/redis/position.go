package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/footfall-analytics/footfall/internal/eventlog"
)

// positions are how far each partition of a topic stands in Redis, and who writes it: docs/format/redis.md, "Positions".
type positions struct {
	client *Client
	token  string // names this process
	move   *Script
	leave  *Script
}

// leaseMillis is how long a process that has died keeps others from writing its partitions.
const leaseMillis = 20_000

// errTaken says that another process writes the partition.
var errTaken = errors.New("another process writes the partition")

// moveScript takes or prolongs the lease of a partition and returns its position; given two positions, it moves it from the one to the
// other before, if that is where it is. KEYS: the hash. ARGV: field, token, lease in ms, from and to.
const moveScript = `
local t = redis.call('time')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
local owner = redis.call('hget', KEYS[1], 'owner/' .. ARGV[1])
if owner then
  local token, ends = string.match(owner, '^(%S+) (%d+)$')
  if token ~= ARGV[2] and tonumber(ends) > now then return 'taken' end
end
redis.call('hset', KEYS[1], 'owner/' .. ARGV[1], ARGV[2] .. ' ' .. string.format('%.0f', now + tonumber(ARGV[3])))
local position = redis.call('hget', KEYS[1], ARGV[1])
if ARGV[4] and position == ARGV[4] and ARGV[4] ~= ARGV[5] then
  redis.call('hset', KEYS[1], ARGV[1], ARGV[5])
  return ARGV[5]
end
return position`

// leaveScript gives the lease of a partition up. KEYS: the hash. ARGV: field, token.
const leaveScript = `
local owner = redis.call('hget', KEYS[1], 'owner/' .. ARGV[1])
if owner and string.match(owner, '^%S+') == ARGV[2] then redis.call('hdel', KEYS[1], 'owner/' .. ARGV[1]) end
return 1`

func newPositions(client *Client) *positions {
	return &positions{client, rand.Text(), NewScript(moveScript), NewScript(leaveScript)}
}

func (p *positions) key() string { return p.client.PositionsKey() }

func field(topic eventlog.Topic, partition int32) string {
	return string(topic) + "/" + strconv.Itoa(int(partition))
}

// claim takes or prolongs the lease of a partition and returns its position; found is false when Redis has none.
func (p *positions) claim(ctx context.Context, topic eventlog.Topic, partition int32) (position int64, found bool, err error) {
	return p.run(ctx, topic, partition)
}

// advance is claim, and moves the position from one to the other before. It returns another one than to when it was not at from.
func (p *positions) advance(ctx context.Context, topic eventlog.Topic, partition int32, from, to int64) (now int64, found bool, err error) {
	return p.run(ctx, topic, partition, Decimal(from), Decimal(to))
}

func (p *positions) run(ctx context.Context, topic eventlog.Topic, partition int32, move ...string) (position int64, found bool, err error) {
	name := field(topic, partition)
	results, err := p.client.Run(ctx, []Call{{p.move, []string{p.key()}, append([]string{name, p.token, Decimal(leaseMillis)}, move...)}})
	var text string
	if err == nil {
		text, err = results[0].ToString()
	}
	switch {
	case rueidis.IsRedisNil(err):
		return 0, false, nil
	case err == nil && text == "taken":
		return 0, false, errTaken
	case err == nil:
		position, err = strconv.ParseInt(text, 10, 64)
	}
	if err != nil {
		return 0, false, fmt.Errorf("cannot read or move the position of %s: %w", name, err)
	}
	return position, true, nil
}

// release gives the lease of a partition up, if this process has it. Others would take it over anyway, later.
func (p *positions) release(topic eventlog.Topic, partition int32) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, _ = p.client.Run(ctx, []Call{{p.leave, []string{p.key()}, []string{field(topic, partition), p.token}}})
}

// set starts a partition at that position; anew: what stood there is gone.
func (p *positions) set(ctx context.Context, topic eventlog.Topic, partition int32, position int64, anew bool) error {
	_, err := p.client.Do(ctx, func(b rueidis.Builder) rueidis.Completed {
		set := b.Hset().Key(p.key()).FieldValue().FieldValue(field(topic, partition), Decimal(position))
		if anew {
			set = set.FieldValue(generationOf(topic, partition), rand.Text())
		}
		return set.Build()
	})
	if err != nil {
		return fmt.Errorf("cannot set the position of %s: %w", field(topic, partition), err)
	}
	return nil
}

func generationOf(topic eventlog.Topic, partition int32) string {
	return "since/" + field(topic, partition)
}

// Generations returns the names of the writings that the partitions of a topic stand in, one behind the other; "" where one has not
// begun. As long as they stay the same, readers miss nothing by going on from where they are.
func Generations(positions map[string]string, topic eventlog.Topic, partitions int32) string {
	var all strings.Builder
	for partition := range partitions {
		one := positions[generationOf(topic, partition)]
		if one == "" {
			return ""
		}
		all.WriteString(one)
	}
	return all.String()
}

// PositionsKey is the key of the hash that Generations reads.
func (c *Client) PositionsKey() string { return c.Key("position") }

func hdel(key, field string) func(rueidis.Builder) rueidis.Completed {
	return func(b rueidis.Builder) rueidis.Completed { return b.Hdel().Key(key).Field(field).Build() }
}
