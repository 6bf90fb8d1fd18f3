package pool

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

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
	ticket  []byte
	browser []byte
	token   []byte
	match   []byte
	name    []byte
}

// NewSecret derives the keys of a pool's secret and of other accepted values: HKDF with
// SHA-256 (RFC 5869) and a label per use, so that no key reveals anything about another.
func NewSecret(value string, others ...string) Secret {
	var s Secret
	for _, v := range append([]string{value}, others...) {
		s.values = append(s.values, keys{
			id:      hex.EncodeToString(derive(v, "secret id", 4)),
			digest:  sha256.Sum256([]byte(v)),
			ticket:  derive(v, "ticket", sha256.Size),
			browser: derive(v, "browser key", sha256.Size),
			token:   derive(v, "token id", sha256.Size),
			match:   derive(v, "match code", sha256.Size),
			name:    derive(v, "pseudonym", sha256.Size),
		})
	}
	return s
}

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

// Ticket returns the one-time ticket for the code's user,
// `<random>.<43 base64url characters>`, or "" if the pool no longer accepts the secret that
// the code was created with.
func (p *Pool) Ticket(s session.Session) string {
	mac := p.mac(p.Secret.keysFor(s).ticket, s)
	if mac == "" {
		return ""
	}
	return string(s.ID) + "." + mac
}

// BrowserKey returns the secret of the browser that requested the code, 43 base64url
// characters; "" as for Ticket.
func (p *Pool) BrowserKey(s session.Session) string {
	return p.mac(p.Secret.keysFor(s).browser, s)
}

// TokenID returns the `jti` of the token that is issued for the code, the same on every
// node; "" as for Ticket.
func (p *Pool) TokenID(s session.Session) string {
	return p.mac(p.Secret.keysFor(s).token, s)
}

// mac returns an HMAC-SHA256 over the code's ids and its salt, which only the store has.
// Computing it needs both the pool's secret and the store.
func (p *Pool) mac(key []byte, s session.Session) string {
	if key == nil {
		return ""
	}
	h := hmac.New(sha256.New, key)
	fmt.Fprintf(h, "%s\x00%s\x00", p.ID, s.ID)
	h.Write(s.Salt)
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// WithHashes returns s with the hashes of its ticket and its browser key, which the store
// keeps, and the browser key. s has its ID, salt and secret id. Without an accepted secret, s
// stays as it is, and the key is "".
func (p *Pool) WithHashes(s session.Session) (hashed session.Session, browserKey string) {
	if !p.Secret.accepts(s.SecretID) {
		return s, ""
	}
	browserKey = p.BrowserKey(s)
	s.Grant, s.GrantHash = session.GrantTicket, session.HashSecret(p.Ticket(s))
	s.BrowserHash = session.HashSecret(browserKey)
	return s, browserKey
}

// Credential returns what redeems a code of the pool with a ticket. challenge is that of the
// verifier which was shown, "" if none was.
func (p *Pool) Credential(ticket, challenge string) session.Credential {
	return session.Credential{
		Grant: session.GrantTicket, SecretIDs: p.Secret.IDs(), Hash: session.HashSecret(ticket), Challenge: challenge,
	}
}

// IsBrowserKey reports, in constant time, whether text is the code's browser key. It is not
// if the pool no longer accepts the secret that the code was created with.
func (p *Pool) IsBrowserKey(s session.Session, text string) bool {
	return len(s.BrowserHash) > 0 && p.Secret.accepts(s.SecretID) &&
		subtle.ConstantTimeCompare(session.HashSecret(text), s.BrowserHash) == 1
}

// TicketID returns the id of the code that a ticket belongs to, or session.ErrNotFound if
// text is not a ticket.
func TicketID(text string) (session.ID, error) {
	random, mac, ok := strings.Cut(text, ".")
	if !ok || len(mac) != base64.RawURLEncoding.EncodedLen(sha256.Size) {
		return "", session.ErrNotFound
	}
	return session.ParseID(random)
}
