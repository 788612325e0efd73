package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/argon2"
)

// Cost of one hash: the least that OWASP asks of argon2id.
const (
	argonMemoryKiB = 19 << 10
	argonTime      = 2
	argonThreads   = 1
	argonKeyBytes  = 32
	argonSaltBytes = 16
)

const (
	minPasswordBytes = 8
	maxPasswordBytes = 1024
)

// hasher bounds how many hashes run at a time, so that logins never take the memory and processors of the door.
type hasher struct {
	running chan struct{}
	waiting atomic.Int64
	// decoy is a hash that no password has: an unknown email is checked against it, so that it takes as long as a known one.
	decoy string
}

func newHasher(limit int) *hasher {
	salt, key := make([]byte, argonSaltBytes), make([]byte, argonKeyBytes)
	rand.Read(salt)
	rand.Read(key)
	return &hasher{running: make(chan struct{}, limit), decoy: encodeHash(argonMemoryKiB, argonTime, argonThreads, salt, key)}
}

// maxWaiting is how many callers may wait for their turn; more are refused with ErrBusy.
const maxWaiting = 200

// derive waits for its turn, or until ctx ends.
func (h *hasher) derive(ctx context.Context, password string, salt []byte, memoryKiB, time uint32, threads uint8) ([]byte, error) {
	defer h.waiting.Add(-1)
	if h.waiting.Add(1) > maxWaiting {
		return nil, ErrBusy
	}
	select {
	case h.running <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-h.running }()
	return argon2.IDKey([]byte(password), salt, time, memoryKiB, threads, argonKeyBytes), nil
}

// hash returns the stored form of a password.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, argonSaltBytes)
	rand.Read(salt)
	key, err := h.derive(ctx, password, salt, argonMemoryKiB, argonTime, argonThreads)
	if err != nil {
		return "", err
	}
	return encodeHash(argonMemoryKiB, argonTime, argonThreads, salt, key), nil
}

// verify reports whether the password is that of the stored form.
func (h *hasher) verify(ctx context.Context, stored, password string) (bool, error) {
	memoryKiB, time, threads, salt, want, err := decodeHash(stored)
	if err != nil {
		return false, err
	}
	got, err := h.derive(ctx, password, salt, memoryKiB, time, threads)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

// encodeHash writes the PHC form, "$argon2id$v=19$m=19456,t=2,p=1$salt$key".
func encodeHash(memoryKiB, time uint32, threads uint8, salt, key []byte) string {
	text := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memoryKiB, time, threads, text.EncodeToString(salt), text.EncodeToString(key))
}

func decodeHash(stored string) (memoryKiB, time uint32, threads uint8, salt, key []byte, err error) {
	parts := strings.Split(stored, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return 0, 0, 0, nil, nil, fmt.Errorf("cannot read a password hash: not argon2id version %d", argon2.Version)
	}
	if _, err = fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memoryKiB, &time, &threads); err == nil {
		salt, err = base64.RawStdEncoding.DecodeString(parts[4])
	}
	if err == nil {
		key, err = base64.RawStdEncoding.DecodeString(parts[5])
	}
	if err != nil || time == 0 || threads == 0 || len(key) != argonKeyBytes {
		return 0, 0, 0, nil, nil, fmt.Errorf("cannot read a password hash: bad parameters")
	}
	return memoryKiB, time, threads, salt, key, nil
}

func checkPassword(password string) error {
	if len(password) < minPasswordBytes {
		return invalid("password", "the password needs at least %d characters", minPasswordBytes)
	}
	if len(password) > maxPasswordBytes {
		return invalid("password", "the password may have at most %d bytes", maxPasswordBytes)
	}
	return nil
}
