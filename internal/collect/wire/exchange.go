package wire

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"time"
)

// exchange is one plain request and its answer. Its memory is used again.
type exchange struct {
	head   head
	body   body
	answer Answer
	out    []byte
	ended  time.Time
	post   bool
}

// release gives the exchange back. What it holds of the request views the server's buffer.
func (e *exchange) release(f *Front) {
	const keepBytes = 64 << 10
	if cap(e.out)+cap(e.answer.Body) > keepBytes {
		return
	}
	fields := e.head.request.fields
	clear(fields)
	e.head = head{request: Request{fields: fields[:0]}}
	e.body = body{}
	f.exchanges.Put(e)
}

// run answers the request whose head has the given size in got. It returns how much of got the request took, or an error when
// the connection is closed.
func (e *exchange) run(c *conn, got []byte, size int) (used int, err error) {
	if !c.acquire() {
		return 0, io.EOF
	}
	open := false
	defer func() { // also when the door panics, which net/http logs
		if !open {
			c.use.CompareAndSwap(busy, leaving)
		}
		if !c.release() {
			err = io.EOF
		}
	}()
	used = int(min(int64(size)+e.head.request.Length, int64(len(got))))
	e.body = body{conn: c, here: got[size:used], left: e.head.request.Length - int64(used-size)}
	q := &e.head.request
	q.Context, q.Peer, q.Body = context.Background(), c.peer, &e.body
	e.post = q.Method == http.MethodPost
	e.answer.reset()
	c.front.door.Serve(q, &e.answer)
	e.body.drain(got)
	open, err = e.send(c)
	return used, err
}

// send writes the answer. It returns false when the connection is to be closed.
func (e *exchange) send(c *conn) (open bool, err error) {
	e.ended = time.Now()
	open = !e.head.close && e.body.err == nil && !c.front.closing.Load()
	e.out = e.append(e.out[:0], c.front.dateAt(e.ended), open)
	if _, err = c.Conn.Write(e.out); err != nil {
		return false, err
	}
	c.answered.Store(true)
	if c.front.closing.Load() { // it may have looked at answered just before
		open = false
	}
	if e.body.slow && open {
		err = c.Conn.SetReadDeadline(c.front.idleEnd(e.ended))
	}
	return open && err == nil, err
}

// append appends the answer as net/http would write it.
func (e *exchange) append(dst []byte, date string, open bool) []byte {
	a := &e.answer
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(a.Status), 10)
	dst = append(append(append(dst, ' '), http.StatusText(a.Status)...), "\r\n"...)
	for _, h := range a.header {
		dst = append(append(append(append(dst, h.name...), ": "...), h.value...), "\r\n"...)
	}
	dst = append(append(dst, "Date: "...), date...)
	if a.Status != http.StatusNoContent {
		dst = append(dst, "\r\nContent-Length: "...)
		dst = strconv.AppendInt(dst, int64(len(a.Body)), 10)
	}
	if !open {
		dst = append(dst, "\r\nConnection: close"...)
	}
	dst = append(dst, "\r\n\r\n"...)
	return append(dst, a.Body...)
}
