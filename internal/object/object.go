package object

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Object is what a listing tells of one.
type Object struct {
	Key      string
	Size     int64
	Modified time.Time
}

// ErrNotFound: there is no object of that key.
var ErrNotFound = errors.New("no such object")

// checkKey refuses what one of the stores could not hold.
func checkKey(key string) error {
	for part := range strings.SplitSeq(key, "/") {
		if part == "" || part[0] == '.' || strings.ContainsAny(part, "\\\x00") {
			return fmt.Errorf("cannot use %q as a key", key)
		}
	}
	return nil
}
