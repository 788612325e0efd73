package lake

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/footfall-analytics/footfall/internal/object"
)

// expireAtOnce bounds the keys that one request deletes.
const expireAtOnce = 1000

var errEnough = errors.New("enough")

// Expire deletes the files of the UTC days before a time, oldest first, and returns how many. It may be ended and called again; what is
// written for such a day later goes with the next call.
func Expire(ctx context.Context, store Store, before time.Time) (files int, err error) {
	for {
		keys, err := expired(ctx, store, dayOf(before.UnixMilli()))
		if err == nil && len(keys) > 0 {
			err = store.Delete(ctx, keys...)
		}
		if err != nil {
			return files, fmt.Errorf("cannot delete the days before %s from the lake: %w", before.UTC().Format(time.DateOnly), err)
		}
		files += len(keys)
		if len(keys) < expireAtOnce {
			return files, nil
		}
	}
}

// expired returns the keys of the first files of days before one.
func expired(ctx context.Context, store Store, before int64) (keys []string, err error) {
	err = store.List(ctx, folder, func(o object.Object) error { // in the order of days
		day, ok := parseKey(o.Key)
		if ok && day < before {
			keys = append(keys, o.Key)
		}
		if ok && day >= before || len(keys) == expireAtOnce {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return keys, err
}
