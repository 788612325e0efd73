package app

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

// pair returns both ends of a connection, the first of them patient.
func pair(t *testing.T) (*patientConn, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := patientListener{l}.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return server.(*patientConn), client
}

// TestPatientDeadlines: the deadline that was set last counts, be it sooner or later than the ones before.
func TestPatientDeadlines(t *testing.T) {
	f := func(fails bool, deadlines ...time.Duration) { // 0: none
		t.Helper()
		c, client := pair(t)
		for _, d := range deadlines {
			at := time.Time{}
			if d != 0 {
				at = time.Now().Add(d)
			}
			if err := c.SetReadDeadline(at); err != nil {
				t.Fatal(err)
			}
		}
		if !fails {
			time.AfterFunc(80*time.Millisecond, func() { _, _ = client.Write([]byte{7}) })
		}
		n, err := c.Read(make([]byte, 1))
		if timeout := errors.Is(err, os.ErrDeadlineExceeded); timeout != fails || n == 1 == fails {
			t.Errorf("%v: read %d bytes, error %v", deadlines, n, err)
		}
	}
	const soon, late = 20 * time.Millisecond, time.Hour
	f(true, soon)
	f(true, late, soon)
	f(true, soon, late, soon)
	f(true, -late)
	f(true, late, -late)
	f(false, soon, late)
	f(false, soon, 0)
	f(false, late, soon, late, 0)
	f(false, -late, 0)
	f(false, -late, late)
	f(false, 0)
}

// TestPatientReadIsEnded: a read that waits under a later deadline ends when a sooner one is set, as the server does to take a
// connection back.
func TestPatientReadIsEnded(t *testing.T) {
	c, client := pair(t)
	for _, d := range []time.Duration{20 * time.Millisecond, time.Hour} {
		if err := c.SetReadDeadline(time.Now().Add(d)); err != nil {
			t.Fatal(err)
		}
	}
	ended := make(chan error)
	go func() {
		_, err := c.Read(make([]byte, 1))
		ended <- err
	}()
	time.Sleep(50 * time.Millisecond) // beyond the first deadline, most likely; the result does not depend on it
	if err := c.SetReadDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Fatalf("read %d bytes, error %v", n, err)
	}
}
