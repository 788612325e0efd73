package druid

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/footfall-analytics/footfall/internal/query"
)

// parameter is one of a statement, as Druid takes it.
type parameter struct {
	Type  string `json:"type"`
	Value any    `json:"value"`
}

func parameters(args []any) []parameter {
	out := make([]parameter, len(args))
	for i, arg := range args {
		switch value := arg.(type) {
		case string:
			out[i] = parameter{"VARCHAR", value}
		case []string:
			out[i] = parameter{"ARRAY", value}
		default:
			out[i] = parameter{"BIGINT", value}
		}
	}
	return out
}

// reply is a running statement's answer. It must be closed.
type reply struct {
	body   io.ReadCloser
	lines  *bufio.Reader
	header http.Header
	fields [][]byte
	cancel func() // ends the statement in Druid; nil once all rows were read
	// complete waits for the answer to whether rows are missing.
	complete func() error
}

// emptyReply is that of a statement without rows.
func emptyReply() *reply {
	body := io.NopCloser(strings.NewReader("\n"))
	return &reply{body: body, lines: bufio.NewReader(body), complete: func() error { return nil }}
}

// run starts a statement. Its rows come as arrays, one on a line, and a line without one at the end.
func (s *Store) run(ctx context.Context, addresses []string, text string, args []any, settings map[string]any) (*reply, error) {
	id := newID()
	all := map[string]any{"sqlQueryId": id, "timeout": s.timeLeft(ctx).Milliseconds()}
	for key, value := range settings {
		all[key] = value
	}
	body, err := json.Marshal(map[string]any{"query": text, "parameters": parameters(args), "resultFormat": "arrayLines", "context": all})
	if err != nil {
		return nil, fmt.Errorf("cannot write a statement: %w", err)
	}
	turn := int(s.turn.Add(1)) % len(addresses)
	r, at, err := s.send(ctx, addresses, turn, http.MethodPost, "/druid/v2/sql", body)
	if err != nil {
		if ctx.Err() != nil {
			s.cancel(ctx, at, id)
		}
		return nil, err
	}
	return &reply{body: r.Body, lines: bufio.NewReaderSize(r.Body, 64<<10), header: r.Header, cancel: func() { s.cancel(ctx, at, id) }}, nil
}

// timeLeft is how long a statement may take: until ctx ends, and never longer than queries may.
func (s *Store) timeLeft(ctx context.Context) time.Duration {
	left := s.opts.QueryTime
	if end, ok := ctx.Deadline(); ok {
		left = min(left, max(time.Until(end), time.Millisecond)) // 0 would be no limit
	}
	return left
}

// cancel ends a statement that nobody waits for any more. That it has ended by itself is no fault.
func (s *Store) cancel(ctx context.Context, at, id string) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer stop()
	if r, err := s.sendTo(ctx, at, http.MethodDelete, "/druid/v2/sql/"+id, nil); err == nil {
		_ = r.Body.Close()
	}
}

// next returns the fields of the next row, borrowed until the next call; io.EOF behind the last.
func (r *reply) next() ([][]byte, error) {
	line, err := r.line()
	if errors.Is(err, io.EOF) {
		return nil, io.ErrUnexpectedEOF // the line that says that all is there has not come
	}
	if err != nil {
		return nil, err
	}
	if len(line) <= 1 {
		r.cancel = nil
		return nil, io.EOF
	}
	r.fields, err = splitFields(r.fields[:0], line)
	return r.fields, err
}

// line returns the next line, however long.
func (r *reply) line() ([]byte, error) {
	line, err := r.lines.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	long := append([]byte(nil), line...)
	rest, err := r.lines.ReadBytes('\n')
	return append(long, rest...), err
}

// close ends the statement where rows were left, so that Druid does not go on with it.
func (r *reply) close() {
	if r.cancel != nil {
		r.cancel()
		r.cancel = nil
	}
	_ = r.body.Close()
}

// each runs a statement at the addresses and calls yield for its rows.
func (s *Store) each(ctx context.Context, addresses []string, text string, args []any, yield func(fields [][]byte) error) error {
	r, err := s.run(ctx, addresses, text, args, nil)
	if err != nil {
		return err
	}
	defer r.close()
	return because(ctx, r.each(yield))
}

// each calls yield for all rows.
func (r *reply) each(yield func(fields [][]byte) error) error {
	for {
		fields, err := r.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := yield(fields); err != nil {
			return err
		}
	}
}

func newID() string {
	var id [12]byte
	_, _ = rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}

// Ready reports whether a broker answers statements and a coordinator leads.
func (s *Store) Ready(ctx context.Context) error {
	if err := s.each(ctx, s.brokers, "select 1", nil, func([][]byte) error { return nil }); err != nil {
		return fmt.Errorf("cannot ask Druid's broker: %w", err)
	}
	var leader string
	r, _, err := s.send(ctx, s.coordinators, 0, http.MethodGet, "/druid/coordinator/v1/leader", nil)
	if err == nil {
		defer r.Body.Close()
		var text []byte
		text, err = io.ReadAll(io.LimitReader(r.Body, maxMessage))
		leader = string(text)
	}
	if err == nil && leader == "" {
		err = fmt.Errorf("%w: no coordinator leads", query.ErrUnavailable)
	}
	if err != nil {
		return fmt.Errorf("cannot ask Druid's coordinator: %w", because(ctx, err))
	}
	return nil
}
