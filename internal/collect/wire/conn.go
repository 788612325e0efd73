package wire

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"
)

// stage is where in the stream of requests the next byte of a connection stands.
type stage uint8

const (
	between stage = iota // it begins a request
	inside               // it belongs to the request that the server has, or begins the next before that is answered
	through              // nobody here knows; the server reads the rest of the connection
)

// use is who may close a connection.
type use = int32

const (
	idle    use = iota
	busy        // a request is being answered
	leaving     // as before, and the connection closes after the answer
	closed
)

// conn is a connection that the server reads. While the server waits for a request, its call of Read takes the plain requests
// of the door off the connection and answers them; it returns with the first bytes of another request.
//
// Read is called by one goroutine at a time: the server reads ahead while a request is handled, but ends that before it goes on.
type conn struct {
	net.Conn
	front    *Front
	peer     netip.Addr
	use      atomic.Int32
	answered atomic.Bool // at least once by the front

	// Of the goroutine that reads:
	stage stage
	fresh bool  // the server has not seen a request yet
	owed  int64 // bytes still to come of the request that the server has
	// late is how long the front answered requests before the server saw its first one, which that takes for one since the
	// connection came: its deadlines are that much too early.
	late time.Duration
	// ahead is the first byte of the next request, which came while the server was at work.
	ahead    [1]byte
	hasAhead bool

	recalled chan struct{} // gets a value when the server ends a read
}

// SetReadDeadline implements net.Conn.
func (c *conn) SetReadDeadline(t time.Time) error {
	if !t.IsZero() && c.late > 0 {
		t = t.Add(c.late)
	}
	err := c.Conn.SetReadDeadline(t)
	if !t.IsZero() && time.Until(t) < 0 {
		select {
		case c.recalled <- struct{}{}:
		default:
		}
	}
	return err
}

// Close implements net.Conn. A request that is being answered is answered first.
func (c *conn) Close() error {
	for {
		switch was := c.use.Load(); was {
		case busy:
			if c.use.CompareAndSwap(busy, leaving) {
				return nil
			}
		case leaving, closed:
			return nil
		default:
			if c.use.CompareAndSwap(was, closed) {
				return c.Conn.Close()
			}
		}
	}
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	switch c.stage {
	case between:
		return c.answerPlain(p)
	case inside:
		if c.owed == 0 {
			return c.readAhead()
		}
		n, err := c.Conn.Read(p[:min(int64(len(p)), c.owed)])
		c.owed -= int64(n)
		return n, err
	}
	if c.hasAhead {
		return c.takeAhead(p), nil
	}
	return c.Conn.Read(p)
}

// readAhead reads for the server while it handles a request, which only wants to know whether the client has gone. What comes is
// the next request and not for the server yet: it gets nothing until it ends the read.
func (c *conn) readAhead() (int, error) {
	if !c.hasAhead {
		select {
		case <-c.recalled: // of an earlier read; if of this one, the read below fails at its deadline
		default:
		}
		if n, err := c.Conn.Read(c.ahead[:]); n == 0 {
			return 0, err
		}
		c.hasAhead = true
	}
	<-c.recalled
	return 0, os.ErrDeadlineExceeded
}

func (c *conn) takeAhead(p []byte) int {
	c.hasAhead = false
	return copy(p, c.ahead[:])
}

// answerPlain answers requests until one comes that is the server's, and returns what it has read of that.
func (c *conn) answerPlain(p []byte) (int, error) {
	began := time.Now()
	var last time.Time // when the last request was answered
	n, blanks := 0, 0  // bytes in p; how many line ends may come before the request
	for {
		if n == 0 {
			var err error
			if n, err = c.await(p, last); n == 0 || err != nil {
				return n, err
			}
		}
		if k := lineEnds(p[:min(n, blanks)]); k > 0 {
			n, blanks = copy(p, p[k:n]), blanks-k
			continue
		}
		e := c.front.exchanges.Get().(*exchange)
		size := e.head.parse(p[:n])
		if size == 0 || !c.front.takes(&e.head) {
			total := int64(size) + e.head.request.Length
			e.release(c.front)
			c.handOver(n, total, size > 0, began, last)
			return n, nil
		}
		used, err := e.run(c, p[:n], size)
		last = e.ended
		if blanks = 0; e.post {
			blanks = mostBlanks
		}
		e.release(c.front)
		if err != nil {
			return 0, err
		}
		n = copy(p, p[used:n])
	}
}

