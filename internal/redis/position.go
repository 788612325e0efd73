package redis

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/rueidis"

	"github.com/footfall-analytics/footfall/internal/eventlog"
)

// positions are how far each partition of a topic stands in Redis: docs/format/redis.md, "Positions".
type positions struct {
	client *Client
	move   *Script
}

func newPositions(client *Client) *positions {
	return &positions{client, NewScript(`
local now = redis.call('hget', KEYS[1], ARGV[1])
if now == ARGV[2] then
  redis.call('hset', KEYS[1], ARGV[1], ARGV[3])
  return ARGV[3]
end
return now`)}
}

func (p *positions) key() string { return p.client.PositionsKey() }

func field(topic eventlog.Topic, partition int32) string {
	return string(topic) + "/" + strconv.Itoa(int(partition))
}

// get returns the position of a partition; false when Redis has none.
func (p *positions) get(ctx context.Context, topic eventlog.Topic, partition int32) (position int64, found bool, err error) {
	result, err := p.client.Do(ctx, func(b rueidis.Builder) rueidis.Completed {
		return b.Hget().Key(p.key()).Field(field(topic, partition)).Build()
	})
	if rueidis.IsRedisNil(err) {
		return 0, false, nil
	}
	if err == nil {
		position, err = result.AsInt64()
	}
	if err != nil {
		return 0, false, fmt.Errorf("cannot read the position of %s: %w", field(topic, partition), err)
	}
	return position, true, nil
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

// advance moves the position from one to the other and returns where it is then: another one than to when it was not at from.
// found is false when Redis has none.
func (p *positions) advance(ctx context.Context, topic eventlog.Topic, partition int32, from, to int64) (now int64, found bool, err error) {
	results, err := p.client.Run(ctx, []Call{{p.move, []string{p.key()}, []string{field(topic, partition), Decimal(from), Decimal(to)}}})
	if err == nil {
		now, err = results[0].AsInt64()
	}
	if rueidis.IsRedisNil(err) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("cannot move the position of %s: %w", field(topic, partition), err)
	}
	return now, true, nil
}

func hdel(key, field string) func(rueidis.Builder) rueidis.Completed {
	return func(b rueidis.Builder) rueidis.Completed { return b.Hdel().Key(key).Field(field).Build() }
}
