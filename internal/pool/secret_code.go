package pool

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/scanlogin/scanlogin/session"
)

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

// AuthorizationCode returns the authorization code for the code's user (RFC 6749, 4.1.2), in
// the form of a ticket; "" as for Ticket. Only a code with that grant can be redeemed with it.
func (p *Pool) AuthorizationCode(s session.Session) string {
	mac := p.mac(p.Secret.keysFor(s).code, s)
	if mac == "" {
		return ""
	}
	return string(s.ID) + "." + mac
}

// DeviceCode returns the device code of the device that requested the code (RFC 8628, 3.2), in the
// form of a ticket; "" as for Ticket. Only a code with that grant can be redeemed with it.
func (p *Pool) DeviceCode(s session.Session) string {
	mac := p.mac(p.Secret.keysFor(s).device, s)
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

// SID returns the `sid` of all tokens that OAuth clients get for the code (OIDC Front-Channel
// Logout 3): 32 hexadecimal digits, the same on every node; "" as for Ticket.
func (p *Pool) SID(s session.Session) string {
	mac, err := base64.RawURLEncoding.DecodeString(p.mac(p.Secret.keysFor(s).sid, s))
	if err != nil || len(mac) == 0 {
		return ""
	}
	return hex.EncodeToString(mac[:16])
}

// mac returns an HMAC-SHA256 over the code's ids and its salt, which only the store has.
// Computing it needs both the pool's secret and the store.
func (p *Pool) mac(key macKey, s session.Session) string {
	if key.isZero() {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(p.sum(key, s))
}

// sum is mac in bytes, with more data behind it.
func (p *Pool) sum(key macKey, s session.Session, more ...byte) []byte {
	text := make([]byte, 0, 128)
	text = append(append(text, p.ID...), 0)
	text = append(append(text, s.ID...), 0)
	text = append(append(text, s.Salt...), more...)
	return key.sum(text)
}

// WithHashes returns s with the hashes of the one credential of its grant and of its browser
// key, which the store keeps, and the browser key. s has its ID, salt, secret id and grant; without
// a grant it gets that of the ticket. Without an accepted secret, s stays as it is, and the key
// is "".
func (p *Pool) WithHashes(s session.Session) (hashed session.Session, browserKey string) {
	if !p.Secret.accepts(s.SecretID) {
		return s, ""
	}
	switch s.Grant {
	case session.GrantAuthorizationCode:
		s.GrantHash = session.HashSecret(p.AuthorizationCode(s))
	case session.GrantDeviceCode:
		s.GrantHash = session.HashSecret(p.DeviceCode(s))
	default:
		s.Grant, s.GrantHash = session.GrantTicket, session.HashSecret(p.Ticket(s))
	}
	browserKey = p.BrowserKey(s)
	s.BrowserHash = session.HashSecret(browserKey)
	return s, browserKey
}

// Credential returns what redeems a code of the pool with a ticket. challenge is that of the
// verifier which was shown, "" if none was.
func (p *Pool) Credential(ticket, challenge string) session.Credential {
	return p.credential(session.GrantTicket, ticket, challenge)
}

// CodeCredential is Credential for an authorization code.
func (p *Pool) CodeCredential(code, challenge string) session.Credential {
	return p.credential(session.GrantAuthorizationCode, code, challenge)
}

// DeviceCredential is Credential for a device code.
func (p *Pool) DeviceCredential(code string) session.Credential {
	return p.credential(session.GrantDeviceCode, code, "")
}

func (p *Pool) credential(grant session.Grant, text, challenge string) session.Credential {
	return session.Credential{Grant: grant, SecretIDs: p.Secret.IDs(), Hash: session.HashSecret(text), Challenge: challenge}
}

// IsDeviceCode reports, in constant time, whether text is the device code of s. It is not if s has
// another grant, or if the pool no longer accepts the secret that s was created with.
func (p *Pool) IsDeviceCode(s session.Session, text string) bool {
	return s.Grant == session.GrantDeviceCode && len(s.GrantHash) > 0 && p.Secret.accepts(s.SecretID) &&
		subtle.ConstantTimeCompare(session.HashSecret(text), s.GrantHash) == 1
}

// IsBrowserKey reports, in constant time, whether text is the code's browser key. It is not
// if the pool no longer accepts the secret that the code was created with.
func (p *Pool) IsBrowserKey(s session.Session, text string) bool {
	return len(s.BrowserHash) > 0 && p.Secret.accepts(s.SecretID) &&
		subtle.ConstantTimeCompare(session.HashSecret(text), s.BrowserHash) == 1
}

// TicketID returns the id of the code that a ticket, an authorization code or a device code belongs to, or
// session.ErrNotFound if text has not their form.
func TicketID(text string) (session.ID, error) {
	random, mac, ok := strings.Cut(text, ".")
	if !ok || len(mac) != base64.RawURLEncoding.EncodedLen(sha256.Size) {
		return "", session.ErrNotFound
	}
	return session.ParseID(random)
}