// mostBlanks is how many bytes of line ends net/http passes over between a POST and what follows: old clients send some.
const mostBlanks = 4

func lineEnds(b []byte) (n int) {
	for n < len(b) && (b[n] == '\r' || b[n] == '\n') {
		n++
	}
	return n
}

// takes reports whether the front may answer the request.
func (f *Front) takes(h *head) bool {
	return h.request.Length <= f.mostBody && f.door.Takes(h.request.Path)
}

// await reads the first bytes of a request. The deadline is the server's, unless a request has been answered since it was set.
func (c *conn) await(p []byte, last time.Time) (int, error) {
	if c.hasAhead {
		n := c.takeAhead(p)
		more, _ := c.Conn.Read(p[n:]) // an error comes again
		return n + more, nil
	}
	for {
		n, err := c.Conn.Read(p)
		if n > 0 || last.IsZero() || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		end := c.front.idleEnd(last)
		if !end.IsZero() && time.Until(end) <= 0 {
			return n, err
		}
		if err := c.Conn.SetReadDeadline(end); err != nil {
			return 0, err
		}
	}
}

// handOver notes that the server gets n bytes that begin a request of total bytes, if that is known.
func (c *conn) handOver(n int, total int64, known bool, began, last time.Time) {
	c.stage = through
	if known && int64(n) <= total {
		c.stage, c.owed = inside, total-int64(n)
	}
	if c.fresh && !last.IsZero() {
		c.late = time.Since(began)
		_ = c.Conn.SetReadDeadline(c.front.headEnd(time.Now())) // the next read would tell
	}
}

// acquire notes that a request is being answered. It returns false when the connection is closed.
func (c *conn) acquire() bool {
	c.front.busy.Add(1)
	if c.use.CompareAndSwap(idle, busy) {
		return true
	}
	c.front.busy.Add(-1)
	return false
}

// release notes that it is answered. It returns false when the connection was to be closed meanwhile, which it does.
func (c *conn) release() bool {
	defer c.front.busy.Add(-1)
	if c.use.CompareAndSwap(busy, idle) {
		return true
	}
	c.use.Store(closed)
	_ = c.Conn.Close()
	return false
}

// body is that of a plain request: what came with the head, then what is still on the connection.
type body struct {
	conn *conn
	here []byte
	left int64 // on the connection
	slow bool  // a read had to wait, under a deadline of its own
	err  error // of the connection
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (n int, err error) {
	switch {
	case len(b.here) > 0:
		n = copy(p, b.here)
		b.here = b.here[n:]
	case b.left > 0:
		if n, err = b.receive(p); err != nil {
			return n, err
		}
	}
	if len(b.here) == 0 && b.left == 0 {
		return n, io.EOF
	}
	return n, nil
}

// receive reads from the connection.
func (b *body) receive(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if !b.slow {
		b.slow = true
		_ = b.conn.Conn.SetReadDeadline(after(time.Now(), b.conn.front.server.ReadTimeout)) // the read would tell
	}
	n, err := b.conn.Conn.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if n > 0 {
		err = nil // it comes again
	}
	b.err = err
	return n, err
}

// Close implements io.Closer.
func (b *body) Close() error { return nil }

// drain reads what the door has not.
func (b *body) drain(scratch []byte) {
	for b.here = nil; b.left > 0 && b.err == nil; {
		_, _ = b.receive(scratch)
	}
}
