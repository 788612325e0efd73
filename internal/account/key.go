package account

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"sync/atomic"
)

// The scopes of a key. Each is a right of its own: admin manages a site, but does not read its figures.
const (
	ScopeStats  = "stats"
	ScopeIngest = "ingest"
	ScopeImport = "import"
	ScopeAdmin  = "admin"
)

// Scopes returns every scope.
func Scopes() []string { return []string{ScopeStats, ScopeIngest, ScopeImport, ScopeAdmin} }

// AllSites is the WebsiteID of a key that is bound to no site. Such keys are made on the machine itself only.
const AllSites = "*"

// A key is "ff_", 256 random bits in 52 characters, and 6 characters of checksum, which tells a mistyped key from an
// unknown one without a look-up and lets scanners find leaked ones.
const (
	keyMark     = "ff_"
	keySecret   = 52
	keyChecksum = 6
	keyLength   = len(keyMark) + keySecret + keyChecksum
	keyShown    = len(keyMark) + 6 // length of the prefix that may be shown
)

type keyHash [sha256.Size]byte

// Key is an API key, without its secret. It is immutable but for its last use.
type Key struct {
	ID, WebsiteID, Name, Prefix string
	Scopes                      []string
	CreatedAt                   int64

	hash keyHash
	use  *keyUse
}

// keyUse outlives the snapshots that show its key.
type keyUse struct {
	lastMillis atomic.Int64 // 0: never
	written    atomic.Int64 // value in the database
}

// Allows reports whether the key has the scope.
func (k *Key) Allows(scope string) bool { return slices.Contains(k.Scopes, scope) }

// Covers reports whether the key is for the site of that website_id.
func (k *Key) Covers(websiteID string) bool {
	return k.WebsiteID == websiteID || k.WebsiteID == AllSites
}

// LastUsedAt returns when the key was last found valid, in ms, 0 for never.
func (k *Key) LastUsedAt() int64 { return k.use.lastMillis.Load() }

// newSecret returns a new key.
func newSecret() string {
	secret := randomText(33)[:keySecret]
	return keyMark + secret + checksum(secret)
}

func checksum(secret string) string {
	text := checksumOf(secret)
	return string(text[:])
}

// checksumOf is what the standard library gives for the CRC-32 in base32, without its allocations.
func checksumOf(secret string) (text [keyChecksum]byte) {
	sum := ^uint32(0)
	for i := range len(secret) {
		sum = crc32.IEEETable[byte(sum)^secret[i]] ^ sum>>8
	}
	sum = ^sum
	for i := range text {
		text[i] = letters[sum>>(27-5*i)&31]
	}
	return text
}

// wellFormed reports whether text can be a key at all.
func wellFormed(text string) bool {
	if len(text) != keyLength || !strings.HasPrefix(text, keyMark) {
		return false
	}
	sum := checksumOf(text[len(keyMark) : len(keyMark)+keySecret])
	return text[len(keyMark)+keySecret:] == string(sum[:])
}

// hashKey returns the stored form of a well-formed key.
func hashKey(text string) keyHash {
	var raw [keyLength]byte // not []byte(text), which allocates
	copy(raw[:], text)
	return sha256.Sum256(raw[:])
}

