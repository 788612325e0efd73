package redis

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"

	"github.com/redis/rueidis"
)

// Script is a Lua script that runs in Redis.
type Script struct{ text, sha string }

// NewScript returns a script; Redis gets its text when it does not know it.
func NewScript(text string) *Script {
	sum := sha1.Sum([]byte(text))
	return &Script{text, hex.EncodeToString(sum[:])}
}

// Call is one run of a script. All keys must stand in one slot.
type Call struct {
	Script     *Script
	Keys, Args []string
}

// Run runs the calls in order on one pipeline and returns their results, or the first error. After an error any of them may have run.
func (c *Client) Run(ctx context.Context, calls []Call) ([]rueidis.RedisResult, error) {
	conn, err := c.Conn()
	if err != nil || len(calls) == 0 {
		return nil, err
	}
	results, unknown, err := runOnce(ctx, conn, calls)
	if unknown == nil {
		return results, err
	}
	// A Redis that has restarted knows no scripts. Those that did run run again: all of ours may.
	if err := load(ctx, conn, calls); err != nil {
		return nil, err
	}
	results, unknown, err = runOnce(ctx, conn, calls)
	if unknown != nil {
		return nil, unknown
	}
	return results, err
}

func runOnce(ctx context.Context, conn rueidis.Client, calls []Call) (results []rueidis.RedisResult, unknown, err error) {
	commands := make(rueidis.Commands, len(calls))
	for i, call := range calls {
		commands[i] = conn.B().Evalsha().Sha1(call.Script.sha).Numkeys(int64(len(call.Keys))).Key(call.Keys...).Arg(call.Args...).Build()
	}
	results = conn.DoMulti(ctx, commands...)
	for _, result := range results {
		failure := result.Error()
		if failure == nil || rueidis.IsRedisNil(failure) {
			continue
		}
		if redis, ok := rueidis.IsRedisErr(failure); ok && redis.IsNoScript() {
			return nil, failure, nil
		}
		if err == nil {
			err = failure
		}
	}
	return results, nil, err
}

// load gives every node the scripts of the calls.
func load(ctx context.Context, conn rueidis.Client, calls []Call) error {
	loaded := map[*Script]bool{}
	for _, call := range calls {
		if loaded[call.Script] {
			continue
		}
		loaded[call.Script] = true
		for address, node := range conn.Nodes() {
			if err := node.Do(ctx, node.B().ScriptLoad().Script(call.Script.text).Build()).Error(); err != nil {
				return fmt.Errorf("cannot load a script into redis at %q: %w", address, err)
			}
		}
	}
	return nil
}
