package pool

import (
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"slices"

	"github.com/scanlogin/scanlogin/internal/secret"
	"github.com/scanlogin/scanlogin/session"
)

// Secret authenticates a pool's site and contains the keys derived from it. It has one value,
// or several during a rotation: the first is used for new codes, all are accepted. It never
// reveals a value, neither in logs nor in formatted output.
type Secret struct {
	secret.Redacted
	values []keys
}

// keys are derived from one value.
type keys struct {
	id      string
	digest  [sha256.Size]byte // compared instead of the value: constant time needs equal lengths
	ticket  macKey
	code    macKey
	device  macKey
	browser macKey
	token   macKey
	sid     macKey
	match   macKey
	typed   macKey
	name    macKey
}

// NewSecret derives the keys of a pool's secret and of other accepted values: HKDF with
// SHA-256 (RFC 5869) and a label per use, so that no key reveals anything about another.
func NewSecret(value string, others ...string) Secret {
	var s Secret
	for _, v := range append([]string{value}, others...) {
		s.values = append(s.values, keys{
			id:      hex.EncodeToString(derive(v, "secret id", 4)),
			digest:  sha256.Sum256([]byte(v)),
			ticket:  derivedKey(v, "ticket"),
			code:    derivedKey(v, "authorization code"),
			device:  derivedKey(v, "device code"),
			browser: derivedKey(v, "browser key"),
			token:   derivedKey(v, "token id"),
			sid:     derivedKey(v, "sid"),
			match:   derivedKey(v, "match code"),
			typed:   derivedKey(v, "typed code"),
			name:    derivedKey(v, "pseudonym"),
		})
	}
	return s
}

func derivedKey(value, label string) macKey { return newMACKey(derive(value, label, sha256.Size)) }

func derive(value, label string, size int) []byte {
	key, err := hkdf.Key(sha256.New, []byte(value), nil, "scanlogin v1 "+label, size)
	if err != nil {
		panic(err) // only for sizes of more than 255 hashes
	}
	return key
}

// ID identifies the value for new codes without revealing it: 32 derived bits, "" if there is
// no value. The session stores it to record which value its secrets are derived from.
func (s Secret) ID() string { return s.current().id }

// IDs returns the ids of all accepted values, that for new codes first.
func (s Secret) IDs() []string {
	ids := make([]string, 0, len(s.values))
	for _, k := range s.values {
		ids = append(ids, k.id)
	}
	return ids
}

// accepts reports whether a value with this id is accepted.
func (s Secret) accepts(id string) bool {
	return slices.ContainsFunc(s.values, func(k keys) bool { return k.id == id })
}

// current returns the keys of the value for new codes.
func (s Secret) current() keys {
	if len(s.values) == 0 {
		return keys{}
	}
	return s.values[0]
}

// Matches reports whether value is one of the secret's values. Its duration reveals neither
// how much matches nor which value.
func (s Secret) Matches(value string) bool {
	digest := sha256.Sum256([]byte(value))
	found := 0
	for _, k := range s.values {
		found |= subtle.ConstantTimeCompare(digest[:], k.digest[:])
	}
	return found == 1
}

// keysFor returns the keys of the value that a code was created with; zero keys if that
// value is no longer accepted.
func (s Secret) keysFor(code session.Session) keys {
	for _, k := range s.values {
		if k.id == code.SecretID {
			return k
		}
	}
	return keys{}
}
