// Package token issues the tokens that sites and apps may trust without asking scanlogin
// again (JWT, ES256), verifies those that come back, and publishes the keys.
//
// It guarantees that every node and every call returns the same token for the same contents,
// that the key id of a token is that of the key which signed it, that a token is accepted
// only for the purpose that it was issued for, and that keys can be replaced meanwhile.
package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// Signer issues tokens. Its keys may be replaced while it is used. Create it with NewSigner.
type Signer struct {
	issuer string
	ttl    time.Duration
	keys   atomic.Pointer[signingKeys]
}

// signingKeys are replaced as one, so that a token's `kid` is always that of
// the key which signed it.
type signingKeys struct {
	private   *ecdsa.PrivateKey           // nil: no token is issued
	kid       string                      // its thumbprint
	published []JWK                       // its public key and the others'
	public    map[string]*ecdsa.PublicKey // by their thumbprints
}

// NewSigner returns a signer. The issuer becomes `iss`; a token is valid for ttl from the
// moment the user confirmed. The keys are those of Replace.
func NewSigner(key *ecdsa.PrivateKey, issuer string, ttl time.Duration, others ...*ecdsa.PublicKey) (*Signer, error) {
	g := &Signer{issuer: issuer, ttl: ttl}
	if err := g.Replace(key, others...); err != nil {
		return nil, err
	}
	return g, nil
}

// Replace replaces the signing key; with nil, no tokens are issued. The others are
// published with it: future signing keys, because verifiers cache the key set for some
// minutes, and previous ones until their last token has expired. All must be on P-256; an
// error replaces nothing.
func (g *Signer) Replace(key *ecdsa.PrivateKey, others ...*ecdsa.PublicKey) error {
	next := &signingKeys{private: key, public: make(map[string]*ecdsa.PublicKey)}
	if key != nil {
		others = append([]*ecdsa.PublicKey{&key.PublicKey}, others...)
	}
	for _, public := range others {
		k, err := newJWK(public)
		if err != nil {
			return err
		}
		next.published = append(next.published, k)
		next.public[k.Kid] = public
	}
	if key != nil {
		next.kid = next.published[0].Kid
	}
	g.keys.Store(next)
	return nil
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// ErrNone is returned by Token if there is no token for a code.
var ErrNone = errors.New("no token: there is no key, or the code was not confirmed, or its secret was removed")

// Token returns the token for a confirmed code's user, and when it expires. Times and id
// come from the code, and the signature is deterministic (RFC 6979), so each node and each
// call returns the same token. A nil Signer has no tokens.
func (g *Signer) Token(p *pool.Pool, code session.Session) (token string, expires time.Time, err error) {
	if g == nil {
		return "", time.Time{}, ErrNone
	}
	id := p.TokenID(code)
	if code.ConfirmedAt.IsZero() || id == "" {
		return "", time.Time{}, ErrNone
	}
	issued := code.ConfirmedAt.Truncate(time.Second)
	expires = issued.Add(g.ttl)
	token, err = g.sign("JWT", jwt.MapClaims{
		"iss": g.issuer, "sub": code.User.ID, "aud": p.ID,
		"iat": issued.Unix(), "exp": expires.Unix(), "jti": id,
		"amr": []string{"qr"},
	})
	if err != nil {
		return "", time.Time{}, err
	}
	return token, expires, nil
}

// sign returns the token with a header `typ` and claims; ErrNone if there is no key.
func (g *Signer) sign(typ string, claims jwt.MapClaims) (string, error) {
	if g == nil {
		return "", ErrNone
	}
	keys := g.keys.Load()
	if keys.private == nil {
		return "", ErrNone
	}
	t := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	t.Header["typ"], t.Header["kid"] = typ, keys.kid
	text, err := t.SigningString()
	if err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	signature, err := keys.sign(text)
	if err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	return text + "." + base64url(signature), nil
}

// sign is ES256 (RFC 7518, 3.4) without randomness, unlike that of the library.
func (k *signingKeys) sign(text string) ([]byte, error) {
	digest := sha256.Sum256([]byte(text))
	der, err := k.private.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	var rs struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &rs); err != nil {
		return nil, err
	}
	out := make([]byte, 64)
	rs.R.FillBytes(out[:32])
	rs.S.FillBytes(out[32:])
	return out, nil
}

// Keys returns the published keys; none of a nil Signer. The caller must not modify them.
func (g *Signer) Keys() []JWK {
	if g == nil {
		return nil
	}
	return g.keys.Load().published
}

// JWK is a public key (RFC 7517).
type JWK struct {
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	X   string `json:"x"`
	Y   string `json:"y"`
	Kid string `json:"kid"`
	Use string `json:"use"`
	Alg string `json:"alg"`
}

// newJWK describes a key, named by its thumbprint (RFC 7638), so that all nodes
// have the same name for it.
func newJWK(key *ecdsa.PublicKey) (JWK, error) {
	if key.Curve != elliptic.P256() {
		return JWK{}, fmt.Errorf("the signing key is on %s: ES256 needs P-256", key.Curve.Params().Name)
	}
	point, err := key.Bytes() // 4, x, y (SEC 1, 2.3.3)
	if err != nil {
		return JWK{}, fmt.Errorf("signing key: %w", err)
	}
	k := JWK{Kty: "EC", Crv: "P-256", X: base64url(point[1:33]), Y: base64url(point[33:]), Use: "sig", Alg: "ES256"}
	print := sha256.Sum256([]byte(`{"crv":"P-256","kty":"EC","x":"` + k.X + `","y":"` + k.Y + `"}`))
	k.Kid = base64url(print[:])
	return k, nil
}
