package token

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// ErrInvalid is returned for a token that this server did not issue for the purpose, or that has
// expired.
var ErrInvalid = errors.New("the token is not one that was issued here for this purpose, or it has expired")

// Values of the header `typ`: RFC 9068 2.1 gives access tokens their own, so that an ID token
// is not accepted in the place of one.
const (
	typID     = "JWT"
	typAccess = "at+jwt"
)

// maxTokenBytes limits what is parsed: an access token has less than 2 KiB.
const maxTokenBytes = 8 << 10

// IDToken is what an ID token says (OIDC Core 2).
type IDToken struct {
	Issuer, Subject, Client string
	Issued, Expires         time.Time
	AuthTime                time.Time
	Nonce, ACR              string   // may be empty
	AMR                     []string // may be empty
	SID                     string
	AccessToken             string // issued with it, for `at_hash`
}

// AccessToken is what an access token says (RFC 9068). Its audience is the issuer: UserInfo,
// and whoever else asks the issuer about it. A client's own id would make it look like an ID
// token to libraries that do not compare `typ`.
type AccessToken struct {
	Issuer, Subject, Client string
	Scope                   string // separated by spaces
	ID, SID                 string
	Issued, Expires         time.Time
	AuthTime                time.Time // may be zero; not returned by ReadAccess, like ACR
	ACR                     string    // may be empty
}

// SignID returns the ID token. The same contents give the same text on every node; ErrNone if
// there is no key.
func (g *Signer) SignID(t IDToken) (string, error) {
	claims := jwt.MapClaims{
		"iss": t.Issuer, "sub": t.Subject, "aud": t.Client, "sid": t.SID,
		"iat": t.Issued.Unix(), "exp": t.Expires.Unix(), "auth_time": t.AuthTime.Unix(),
		"at_hash": accessHash(t.AccessToken),
	}
	setText(claims, "nonce", t.Nonce)
	setText(claims, "acr", t.ACR)
	if len(t.AMR) > 0 {
		claims["amr"] = t.AMR
	}
	return g.sign(typID, claims)
}

// SignAccess returns the access token, as SignID does.
func (g *Signer) SignAccess(t AccessToken) (string, error) {
	claims := jwt.MapClaims{
		"iss": t.Issuer, "sub": t.Subject, "aud": t.Issuer, "client_id": t.Client, "scope": t.Scope,
		"jti": t.ID, "sid": t.SID, "iat": t.Issued.Unix(), "exp": t.Expires.Unix(),
	}
	if !t.AuthTime.IsZero() {
		claims["auth_time"] = t.AuthTime.Unix() // RFC 9068, 2.2.1
	}
	setText(claims, "acr", t.ACR)
	return g.sign(typAccess, claims)
}

// accessHash returns `at_hash` (OIDC Core 3.1.3.6): half of the SHA-256 of an access token.
func accessHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64url(sum[:sha256.Size/2])
}

func setText(claims jwt.MapClaims, name, value string) {
	if value != "" {
		claims[name] = value
	}
}

// ReadAccess verifies an access token of an issuer: signed with a published key, for the
// issuer itself, and not expired at now. The error is ErrInvalid. Whether it was revoked is
// not known here.
func (g *Signer) ReadAccess(text, issuer string, now time.Time) (AccessToken, error) {
	claims, err := g.read(text, typAccess,
		jwt.WithIssuer(issuer), jwt.WithAudience(issuer), jwt.WithExpirationRequired(), jwt.WithTimeFunc(func() time.Time { return now }))
	if err != nil {
		return AccessToken{}, err
	}
	t := AccessToken{
		Issuer: issuer, Subject: textOf(claims, "sub"), Client: textOf(claims, "client_id"), Scope: textOf(claims, "scope"),
		ID: textOf(claims, "jti"), SID: textOf(claims, "sid"), Issued: timeOf(claims, "iat"), Expires: timeOf(claims, "exp"),
	}
	if t.Subject == "" || t.Client == "" || t.ID == "" || t.SID == "" {
		return AccessToken{}, ErrInvalid
	}
	return t, nil
}

// ReadID verifies an ID token of an issuer that is shown as a hint; it may have expired
// (OIDC RP-Initiated Logout 1.0, 2). Only Issuer, Subject, Client and SID are set. The
// error is ErrInvalid.
func (g *Signer) ReadID(text, issuer string) (IDToken, error) {
	claims, err := g.read(text, typID, jwt.WithoutClaimsValidation())
	if err != nil {
		return IDToken{}, err
	}
	t := IDToken{Issuer: textOf(claims, "iss"), Subject: textOf(claims, "sub"), Client: textOf(claims, "aud"), SID: textOf(claims, "sid")}
	if t.Issuer != issuer || t.Subject == "" || t.Client == "" || t.SID == "" {
		return IDToken{}, ErrInvalid
	}
	return t, nil
}

// ClaimedIssuer returns the issuer that a token names, or "". It verifies nothing: use it to choose
// the issuer whose tokens are accepted.
func ClaimedIssuer(text string) string {
	claims := jwt.MapClaims{}
	if len(text) > maxTokenBytes {
		return ""
	}
	if _, _, err := jwt.NewParser().ParseUnverified(text, claims); err != nil {
		return ""
	}
	return textOf(claims, "iss")
}

// read verifies signature and type of a token, and what options say.
func (g *Signer) read(text, typ string, options ...jwt.ParserOption) (jwt.MapClaims, error) {
	if g == nil || len(text) > maxTokenBytes {
		return nil, ErrInvalid
	}
	keys, claims := g.keys.Load(), jwt.MapClaims{}
	options = append(options, jwt.WithValidMethods([]string{jwt.SigningMethodES256.Alg()}), jwt.WithStrictDecoding())
	_, err := jwt.NewParser(options...).ParseWithClaims(text, claims, func(t *jwt.Token) (any, error) {
		if _, critical := t.Header["crit"]; critical || t.Header["typ"] != typ { // RFC 7515 4.1.11
			return nil, ErrInvalid
		}
		kid, _ := t.Header["kid"].(string)
		return keys.named(kid)
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, kindOf(err))
	}
	return claims, nil
}

// named returns the published key with a name.
func (k *signingKeys) named(kid string) (*ecdsa.PublicKey, error) {
	if key := k.public[kid]; key != nil {
		return key, nil
	}
	return nil, ErrInvalid
}

// kindOf returns the kind of an error of the parser, whose text can contain the token.
func kindOf(err error) error {
	for _, kind := range []error{
		jwt.ErrTokenMalformed, jwt.ErrTokenInvalidIssuer, jwt.ErrTokenInvalidAudience, jwt.ErrTokenExpired,
		jwt.ErrTokenRequiredClaimMissing, jwt.ErrTokenSignatureInvalid,
	} {
		if errors.Is(err, kind) {
			return kind
		}
	}
	return jwt.ErrTokenUnverifiable
}

func textOf(claims jwt.MapClaims, name string) string {
	text, _ := claims[name].(string)
	return text
}

func timeOf(claims jwt.MapClaims, name string) time.Time {
	seconds, _ := claims[name].(float64)
	return time.Unix(int64(seconds), 0)
}
