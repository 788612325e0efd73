package object

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// FolderStore keeps objects as files below a folder. It is safe for concurrent use, by several processes too.
type FolderStore struct{ root string }

// Folder returns the store in that folder, which is made when something is put.
func Folder(path string) *FolderStore { return &FolderStore{root: filepath.Clean(path)} }

func (f *FolderStore) path(key string) string { return filepath.Join(f.root, filepath.FromSlash(key)) }

// Put writes a file beside the one it replaces, syncs it, and renames it. Size must be what body holds.
func (f *FolderStore) Put(ctx context.Context, key string, body io.Reader, size int64) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if err := f.put(ctx, f.path(key), body, size); err != nil {
		return fmt.Errorf("cannot put object %q: %w", key, err)
	}
	return nil
}

func (f *FolderStore) put(ctx context.Context, path string, body io.Reader, size int64) error {
	dir := filepath.Dir(path)
	file, err := createIn(dir)
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // fails once it has been renamed
	n, err := io.Copy(file, io.LimitReader(&interruptible{ctx, body}, size+1))
	if err == nil && n != size {
		err = fmt.Errorf("%d bytes were announced, the body has %s", size, atLeast(n, size))
	}
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	return syncFolder(dir)
}

func atLeast(n, size int64) string {
	if n > size {
		return "more"
	}
	return fmt.Sprint(n)
}

// createIn makes a hidden file there. The folder may go between its making and that: Delete removes empty ones.
func createIn(dir string) (file *os.File, err error) {
	for range 10 {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return nil, err
		}
		if file, err = os.CreateTemp(dir, ".put-*"); !errors.Is(err, fs.ErrNotExist) {
			return file, err
		}
	}
	return nil, err
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// interruptible is a reader that ends with its context.
type interruptible struct {
	ctx  context.Context
	from io.Reader
}

func (r *interruptible) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.from.Read(p)
}

// Get returns an object, which the caller must close.
func (f *FolderStore) Get(_ context.Context, key string) (io.ReadCloser, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	file, err := os.Open(f.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("cannot get object %q: %w", key, err)
	}
	return file, nil
}

// List yields the objects whose keys begin with prefix, by key. An object that goes meanwhile may be missing.
func (f *FolderStore) List(ctx context.Context, prefix string, yield func(Object) error) error {
	return f.list(ctx, "", prefix, yield)
}

func (f *FolderStore) list(ctx context.Context, folder, prefix string, yield func(Object) error) error {
	entries, err := os.ReadDir(f.path(folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot list objects in %q: %w", folder, err)
	}
	// By key, not by name: "a-b" stands before what is in folder "a".
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(sortName(a), sortName(b)) })
	for _, e := range entries {
		key := folder + sortName(e)
		if err := ctx.Err(); err != nil {
			return err
		}
		if e.Name()[0] == '.' || !(strings.HasPrefix(key, prefix) || (e.IsDir() && strings.HasPrefix(prefix, key))) {
			continue
		}
		if e.IsDir() {
			err = f.list(ctx, key, prefix, yield)
		} else {
			err = yieldFile(key, e, yield)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func sortName(e fs.DirEntry) string {
	if e.IsDir() {
		return e.Name() + "/"
	}
	return e.Name()
}

func yieldFile(key string, e fs.DirEntry, yield func(Object) error) error {
	info, err := e.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot list object %q: %w", key, err)
	}
	return yield(Object{Key: key, Size: info.Size(), Modified: info.ModTime()})
}

// Delete removes objects, and the folders that they leave empty. One that is not there is no error.
func (f *FolderStore) Delete(ctx context.Context, keys ...string) error {
	for _, key := range keys {
		if err := checkKey(key); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		path := f.path(key)
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot delete object %q: %w", key, err)
		}
		for dir := filepath.Dir(path); dir != f.root && os.Remove(dir) == nil; dir = filepath.Dir(dir) {
		}
	}
	return nil
}
