package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/footfall-analytics/footfall/internal/app"
	"github.com/footfall-analytics/footfall/internal/config"
)

// admin carries the requests of a command to the server that runs on the data directory, or, while none does, to an app
// that it opens itself. Both answer with the same handler.
type admin struct {
	client *http.Client
	close  func() error
}

// startPatience is how long a command waits for a server that has the directory but does not answer yet.
const startPatience = 10 * time.Second

func openAdmin(ctx context.Context, cfg config.Config) (*admin, error) {
	if cfg.Clustered() {
		return openCluster(ctx, cfg)
	}
	deadline := time.Now().Add(startPatience)
	for {
		if conn, err := net.Dial("unix", cfg.Socket()); err == nil {
			conn.Close()
			return overSocket(cfg.Socket()), nil
		}
		a, err := app.Open(cfg, app.Options{Version: version})
		if err == nil {
			return inProcess(ctx, a)
		}
		var locked *app.LockedError
		if !errors.As(err, &locked) || time.Now().After(deadline) || ctx.Err() != nil {
			return nil, err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// openCluster opens what the API needs of a cluster; others process what is sent.
func openCluster(ctx context.Context, cfg config.Config) (*admin, error) {
	cfg.Roles = []string{"web"}
	a, err := app.Open(cfg, app.Options{Version: version})
	if err != nil {
		return nil, err
	}
	return inProcess(ctx, a)
}

func overSocket(path string) *admin {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}}
	return &admin{client: &http.Client{Transport: transport}, close: func() error { transport.CloseIdleConnections(); return nil }}
}

// inProcess lets the app take in what the log still holds, so that the answers are those of a server.
func inProcess(ctx context.Context, a *app.App) (*admin, error) {
	if err := a.CatchUp(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return &admin{client: &http.Client{Transport: handlerTransport{a.Admin()}}, close: a.Close}, nil
}

// handlerTransport answers requests with a handler, without a network.
type handlerTransport struct{ handler http.Handler }

func (h handlerTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if req.Body == nil {
		req.Body = http.NoBody
	}
	h.handler.ServeHTTP(w, req)
	return w.Result(), nil
}

// call sends body (JSON when it is no []byte) and returns the reply. A refusal is an error with the server's message.
func (a *admin) call(ctx context.Context, method, path string, body any) ([]byte, error) {
	raw, ok := body.([]byte)
	if !ok {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://footfall"+path, bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := a.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("cannot reach the server on this data directory: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("cannot read the server's answer: %w", err)
	}
	if resp.StatusCode/100 != 2 {
		return nil, refusal(resp.StatusCode, answer)
	}
	return answer, nil
}

func refusal(status int, answer []byte) error {
	var body struct {
		Error struct{ Message, Path string }
	}
	if err := json.Unmarshal(answer, &body); err != nil || body.Error.Message == "" {
		return fmt.Errorf("refused with status %d: %s", status, bytes.TrimSpace(answer))
	}
	if body.Error.Path != "" {
		return fmt.Errorf("%s: %s", body.Error.Path, body.Error.Message)
	}
	return errors.New(body.Error.Message)
}

// withAdmin runs do with an admin for the command's data directory.
func (c common) withAdmin(ctx context.Context, do func(*admin) error) error {
	cfg, err := c.load(nil)
	if err != nil {
		return err
	}
	a, err := openAdmin(ctx, cfg)
	if err != nil {
		return err
	}
	return errors.Join(do(a), a.close())
}
