package object_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/footfall-analytics/footfall/internal/object"
	"github.com/footfall-analytics/footfall/internal/object/objecttest"
)

// store is the contract.
type store interface {
	Put(ctx context.Context, key string, body io.Reader, size int64) error
	Get(ctx context.Context, key string) (io.ReadCloser, error)
	List(ctx context.Context, prefix string, yield func(object.Object) error) error
	Delete(ctx context.Context, keys ...string) error
}

var (
	_ store = (*object.FolderStore)(nil)
	_ store = (*object.S3Store)(nil)
)

func TestFolder(t *testing.T) {
	battery(t, func(t *testing.T) store { return object.Folder(t.TempDir() + "/made/later/") })
}

// TestFolderStays: the folder itself stays when its last object goes, however it was named.
func TestFolderStays(t *testing.T) {
	root := t.TempDir() + "/root"
	s := object.Folder(root + "/")
	put(t, s, "a/b", []byte("x"))
	if err := s.Delete(t.Context(), "a/b"); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(root); err != nil || len(left) != 0 {
		t.Errorf("%v, %v", left, err)
	}
}

func TestS3(t *testing.T) {
	objecttest.Options(t, endpoint())
	battery(t, func(t *testing.T) store { return objecttest.S3(t, endpoint()) })
}

func endpoint() string { return os.Getenv("FOOTFALL_TEST_S3") }

