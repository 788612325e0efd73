package druid

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/footfall-analytics/footfall/internal/query"
)

// Error is a refusal by Druid, in its own words.
type Error struct {
	Status   int
	Code     string
	Category string
	Message  string
}

func (e *Error) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("Druid answers %d", e.Status)
	}
	return fmt.Sprintf("Druid answers %d: %s", e.Status, e.Message)
}

// maxMessage bounds what is read of an error's body.
const maxMessage = 64 << 10

// refusal reads the error of a response that is none of 2xx.
func refusal(r *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(r.Body, maxMessage))
	var body struct{ Error, ErrorCode, ErrorMessage, Category string }
	if json.Unmarshal(text, &body) != nil {
		body.Error = string(bytes.TrimSpace(text))
	}
	e := &Error{Status: r.StatusCode, Code: body.ErrorCode, Category: body.Category, Message: body.ErrorMessage}
	if e.Message == "" {
		e.Message = body.Error
	}
	if e.Code == "" {
		e.Code = body.Error
	}
	if e.away() {
		return fmt.Errorf("%w: %w", query.ErrUnavailable, e)
	}
	return e
}

// away reports whether the refusal says that Druid, or a part of it, cannot answer now: another moment, or another store, might.
func (e *Error) away() bool {
	return e.Status >= 500 && e.Status != http.StatusGatewayTimeout || e.Status == http.StatusTooManyRequests
}

// because says that it was ctx's end that made a call fail, where it was, or that the way to Druid failed.
func because(ctx context.Context, err error) error {
	var network net.Error
	switch cause := ctx.Err(); {
	case err == nil:
		return nil
	case cause != nil && !errors.Is(err, cause):
		return fmt.Errorf("%w: %w", cause, err)
	case cause != nil, errors.Is(err, query.ErrUnavailable):
		return err
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: %w", query.ErrUnavailable, err)
	}
	return err
}

// send sends a request to the first of the addresses that answers, beginning with the one of the turn. The caller closes the
// body of the response, whose status is 2xx. at is the address.
func (s *Store) send(ctx context.Context, addresses []string, turn int, method, path string, body []byte) (r *http.Response, at string, err error) {
	for i := range addresses {
		at = addresses[(turn+i)%len(addresses)]
		if r, err = s.sendTo(ctx, at, method, path, body); err == nil || !errors.Is(err, query.ErrUnavailable) {
			return r, at, err
		}
	}
	return nil, at, err
}

func (s *Store) sendTo(ctx context.Context, address, method, path string, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, address+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	r, err := s.http.Do(request)
	if err != nil {
		return nil, because(ctx, err)
	}
	if r.StatusCode/100 != 2 {
		defer r.Body.Close()
		return nil, refusal(r)
	}
	return r, nil
}

// coordinate sends a request to a coordinator and decodes its answer.
func (s *Store) coordinate(ctx context.Context, method, path string, body []byte, into any) error {
	r, _, err := s.send(ctx, s.coordinators, 0, method, path, body)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if into == nil {
		_, err = io.Copy(io.Discard, r.Body)
		return because(ctx, err)
	}
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		return because(ctx, fmt.Errorf("cannot read the answer of %s: %w", path, err))
	}
	return nil
}
