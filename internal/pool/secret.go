package pool

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"

	"github.com/scanlogin/scanlogin/session"
)

// Secret is what a pool's site proves itself with, and the keys derived from
// it: one value, or several while it is rotated. The first makes new codes, all
// are accepted. It never shows a value: not in logs, not in formatted output.
type Secret struct {
	values []keys
}

// keys are what is derived from one value.
type keys struct {
	id      string
	digest  [sha256.Size]byte // compared instead of the value: equal lengths, constant time
	ticket  []byte
	browser []byte
	token   []byte
	match   []byte
	name    []byte
}

// NewSecret derives the keys of a pool's secret, and of others that are good
// beside it (HKDF, RFC 5869, with SHA-256; a label for each use, so that none
// tells anything of another).
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
		panic(err) // only for a size beyond 255 hashes
	}
	return key
}

// ID names the value that makes new codes without giving it away: 32 bits of a
// derived one; "" where there is none. The session keeps it to know which value
// its own secrets are derived from.
func (s Secret) ID() string { return s.first().id }

// first returns the keys of the value that makes new codes.
func (s Secret) first() keys {
	if len(s.values) == 0 {
		return keys{}
	}
	return s.values[0]
}

// Matches reports whether value is one of the secret's, in a time that tells
// neither how near it came nor to which.
func (s Secret) Matches(value string) bool {
	digest := sha256.Sum256([]byte(value))
	found := 0
	for _, k := range s.values {
		found |= subtle.ConstantTimeCompare(digest[:], k.digest[:])
	}
	return found == 1
}

// of returns the keys under which a code was made, none if their value is no
// longer good.
func (s Secret) of(code session.Session) keys {
	for _, k := range s.values {
		if k.id == code.SecretID {
			return k
		}
	}
	return keys{}
}

const redacted = "[redacted]"

func (Secret) String() string               { return redacted }
func (Secret) GoString() string             { return redacted }
func (Secret) Format(f fmt.State, _ rune)   { fmt.Fprint(f, redacted) }
func (Secret) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Ticket returns the one-time right to fetch the code's user,
// `<random>.<43 base64url characters>`; "" if the pool no longer has the
// secret that the code was made under.
func (p *Pool) Ticket(s session.Session) string {
	mac := p.mac(p.Secret.of(s).ticket, s)
	if mac == "" {
		return ""
	}
	return string(s.ID) + "." + mac
}

// BrowserKey returns the proof of being the browser that asked for the code,
// 43 base64url characters; "" as for Ticket.
func (p *Pool) BrowserKey(s session.Session) string {
	return p.mac(p.Secret.of(s).browser, s)
}

// TokenID returns the `jti` of the token that the code issues, the same on each
// node; "" as for Ticket.
func (p *Pool) TokenID(s session.Session) string {
	return p.mac(p.Secret.of(s).token, s)
}

// mac is HMAC-SHA256 over what names the code and the salt that only the store
// has. Whoever knows the pool's secret alone can compute nothing, nor can who
// has the store alone.
func (p *Pool) mac(key []byte, s session.Session) string {
	if key == nil {
		return ""
	}
	h := hmac.New(sha256.New, key)
	fmt.Fprintf(h, "%s\x00%s\x00", p.ID, s.ID)
	h.Write(s.Salt)
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// IsTicket reports, in constant time, whether text is the code's ticket.
func (p *Pool) IsTicket(s session.Session, text string) bool {
	return equal(p.Ticket(s), text)
}

// IsBrowserKey reports, in constant time, whether text is the code's browser key.
func (p *Pool) IsBrowserKey(s session.Session, text string) bool {
	return equal(p.BrowserKey(s), text)
}

func equal(want, got string) bool {
	return want != "" && subtle.ConstantTimeCompare([]byte(want), []byte(got)) == 1
}

// TicketID returns the id of the code that a ticket belongs to, or
// session.ErrNotFound if text cannot be a ticket.
func TicketID(text string) (session.ID, error) {
	random, mac, ok := strings.Cut(text, ".")
	if !ok || len(mac) != base64.RawURLEncoding.EncodedLen(sha256.Size) {
		return "", session.ErrNotFound
	}
	return session.ParseID(random)
}
