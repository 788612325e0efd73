package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// call runs the command line in process and returns what it printed and its status.
func call(t *testing.T, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errOut bytes.Buffer
	code = run(context.Background(), args, streams{strings.NewReader(stdin), &out, &errOut})
	return out.String(), errOut.String(), code
}

func TestVersion(t *testing.T) {
	if out, _, code := call(t, "", "version"); code != 0 || out != version+"\n" {
		t.Errorf("%d %q", code, out)
	}
	var v struct{ Version string }
	out, _, code := call(t, "", "version", "--json")
	if err := json.Unmarshal([]byte(out), &v); err != nil || code != 0 || v.Version != version {
		t.Errorf("%d %q %v", code, out, err)
	}
}

func TestUsageErrors(t *testing.T) {
	f := func(want string, args ...string) {
		t.Helper()
		out, errOut, code := call(t, "", args...)
		if code != 2 || !strings.Contains(errOut, want) {
			t.Errorf("%v: status %d, %q %q; want 2 and %q", args, code, out, errOut, want)
		}
	}
	f("dance", "dance")
	f("domain", "site", "add")
	f("--site", "key", "add")
	f("--nonsense", "serve", "--nonsense")
	f("file", "query")
	if out, _, code := call(t, "", "--help"); code != 0 || !strings.Contains(out, "audit") {
		t.Errorf("help: %d %q", code, out)
	}
}

func TestBadSettingsEndACommand(t *testing.T) {
	dir := t.TempDir()
	if _, errOut, code := call(t, "", "serve", "--data", dir, "--listen", "8080"); code != 1 || !strings.Contains(errOut, "listen") {
		t.Errorf("%d %q", code, errOut)
	}
	if _, errOut, code := call(t, "", "audit", "--data", dir, "--config", filepath.Join(dir, "none.toml")); code != 1 || !strings.Contains(errOut, "none.toml") {
		t.Errorf("%d %q", code, errOut)
	}
}

func TestRefusals(t *testing.T) {
	f := func(status int, body, want string) {
		t.Helper()
		if err := refusal(status, []byte(body)); err == nil || err.Error() != want {
			t.Errorf("%d %q: %v, want %q", status, body, err, want)
		}
	}
	f(400, `{"error":{"code":"invalid","message":"is wrong","path":"metrics[0]"}}`, "metrics[0]: is wrong")
	f(404, `{"error":{"code":"not_found","message":"there is no site \"x\""}}`, `there is no site "x"`)
	f(502, " gone\n", "refused with status 502: gone")
}

func TestExitStatus(t *testing.T) {
	var errOut bytes.Buffer
	io := streams{err: &errOut}
	if got := exitStatus(nil, io); got != 0 || errOut.Len() != 0 {
		t.Errorf("nil: %d %q", got, errOut.String())
	}
	if got := exitStatus(errors.Join(exitError(1), nil), io); got != 1 || errOut.Len() != 0 {
		t.Errorf("exit: %d %q", got, errOut.String())
	}
	if got := exitStatus(errors.New("broken"), io); got != 1 || errOut.String() != "footfall: broken\n" {
		t.Errorf("error: %d %q", got, errOut.String())
	}
}

// TestInProcess runs a handler without a network, as commands do while no server runs.
func TestInProcess(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/admin/x" || r.Header.Get("Content-Type") != "application/json" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		_, _ = w.Write([]byte(`{"ok":true}`))
	})
	a := &admin{client: &http.Client{Transport: handlerTransport{handler}}}
	if raw, err := a.call(context.Background(), "POST", "/admin/x", map[string]int{"a": 1}); err != nil || string(raw) != `{"ok":true}` {
		t.Errorf("%s %v", raw, err)
	}
	if _, err := a.call(context.Background(), "POST", "/other", nil); err == nil {
		t.Error("a refusal is no error")
	}
}
