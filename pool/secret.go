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

// MinSecretBytes is the least length of a pool secret: 24 bytes of base64 are
// 144 bits, beyond guessing also for who has a dump of the store.
const MinSecretBytes = 24

// Secret is a pool's secret with the keys derived from it. It never shows its
// value: not in logs, not in formatted output.
type Secret struct {
	id         string
	digest     [sha256.Size]byte // compared instead of the value: equal lengths, constant time
	ticketKey  []byte
	browserKey []byte
	tokenKey   []byte
	nameKey    []byte
}

// NewSecret derives a pool's keys (HKDF, RFC 5869, with SHA-256; a label for
// each use, so that none tells anything of another).
func NewSecret(value string) Secret {
	return Secret{
		id:         hex.EncodeToString(derive(value, "secret id", 4)),
		digest:     sha256.Sum256([]byte(value)),
		ticketKey:  derive(value, "ticket", sha256.Size),
		browserKey: derive(value, "browser key", sha256.Size),
		tokenKey:   derive(value, "token id", sha256.Size),
		nameKey:    derive(value, "pseudonym", sha256.Size),
	}
}

func derive(value, label string, size int) []byte {
	key, err := hkdf.Key(sha256.New, []byte(value), nil, "scanlogin v1 "+label, size)
	if err != nil {
		panic(err) // only for a size beyond 255 hashes
	}
	return key
}

// ID names the secret without giving it away: 32 bits of a derived value. The
// session keeps it to know which secret its own are derived from.
func (s Secret) ID() string { return s.id }

// Matches reports, in constant time, whether value is the secret.
func (s Secret) Matches(value string) bool {
	digest := sha256.Sum256([]byte(value))
	return s.id != "" && subtle.ConstantTimeCompare(digest[:], s.digest[:]) == 1
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
	mac := p.mac(p.Secret.ticketKey, s)
	if mac == "" {
		return ""
	}
	return string(s.ID) + "." + mac
}

// BrowserKey returns the proof of being the browser that asked for the code,
// 43 base64url characters; "" as for Ticket.
func (p *Pool) BrowserKey(s session.Session) string {
	return p.mac(p.Secret.browserKey, s)
}

// TokenID returns the `jti` of the token that the code issues, the same on each
// node; "" as for Ticket.
func (p *Pool) TokenID(s session.Session) string {
	return p.mac(p.Secret.tokenKey, s)
}

// mac is HMAC-SHA256 over what names the code and the salt that only the store
// has. Whoever knows the pool's secret alone can compute nothing, nor can who
// has the store alone.
func (p *Pool) mac(key []byte, s session.Session) string {
	if s.SecretID != p.Secret.id || p.Secret.id == "" {
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
