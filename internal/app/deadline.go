package app

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// patientListener accepts connections whose read deadlines cost nothing while they are met. The HTTP server sets one four
// times a request, each of which moves a timer of the runtime.
type patientListener struct{ net.Listener }

func (l patientListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &patientConn{Conn: c}, nil
}

// patientConn sets a deadline for reads only where it is sooner than the one that is set; a later one is remembered, and
// takes effect when a read has failed at the sooner one.
type patientConn struct {
	net.Conn
	mu     sync.Mutex
	wanted time.Time // what the server has asked for; zero: none
	set    time.Time // what the connection has; zero: none
}

// SetReadDeadline implements net.Conn.
func (c *patientConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wanted = t
	if !c.set.IsZero() && (t.IsZero() || !t.Before(c.set)) && time.Until(c.set) > 0 {
		return nil
	}
	if t.IsZero() && c.set.IsZero() {
		return nil
	}
	return c.apply()
}

// SetDeadline implements net.Conn.
func (c *patientConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.Conn.SetWriteDeadline(t))
}

// apply gives the connection what is wanted. c.mu is held.
func (c *patientConn) apply() error {
	c.set = c.wanted
	return c.Conn.SetReadDeadline(c.wanted)
}

// Read implements net.Conn.
func (c *patientConn) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) || !c.extend() {
			return n, err
		}
	}
}

// extend moves a deadline that has passed to the one that is wanted. It returns false when that has passed too.
func (c *patientConn) extend() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.wanted.IsZero() && time.Until(c.wanted) <= 0 {
		return false
	}
	return c.apply() == nil
}
