package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

// ErrUnavailable is wrapped by the errors of calls that found no connection.
var ErrUnavailable = errors.New("redis is unavailable")

// Options of a Client. Addresses is needed.
type Options struct {
	// Addresses are host:port. Several are nodes of a Redis cluster, or sentinels when MasterSet is given.
	Addresses          []string
	MasterSet          string
	Username, Password string
	TLS                *tls.Config
	Database           int
	// Prefix of all keys and channels; "": "ff:".
	Prefix string
	// Timeout bounds connecting, and the answer to a command. Default 5 s.
	Timeout time.Duration
}

// Client is a connection that comes and goes. It is safe for concurrent use.
type Client struct {
	options Options
	current atomic.Pointer[rueidis.Client] // nil until the first connection
	stop    context.CancelFunc
	done    sync.WaitGroup
}

// Open returns a client, connected when Redis can be reached now; else it goes on trying.
func Open(options Options) (*Client, error) {
	if len(options.Addresses) == 0 {
		return nil, errors.New("cannot open redis: no address is given")
	}
	if options.Prefix == "" {
		options.Prefix = "ff:"
	}
	if options.Timeout <= 0 {
		options.Timeout = 5 * time.Second
	}
	ctx, stop := context.WithCancel(context.Background())
	c := &Client{options: options, stop: stop}
	if c.connect() != nil {
		c.done.Go(func() { c.keepConnecting(ctx) })
	}
	return c, nil
}

// connect makes the first connection; the library mends it from then on.
func (c *Client) connect() error {
	o := c.options
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: o.Addresses, Sentinel: rueidis.SentinelOption{MasterSet: o.MasterSet, Username: o.Username, Password: o.Password, TLSConfig: o.TLS},
		Username: o.Username, Password: o.Password, TLSConfig: o.TLS, SelectDB: o.Database,
		Dialer: net.Dialer{Timeout: o.Timeout}, ConnWriteTimeout: o.Timeout,
		// Without the pipeline's goroutines a caller that gives up would take the connection with it.
		AlwaysPipelining: true,
		// One connection: commands of one caller keep their order. Memory of buffers is per connection.
		PipelineMultiplex: -1, ReadBufferEachConn: 64 << 10, WriteBufferEachConn: 64 << 10,
		DisableCache: true,
		// A caller that can try again does so itself, within its own time.
		DisableRetry: true,
	})
	if err != nil {
		return fmt.Errorf("cannot connect to redis at %q: %w", o.Addresses, err)
	}
	c.current.Store(&client)
	return nil
}

func (c *Client) keepConnecting(ctx context.Context) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if c.connect() == nil {
				return
			}
		}
	}
}

// Conn returns the connection, or ErrUnavailable before the first one was made. It never waits.
func (c *Client) Conn() (rueidis.Client, error) {
	if conn := c.current.Load(); conn != nil {
		return *conn, nil
	}
	return nil, ErrUnavailable
}

// Close ends the connections. No call may follow.
func (c *Client) Close() error {
	c.stop()
	c.done.Wait()
	if conn := c.current.Load(); conn != nil {
		(*conn).Close()
	}
	return nil
}

// Key names what belongs to no site.
func (c *Client) Key(name string) string { return c.options.Prefix + name }

// SiteKey names what belongs to a site: kind "w" gives ff:w:{site}. Keys of one site stand in one slot of a Redis cluster.
func (c *Client) SiteKey(kind, websiteID string) string {
	return c.options.Prefix + kind + ":{" + websiteID + "}"
}

// SiteOf returns the site of a key that SiteKey has made, whatever follows it.
func (c *Client) SiteOf(kind, key string) (websiteID string, ok bool) {
	start := len(c.options.Prefix) + len(kind) + 2
	if len(key) < start {
		return "", false
	}
	for end := len(key) - 1; end >= start; end-- {
		if key[end] == '}' {
			return key[start:end], true
		}
	}
	return "", false
}

// Do runs one command that returns a number, a text or nothing.
func (c *Client) Do(ctx context.Context, command func(rueidis.Builder) rueidis.Completed) (rueidis.RedisResult, error) {
	conn, err := c.Conn()
	if err != nil {
		return rueidis.RedisResult{}, err
	}
	result := conn.Do(ctx, command(conn.B()))
	return result, result.Error()
}

// RemoveMatching removes all keys of a pattern, which the prefix is put before, on all nodes.
func (c *Client) RemoveMatching(ctx context.Context, pattern string) error {
	conn, err := c.Conn()
	if err != nil {
		return err
	}
	for address, node := range conn.Nodes() {
		role, err := node.Do(ctx, node.B().Role().Build()).ToArray()
		if err != nil {
			return fmt.Errorf("cannot ask %q for its role: %w", address, err)
		}
		if name, _ := role[0].ToString(); name != "master" {
			continue // it follows its master
		}
		if err := removeOn(ctx, node, globEscape(c.options.Prefix)+pattern); err != nil {
			return fmt.Errorf("cannot remove keys %q on %q: %w", pattern, address, err)
		}
	}
	return nil
}

func removeOn(ctx context.Context, node rueidis.Client, pattern string) error {
	for cursor := uint64(0); ; {
		page, err := node.Do(ctx, node.B().Scan().Cursor(cursor).Match(pattern).Count(1000).Build()).AsScanEntry()
		if err != nil {
			return err
		}
		for _, key := range page.Elements { // one by one: keys of a cluster's node need not share a slot
			if err := node.Do(ctx, node.B().Unlink().Key(key).Build()).Error(); err != nil {
				return err
			}
		}
		if cursor = page.Cursor; cursor == 0 {
			return nil
		}
	}
}

func globEscape(text string) string {
	var out []byte
	for i := range len(text) {
		switch text[i] {
		case '*', '?', '[', ']', '\\':
			out = append(out, '\\')
		}
		out = append(out, text[i])
	}
	return string(out)
}

// Decimal writes a number as an argument.
func Decimal(n int64) string { return strconv.FormatInt(n, 10) }
