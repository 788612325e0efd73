package local

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// errClosing is what a write gets that still waits for space when the log is closed.
var errClosing = errors.New("closed while the disk was full")

// diskGuard is a file system on which a full disk makes writes wait instead of fail. Pebble cannot go on after a failed
// write; one that is merely late does it no harm. Meanwhile the log refuses new records.
//
// A write that the guard holds is repeated from where it stopped, so a file never has a gap or a doubled part. A sync is not
// repeated: after a failed one the kernel may have dropped the pages, and a second one would report success.
type diskGuard struct {
	vfs.FS
	waiting atomic.Int32  // writes that wait for space now
	onFull  func()        // called once by each write that begins to wait
	closed  chan struct{} // closed when waiting is to end
	once    sync.Once
	pause   time.Duration
}

func newDiskGuard(fs vfs.FS) *diskGuard {
	return &diskGuard{FS: fs, onFull: func() {}, closed: make(chan struct{}), pause: 50 * time.Millisecond}
}

// Unwrap gives Pebble the file system below.
func (g *diskGuard) Unwrap() vfs.FS { return g.FS }

func (g *diskGuard) close() { g.once.Do(func() { close(g.closed) }) }

// stuck reports whether a write waits for space.
func (g *diskGuard) stuck() bool { return g.waiting.Load() > 0 }

// retry calls try until it ends otherwise than for lack of space.
func (g *diskGuard) retry(try func() error) error {
	err := try()
	if !noSpace(err) {
		return err
	}
	g.waiting.Add(1)
	defer g.waiting.Add(-1)
	g.onFull()
	ticker := time.NewTicker(g.pause)
	defer ticker.Stop()
	for noSpace(err) {
		select {
		case <-g.closed:
			return errors.Join(errClosing, err)
		case <-ticker.C:
			err = try()
		}
	}
	return err
}

func noSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// Create and the methods below are those of vfs.FS that can need space.
func (g *diskGuard) Create(name string, category vfs.DiskWriteCategory) (f vfs.File, err error) {
	err = g.retry(func() error { f, err = g.FS.Create(name, category); return err })
	return g.wrap(f, err)
}

// OpenReadWrite implements vfs.FS.
func (g *diskGuard) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (f vfs.File, err error) {
	err = g.retry(func() error { f, err = g.FS.OpenReadWrite(name, category, opts...); return err })
	return g.wrap(f, err)
}

// ReuseForWrite implements vfs.FS.
func (g *diskGuard) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (f vfs.File, err error) {
	err = g.retry(func() error { f, err = g.FS.ReuseForWrite(oldname, newname, category); return err })
	return g.wrap(f, err)
}

// Link implements vfs.FS.
func (g *diskGuard) Link(oldname, newname string) error {
	return g.retry(func() error { return g.FS.Link(oldname, newname) })
}

// Rename implements vfs.FS.
func (g *diskGuard) Rename(oldname, newname string) error {
	return g.retry(func() error { return g.FS.Rename(oldname, newname) })
}

// MkdirAll implements vfs.FS.
func (g *diskGuard) MkdirAll(dir string, perm os.FileMode) error {
	return g.retry(func() error { return g.FS.MkdirAll(dir, perm) })
}

func (g *diskGuard) wrap(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &guardedFile{f, g}, nil
}

type guardedFile struct {
	vfs.File
	guard *diskGuard
}

// Write implements vfs.File.
func (f *guardedFile) Write(p []byte) (int, error) {
	done := 0
	err := f.guard.retry(func() error {
		n, err := f.File.Write(p[done:])
		done += n
		return err
	})
	return done, err
}

// WriteAt implements vfs.File.
func (f *guardedFile) WriteAt(p []byte, offset int64) (int, error) {
	done := 0
	err := f.guard.retry(func() error {
		n, err := f.File.WriteAt(p[done:], offset+int64(done))
		done += n
		return err
	})
	return done, err
}

// Preallocate implements vfs.File: it is a wish only.
func (f *guardedFile) Preallocate(offset, length int64) error {
	if err := f.File.Preallocate(offset, length); !noSpace(err) {
		return err
	}
	return nil
}

// pebbleLogger keeps Pebble from ending the process: what it calls fatal fails the log, and the goroutine that met it
// stays where it is, so that nothing is written on top of a broken state. The process has to be started again; everything
// acknowledged is on disk.
type pebbleLogger struct{ fail func(error) }

func (l *pebbleLogger) Infof(string, ...any)  {}
func (l *pebbleLogger) Errorf(string, ...any) {}
func (l *pebbleLogger) Fatalf(format string, args ...any) {
	l.fail(fmt.Errorf(format, args...))
	select {}
}
