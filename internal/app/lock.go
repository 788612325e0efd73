package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// LockedError says that another process has the data directory open.
type LockedError struct {
	Dir string
	PID int // 0 when it could not be read
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("data directory %q is in use by the process with pid %d", e.Dir, e.PID)
}

// dirLock is an advisory lock on a data directory. The kernel drops it when the process dies, however it dies.
type dirLock struct{ file *os.File }

// lockDir takes the directory, which it makes when missing, and writes this process's pid into the lock file.
func lockDir(dir string) (*dirLock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the data directory %q: %w", dir, err)
	}
	path := filepath.Join(dir, "footfall.lock")
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot open the lock of the data directory: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		defer file.Close()
		return nil, &LockedError{Dir: dir, PID: readPID(file)}
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("cannot lock %q: %w", path, err)
	}
	return &dirLock{file}, writePID(file)
}

func readPID(r io.Reader) int {
	text, err := io.ReadAll(io.LimitReader(r, 32))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return pid
}

func writePID(file *os.File) error {
	if err := file.Truncate(0); err != nil {
		return fmt.Errorf("cannot write the pid: %w", err)
	}
	if _, err := file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0); err != nil {
		return fmt.Errorf("cannot write the pid: %w", err)
	}
	return nil
}

// Close lets the directory go. The file stays: removing it would let two processes lock two files of one name.
func (l *dirLock) Close() error { return l.file.Close() }
