package server

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
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/labstack/echo/v4"

	"github.com/scanlogin/scanlogin/pool"
	"github.com/scanlogin/scanlogin/session"
)

// Signer issues the tokens (JWT, ES256) that sites and apps may trust without
// asking again.
type Signer struct {
	key    *ecdsa.PrivateKey
	kid    string // RFC 7638 thumbprint of the public key
	x, y   string // of the public key, as JWKs have it
	issuer string
	ttl    time.Duration
}

// NewSigner makes a signer of a P-256 key; issuer becomes `iss`, and tokens
// live for ttl from the moment the user agreed.
func NewSigner(key *ecdsa.PrivateKey, issuer string, ttl time.Duration) (*Signer, error) {
	if key.Curve != elliptic.P256() {
		return nil, fmt.Errorf("the signing key is on %s: ES256 needs P-256", key.Curve.Params().Name)
	}
	point, err := key.PublicKey.Bytes() // 4, x, y (SEC 1, 2.3.3)
	if err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	g := &Signer{key: key, issuer: issuer, ttl: ttl, x: base64url(point[1:33]), y: base64url(point[33:])}
	print := sha256.Sum256([]byte(`{"crv":"P-256","kty":"EC","x":"` + g.x + `","y":"` + g.y + `"}`))
	g.kid = base64url(print[:])
	return g, nil
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

var errNoToken = errors.New("no token: the code was not confirmed, or was made under a secret that is no more")

// Token returns the token for a confirmed code's user, and its end. Times and
// id come from the code, and the signature is deterministic (RFC 6979): each
// node and each call returns the same token.
func (g *Signer) Token(p *pool.Pool, code session.Session) (token string, expires time.Time, err error) {
	id := p.TokenID(code)
	if code.ConfirmedAt.IsZero() || id == "" {
		return "", time.Time{}, errNoToken
	}
	issued := code.ConfirmedAt.Truncate(time.Second)
	expires = issued.Add(g.ttl)
	t := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{
		"iss": g.issuer, "sub": code.User.ID, "aud": p.ID,
		"iat": issued.Unix(), "exp": expires.Unix(), "jti": id,
		"amr": []string{"qr"},
	})
	t.Header["kid"] = g.kid
	text, err := t.SigningString()
	if err != nil {
		return "", time.Time{}, fmt.Errorf("token: %w", err)
	}
	signature, err := g.sign(text)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("token: %w", err)
	}
	return text + "." + base64url(signature), expires, nil
}

// sign is ES256 (RFC 7518, 3.4) without randomness, which the library's is not.
func (g *Signer) sign(text string) ([]byte, error) {
	digest := sha256.Sum256([]byte(text))
	der, err := g.key.Sign(nil, digest[:], crypto.SHA256)
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

// jwk is the public key (RFC 7517).
type jwk struct {
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	X   string `json:"x"`
	Y   string `json:"y"`
	Kid string `json:"kid"`
	Use string `json:"use"`
	Alg string `json:"alg"`
}

// jwks answers GET /.well-known/jwks.json. It has no envelope: JOSE libraries
// read it.
func (s *Server) jwks(c echo.Context) error {
	keys := []jwk{}
	if g := s.signer; g != nil {
		keys = append(keys, jwk{Kty: "EC", Crv: "P-256", X: g.x, Y: g.y, Kid: g.kid, Use: "sig", Alg: "ES256"})
	}
	h := c.Response().Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cache-Control", "public, max-age=300")
	return c.JSON(200, map[string]any{"keys": keys})
}
