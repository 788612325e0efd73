package account

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"
	"time"
)

// The decoy must cost what a real hash costs, or the time of a login tells which emails exist.
func TestDecoyCostsAsMuchAsAHash(t *testing.T) {
	h := newHasher(1)
	real, err := h.hash(context.Background(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	cost := func(stored string) string { return strings.Join(strings.Split(stored, "$")[:4], "$") }
	if cost(real) != "$argon2id$v=19$m=19456,t=2,p=1" || cost(h.decoy) != cost(real) || len(h.decoy) != len(real) {
		t.Errorf("hash %q, decoy %q", real, h.decoy)
	}
	for password, want := range map[string]bool{"correct horse": true, "correct hors": false, "": false} {
		if ok, err := h.verify(context.Background(), real, password); err != nil || ok != want {
			t.Errorf("verify(%q) = %v, %v", password, ok, err)
		}
	}
	if ok, err := h.verify(context.Background(), h.decoy, "correct horse"); err != nil || ok {
		t.Errorf("the decoy has a password: %v, %v", ok, err)
	}
}

// Every wrong login waits for the hasher, whether its email is known or not: the work is the same.
func TestUnknownEmailIsHashedToo(t *testing.T) { OnEach(t, unknownEmailIsHashedToo) }

func unknownEmailIsHashedToo(t *testing.T, p *Place) {
	s, err := Open(p.In(Options{MaxHashes: 1}))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.AddUser(context.Background(), NewUser{Email: "ada@example.com", Password: "correct horse"}); err != nil {
		t.Fatal(err)
	}
	s.hasher.running <- struct{}{} // the one place is taken
	for _, email := range []string{"ada@example.com", "nobody@example.com", "no address", ""} {
		ctx, cancel := context.WithCancel(context.Background())
		result := make(chan error, 1)
		go func() {
			_, _, err := s.Login(ctx, email, "wrong", "192.0.2.1")
			result <- err
		}()
		for s.hasher.waiting.Load() == 0 {
			select {
			case err := <-result:
				t.Fatalf("%q was answered without a hash: %v", email, err)
			case <-time.After(time.Millisecond):
			}
		}
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("%q: %v", email, err)
		}
	}
}

// Whoever floods the login gets refusals, not a queue without end.
func TestHasherRefusesACrowd(t *testing.T) {
	h := newHasher(1)
	h.running <- struct{}{} // the one place is taken
	ctx, cancel := context.WithCancel(context.Background())
	results := make(chan error, maxWaiting)
	for range maxWaiting {
		go func() { _, err := h.hash(ctx, "x"); results <- err }()
	}
	for h.waiting.Load() < maxWaiting {
		time.Sleep(time.Millisecond)
	}
	if _, err := h.hash(ctx, "x"); !errors.Is(err, ErrBusy) {
		t.Errorf("one more: %v", err)
	}
	cancel()
	for range maxWaiting {
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("a waiting one: %v", err)
		}
	}
	<-h.running
	if _, err := h.hash(context.Background(), "x"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestBadHashIsAnError(t *testing.T) {
	h := newHasher(1)
	for _, stored := range []string{"", "x", "$argon2id$v=19$m=19456,t=2,p=1$YQ", "$argon2i$v=19$m=1,t=1,p=1$YQ$YQ", "$argon2id$v=19$m=1,t=0,p=1$YQ$YQ", "$argon2id$v=19$x$YQ$YQ", "$argon2id$v=19$m=19456,t=2,p=1$!$YQ"} {
		if ok, err := h.verify(context.Background(), stored, "x"); err == nil || ok {
			t.Errorf("verify with stored form %q: %v, %v", stored, ok, err)
		}
	}
}

// Memory must not grow with the pairs that an attacker makes up.
func TestTriesAreBounded(t *testing.T) {
	tries, now := newTries(), time.UnixMilli(0)
	for i := range maxTracked + 1000 {
		if _, err := tries.start(fmt.Sprintf("u%d@example.com", i), "192.0.2.1", now); err != nil {
			t.Fatal(err)
		}
	}
	if len(tries.pairs) != maxTracked || tries.order.Len() != maxTracked {
		t.Errorf("%d pairs, %d in order", len(tries.pairs), tries.order.Len())
	}
}

func TestNetwork(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := network(in); got != want {
			t.Errorf("network(%q) = %q, want %q", in, got, want)
		}
	}
	f("192.0.2.1", "192.0.2.1")
	f("::ffff:192.0.2.1", "192.0.2.1")
	f("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64")
	f("fe80::1%eth0", "fe80::/64")
	f("@", "@")
}

// The checksum of a key is CRC-32 in base32: keys that are out there must stay valid.
func TestChecksum(t *testing.T) {
	for range 1000 {
		secret := randomText(33)[:keySecret]
		sum := crc32.ChecksumIEEE([]byte(secret))
		want := alphabet().EncodeToString([]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})[:keyChecksum]
		if got := checksum(secret); got != want {
			t.Fatalf("checksum(%q) = %q, want %q", secret, got, want)
		}
	}
}
