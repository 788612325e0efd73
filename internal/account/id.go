package account

import (
	"crypto/rand"
	"encoding/base32"
)

// letters are those of ids and keys: readable aloud.
const letters = "abcdefghijkmnpqrstuvwxyz23456789"

// alphabet is lower-case base32 without padding, never mistaken for a domain, which has a dot.
func alphabet() *base32.Encoding {
	return base32.NewEncoding(letters).WithPadding(base32.NoPadding)
}

// randomText returns the text of n random bytes.
func randomText(n int) string {
	raw := make([]byte, n)
	rand.Read(raw) // never fails, by its contract
	return alphabet().EncodeToString(raw)
}

// newID returns an opaque id of 100 random bits.
func newID() string { return randomText(13)[:20] }

// newTrackingID returns the public key of a site. Its prefix keeps it apart from a website_id in snippets and logs.
func newTrackingID() string { return "t" + newID() }
