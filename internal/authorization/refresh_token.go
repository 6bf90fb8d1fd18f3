package authorization

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// refreshToken is the text <sid>.<secret>.<tag>. The sid finds the record without a search. The
// secret has 256 bits: random in the first token of a login, derived in its successors. The
// tag proves that this package made the token, so that nobody who knows a sid, which is not
// secret, can revoke a login with an invented token.
type refreshToken struct{ sid, secret, tag string }

const (
	secretLength = 43 // base64url of 32 bytes
	tagBytes     = 16
)

// Labels of what is derived with the salt of a login.
const (
	labelSuccessor = "scanlogin v1 refresh token"
	labelTag       = "scanlogin v1 refresh token tag"
	labelAccessID  = "scanlogin v1 access token id"
)

// derive returns an HMAC-SHA256 with the salt of a login. It needs the storage, which has the
// salt, and a token, of which the storage has only the hash.
func derive(salt, label string, parts ...string) []byte {
	h := hmac.New(sha256.New, []byte(salt))
	for _, part := range append([]string{label}, parts...) {
		_, _ = h.Write(append([]byte(part), 0)) // never fails
	}
	return h.Sum(nil)
}

func newRefreshToken(salt, sid, secret string) refreshToken {
	tag := derive(salt, labelTag, sid, secret)[:tagBytes]
	return refreshToken{sid, secret, base64.RawURLEncoding.EncodeToString(tag)}
}

// parseRefreshToken reads the form of a refresh token, and nothing else.
func parseRefreshToken(text string) (refreshToken, error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 || len(parts[0]) != idLength || len(parts[1]) != secretLength ||
		len(parts[2]) != base64.RawURLEncoding.EncodedLen(tagBytes) || strings.Trim(parts[0], "0123456789abcdef") != "" {
		return refreshToken{}, ErrInvalid
	}
	return refreshToken{parts[0], parts[1], parts[2]}, nil
}

func (t refreshToken) text() string { return t.sid + "." + t.secret + "." + t.tag }

// isFrom reports, in constant time, whether the token was made with a salt.
func (t refreshToken) isFrom(salt string) bool {
	return salt != "" && hmac.Equal([]byte(newRefreshToken(salt, t.sid, t.secret).tag), []byte(t.tag))
}

// successor returns the token that replaces t, always the same one.
func (t refreshToken) successor(salt string) refreshToken {
	next := derive(salt, labelSuccessor, t.text())
	return newRefreshToken(salt, t.sid, base64.RawURLEncoding.EncodeToString(next))
}

// accessID returns the `jti` of the access token that is issued with t for a scope.
func (t refreshToken) accessID(salt string, scope Scope) string {
	return hex.EncodeToString(derive(salt, labelAccessID, t.text(), string(scope)))[:idLength]
}

// hash returns the hash of a token under which the storage knows it.
func hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// isHash compares hashes in constant time.
func isHash(shown, stored string) bool {
	return subtle.ConstantTimeCompare([]byte(shown), []byte(stored)) == 1
}

// idLength is the length of a sid and of a jti: 128 bits in hexadecimal digits.
const idLength = 32

// newID returns a random jti.
func newID() string {
	var b [idLength / 2]byte
	rand.Read(b[:]) // never fails (crypto/rand, Go 1.24)
	return hex.EncodeToString(b[:])
}