func battery(t *testing.T, open func(t *testing.T) store) {
	tests := map[string]func(*testing.T, store){
		"put, get, replace": roundTrip, "list": list, "delete": remove, "bad keys": badKeys, "wrong size": wrongSize, "replace under readers": replace,
		"empty": empty, "cancelled": cancelled,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func put(t *testing.T, s store, key string, body []byte) {
	t.Helper()
	if err := s.Put(t.Context(), key, bytes.NewReader(body), int64(len(body))); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, s store, key string) []byte {
	t.Helper()
	r, err := s.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	return body
}

func keys(t *testing.T, s store, prefix string) (all []string) {
	t.Helper()
	err := s.List(t.Context(), prefix, func(o object.Object) error {
		all = append(all, o.Key)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func roundTrip(t *testing.T, s store) {
	random := rand.NewChaCha8([32]byte{1})
	for _, size := range []int{0, 1, 5000, 16<<20 + 1, 40 << 20} { // in parts, too
		body := make([]byte, size)
		_, _ = random.Read(body)
		put(t, s, "a/b=c/é x.bin", body)
		if got := get(t, s, "a/b=c/é x.bin"); !bytes.Equal(got, body) {
			t.Errorf("%d bytes came back as %d others", size, len(got))
		}
		err := s.List(t.Context(), "a/", func(o object.Object) error {
			if o.Size != int64(size) || time.Since(o.Modified).Abs() > time.Hour {
				t.Errorf("listed as %+v, want size %d", o, size)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	// A reader that cannot seek.
	if err := s.Put(t.Context(), "stream", io.MultiReader(strings.NewReader("ab"), strings.NewReader("c")), 3); err != nil {
		t.Fatal(err)
	}
	if got := string(get(t, s, "stream")); got != "abc" {
		t.Errorf("a stream came back as %q", got)
	}
}

func list(t *testing.T, s store) {
	want := []string{"a-b/x", "a/x", "a/y/z", "a0", "b/1", "é"}
	for _, key := range []string{"b/1", "a/y/z", "é", "a0", "a/x", "a-b/x"} {
		put(t, s, key, []byte(key))
	}
	for prefix, want := range map[string][]string{
		"": want, "a": want[:4], "a/": want[1:3], "a/y": {"a/y/z"}, "a/y/z": {"a/y/z"}, "a/y/zz": nil, "none/": nil, "b": {"b/1"},
	} {
		if got := keys(t, s, prefix); !slices.Equal(got, want) {
			t.Errorf("prefix %q: got %q, want %q", prefix, got, want)
		}
	}
	stop, seen := errors.New("stop"), 0
	err := s.List(t.Context(), "", func(object.Object) error {
		seen++
		return stop
	})
	if !errors.Is(err, stop) || seen != 1 {
		t.Errorf("an error of the caller ends the listing: got %v after %d", err, seen)
	}
	const many = 1100 // more than a page of S3
	var wg sync.WaitGroup
	for part := range 8 {
		wg.Go(func() {
			for i := part; i < many; i += 8 {
				if err := s.Put(t.Context(), fmt.Sprintf("many/%04d", i), strings.NewReader("x"), 1); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := keys(t, s, "many/"); len(got) != many || !slices.IsSorted(got) {
		t.Errorf("%d of %d keys are listed, sorted: %v", len(got), many, slices.IsSorted(got))
	}
}

func remove(t *testing.T, s store) {
	put(t, s, "d/1", []byte("1"))
	put(t, s, "d/2", []byte("2"))
	if err := s.Delete(t.Context(), "d/1", "d/none", "none/at/all"); err != nil {
		t.Fatal(err)
	}
	if got := keys(t, s, ""); !slices.Equal(got, []string{"d/2"}) {
		t.Errorf("left: %q", got)
	}
	if _, err := s.Get(t.Context(), "d/1"); !errors.Is(err, object.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if err := s.Delete(t.Context(), "d/2"); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := keys(t, s, ""); got != nil {
		t.Errorf("left: %q", got)
	}
}

func badKeys(t *testing.T, s store) {
	for _, key := range []string{"", "/a", "a/", "a//b", "../a", "a/../b", "./a", ".hidden", "a\\b", "a\x00b"} {
		if err := s.Put(t.Context(), key, strings.NewReader("x"), 1); err == nil {
			t.Errorf("%q can be put", key)
		}
		if r, err := s.Get(t.Context(), key); err == nil {
			t.Errorf("%q can be got", key)
			_ = r.Close()
		}
		if err := s.Delete(t.Context(), key); err == nil && !strings.HasSuffix(key, "/") { // others leave objects that end in one
			t.Errorf("%q can be deleted", key)
		}
	}
}

func wrongSize(t *testing.T, s store) {
	put(t, s, "k", []byte("old"))
	if err := s.Put(t.Context(), "k", io.MultiReader(strings.NewReader("new")), 5); err == nil {
		t.Error("too few bytes are taken")
	}
	if got := string(get(t, s, "k")); got != "old" {
		t.Errorf("a failed put left %q", got)
	}
	if got := keys(t, s, ""); !slices.Equal(got, []string{"k"}) {
		t.Errorf("a failed put left %q", got)
	}
}

// replace: a reader sees one of the versions, whole.
func replace(t *testing.T, s store) {
	const size, versions = 300_000, 30
	version := func(n byte) []byte { return bytes.Repeat([]byte{n}, size) }
	put(t, s, "r/k", version(0))
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if got := get(t, s, "r/k"); len(got) != size || !bytes.Equal(got, version(got[0])) {
					t.Errorf("a torn object of %d bytes", len(got))
					return
				}
			}
		})
	}
	for n := range byte(versions) {
		put(t, s, "r/k", version(n+1))
	}
	close(done)
	wg.Wait()
}

func empty(t *testing.T, s store) {
	if got := keys(t, s, ""); got != nil {
		t.Errorf("an empty store has %q", got)
	}
	if _, err := s.Get(t.Context(), "a/b"); !errors.Is(err, object.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func cancelled(t *testing.T, s store) {
	put(t, s, "k", []byte("old"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Put(ctx, "k", strings.NewReader("new"), 3); !errors.Is(err, context.Canceled) {
		t.Errorf("put: %v", err)
	}
	if err := s.List(ctx, "", func(object.Object) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("list: %v", err)
	}
	if err := s.Delete(ctx, "k"); !errors.Is(err, context.Canceled) {
		t.Errorf("delete: %v", err)
	}
	if got := string(get(t, s, "k")); got != "old" {
		t.Errorf("left %q", got)
	}
}

func TestPresign(t *testing.T) {
	s := objecttest.S3(t, endpoint())
	put(t, s, "p/a b.json.gz", []byte("body"))
	url, err := s.Presign(t.Context(), "p/a b.json.gz", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil || response.StatusCode != http.StatusOK || string(body) != "body" {
		t.Errorf("got %d %q, %v", response.StatusCode, body, err)
	}
}

func TestMissingBucketIsMade(t *testing.T) {
	o := objecttest.Options(t, endpoint())
	o.Bucket = fmt.Sprintf("footfall-test-%d", time.Now().UnixNano())
	s, err := object.OpenS3(o)
	if err != nil {
		t.Fatal(err)
	}
	empty(t, s)
	if err := s.Delete(t.Context(), "k"); err != nil {
		t.Error(err)
	}
	put(t, s, "k", []byte("v"))
	if got := string(get(t, s, "k")); got != "v" {
		t.Errorf("got %q", got)
	}
	if err := s.Delete(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
}

func TestBadOptions(t *testing.T) {
	for _, o := range []object.S3Options{
		{Endpoint: "127.0.0.1:9000", Bucket: "b"}, {Endpoint: "ftp://h", Bucket: "b"}, {Endpoint: "", Bucket: "b"}, {Endpoint: "http://h", Bucket: "b", Prefix: "../x"},
	} {
		if _, err := object.OpenS3(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
	s, err := object.OpenS3(object.S3Options{Endpoint: "http://127.0.0.1:1", Bucket: "b"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), "k", strings.NewReader("x"), 1); err == nil {
		t.Error("a server that is not there takes objects")
	}
}