// AddKey makes a key for the site of that website_id or domain, or for AllSites. The text returned is the only copy of the secret.
func (s *Store) AddKey(ctx context.Context, site, name string, scopes []string) (key *Key, text string, err error) {
	if err := checkKey(name, scopes); err != nil {
		return nil, "", err
	}
	text = newSecret()
	key = &Key{ID: newID(), Name: name, Prefix: text[:keyShown], Scopes: normalScopes(scopes), CreatedAt: s.nowMillis(),
		hash: hashKey(text), use: new(keyUse)}
	err = s.change(ctx, func(ctx context.Context, tx *sql.Tx, now *snapshot) error {
		bound := sql.NullString{}
		if key.WebsiteID = AllSites; site != AllSites {
			owner, ok := find(now.byID, site)
			if !ok {
				return ErrNotFound
			}
			key.WebsiteID = owner.WebsiteID
			bound = sql.NullString{String: owner.WebsiteID, Valid: true}
		}
		_, err := tx.ExecContext(ctx, `insert into api_keys (id, website_id, name, prefix, hash, scopes, created_at, last_used_at)
			values ($1, $2, $3, $4, $5, $6, $7, 0)`,
			key.ID, bound, key.Name, key.Prefix, hex.EncodeToString(key.hash[:]), writeList(key.Scopes), key.CreatedAt)
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("cannot add a key to site %q: %w", site, err)
	}
	return key, text, nil
}

func checkKey(name string, scopes []string) error {
	if err := checkName("name", name); err != nil {
		return err
	}
	if len(scopes) == 0 {
		return invalid("scopes", "a key needs at least one scope of %s", strings.Join(Scopes(), ", "))
	}
	for i, scope := range scopes {
		if !slices.Contains(Scopes(), scope) {
			return invalid(fmt.Sprintf("scopes[%d]", i), "%q is no scope; the scopes are %s", scope, strings.Join(Scopes(), ", "))
		}
	}
	return nil
}

// normalScopes returns the scopes once each, in the order of Scopes.
func normalScopes(scopes []string) []string {
	return slices.DeleteFunc(Scopes(), func(scope string) bool { return !slices.Contains(scopes, scope) })
}

// Keys returns the keys of a website_id, oldest first.
func (s *Store) Keys(websiteID string) []*Key {
	var keys []*Key
	for _, key := range s.snapshot.Load().keys {
		if key.WebsiteID == websiteID {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b *Key) int {
		if a.CreatedAt != b.CreatedAt {
			return int(a.CreatedAt - b.CreatedAt)
		}
		return strings.Compare(a.ID, b.ID)
	})
	return keys
}

// DeleteKey revokes a key of a website_id: once it returns, no Authorize finds the key.
func (s *Store) DeleteKey(ctx context.Context, websiteID, keyID string) error {
	err := s.change(ctx, func(ctx context.Context, tx *sql.Tx, _ *snapshot) error {
		result, err := tx.ExecContext(ctx, `delete from api_keys where id = $1 and website_id = $2`, keyID, websiteID)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return cmpErr(err, ErrNotFound)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot delete key %q: %w", keyID, err)
	}
	return nil
}

func cmpErr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// KeyOf returns the valid key of that text and notes its use. Its time depends on the text's form and hash alone.
func (s *Store) KeyOf(text string) (*Key, bool) {
	if !wellFormed(text) {
		return nil, false
	}
	hash := hashKey(text)
	key, ok := s.snapshot.Load().keys[hash]
	if !ok || subtle.ConstantTimeCompare(key.hash[:], hash[:]) != 1 {
		return nil, false
	}
	key.use.lastMillis.Store(s.nowMillis())
	return key, true
}

// Authorize returns the site that a key with that scope is bound to, or AllSites. It takes no lock; a revoked key is refused at once.
func (s *Store) Authorize(text, scope string) (websiteID string, ok bool) {
	key, ok := s.KeyOf(text)
	if !ok || !key.Allows(scope) {
		return "", false
	}
	return key.WebsiteID, true
}

func (into *snapshot) readKeys(ctx context.Context, tx *sql.Tx, previous *snapshot) error {
	rows, err := tx.QueryContext(ctx, `select id, coalesce(website_id, '*'), name, prefix, hash, scopes, created_at, last_used_at from api_keys`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var hash, scopes string
		var lastUsed int64
		key := &Key{use: new(keyUse)}
		if err := rows.Scan(&key.ID, &key.WebsiteID, &key.Name, &key.Prefix, &hash, &scopes, &key.CreatedAt, &lastUsed); err != nil {
			return err
		}
		if n, err := hex.Decode(key.hash[:], []byte(hash)); err != nil || n != len(key.hash) {
			return fmt.Errorf("cannot read the hash of key %q", key.ID)
		}
		if key.Scopes, err = readList(scopes); err != nil {
			return fmt.Errorf("cannot read the scopes of key %q: %w", key.ID, err)
		}
		if previous != nil && previous.keys[key.hash] != nil {
			key.use = previous.keys[key.hash].use
		}
		key.use.read(lastUsed)
		into.keys[key.hash] = key
	}
	return rows.Err()
}

// read takes the last use from the database, where that of another process may be later.
func (u *keyUse) read(stored int64) {
	u.written.Store(stored)
	for last := u.lastMillis.Load(); last < stored; last = u.lastMillis.Load() {
		if u.lastMillis.CompareAndSwap(last, stored) {
			return
		}
	}
}

// flushUses writes the last uses that changed since it last ran. The latest of all processes stays.
func (s *Store) flushUses(ctx context.Context) error {
	for _, key := range s.snapshot.Load().keys {
		last := key.use.lastMillis.Load()
		if last == key.use.written.Load() {
			continue
		}
		if err := s.db.exec(ctx, `update api_keys set last_used_at = $1 where id = $2 and last_used_at < $1`, last, key.ID); err != nil {
			return fmt.Errorf("cannot note the last use of key %q: %w", key.ID, err)
		}
		key.use.written.Store(last)
	}
	return nil
}
