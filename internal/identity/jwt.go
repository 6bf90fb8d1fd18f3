package identity

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/scanlogin/scanlogin/session"
)

const (
	// leeway is how far the issuer's clock may be from ours: clocks under
	// NTP differ by far less, and RFC 7519 4.1.4 allows a few minutes.
	leeway = 30 * time.Second

	minSecretBytes = 32 // RFC 7518, 3.2: the size of SHA-256's output
)

// JWTConfig says whose tokens are good. Exactly one of HS256Secret, PublicKey
// and JWKSURL is set, or none of them and Issuer: then the issuer is asked for
// its keys' address.
type JWTConfig struct {
	HS256Secret Secret // at least 32 bytes
	PublicKey   string // PEM; its kind decides which methods are allowed
	JWKSURL     string // key set, RFC 7517

	Issuer string // `iss` must equal it; empty: not looked at
	// Audience must be in `aud`. Empty: not looked at, and then a token that
	// the issuer made for any other application logs in here, too.
	Audience string

	Claims    Claims
	Transport http.RoundTripper // for fetching keys; nil: our own, without proxy
}

// JWT is an [Identity] that verifies signed tokens (RFC 7519). They must have
// an end of life (`exp`) and a user; times may be off by 30 s. It asks nobody
// about a single token, so that a token which the issuer took back is good
// until its end, and maxAge has no meaning.
type JWT struct {
	options []jwt.ParserOption
	claims  Claims
	key     keyFunc
}

// keyFunc returns the key for a token. It is a function rather than a field of
// JWT also so that no formatting of a JWT shows a secret.
type keyFunc func(ctx context.Context, kid, alg string) (any, error)

// NewJWT returns the identity for c; its errors begin with the field in
// question, as the configuration names it.
func NewJWT(c JWTConfig) (*JWT, error) {
	methods, key, err := c.keys()
	if err != nil {
		return nil, err
	}
	options := []jwt.ParserOption{
		jwt.WithValidMethods(methods),
		jwt.WithExpirationRequired(),
		jwt.WithLeeway(leeway),
		jwt.WithJSONNumber(),
		jwt.WithIssuer(c.Issuer), // empty: not checked
	}
	if c.Audience != "" {
		options = append(options, jwt.WithAudience(c.Audience))
	}
	return &JWT{options: slices.Clip(options), claims: c.Claims, key: key}, nil
}

// keys returns the methods that a token may be signed with, and where its key
// comes from.
func (c JWTConfig) keys() (methods []string, key keyFunc, err error) {
	if given := c.sources(); len(given) > 1 {
		return nil, nil, fmt.Errorf("%s: only one of them can be set", strings.Join(given, ", "))
	}
	switch {
	case c.HS256Secret != "":
		if len(c.HS256Secret) < minSecretBytes {
			return nil, nil, fmt.Errorf("hs256_secret: must have at least %d bytes (RFC 7518, 3.2)", minSecretBytes)
		}
		return []string{"HS256"}, fixed([]byte(c.HS256Secret)), nil
	case c.PublicKey != "":
		public, err := parsePublicKey(c.PublicKey)
		return methodsFor(public), fixed(public), err
	case c.JWKSURL != "":
		err = checkURL("jwks_url", c.JWKSURL)
	case c.Issuer != "":
		err = checkURL("issuer", c.Issuer)
	default:
		err = errors.New("jwt: hs256_secret, public_key, jwks_url or issuer must be set")
	}
	if err != nil {
		return nil, nil, err
	}
	return asymmetricMethods(), newKeySet(c.JWKSURL, c.Issuer, c.Transport).key, nil
}

func (c JWTConfig) sources() []string {
	var given []string
	if c.HS256Secret != "" {
		given = append(given, "hs256_secret")
	}
	if c.PublicKey != "" {
		given = append(given, "public_key")
	}
	if c.JWKSURL != "" {
		given = append(given, "jwks_url")
	}
	return given
}

func fixed(key any) keyFunc {
	return func(context.Context, string, string) (any, error) { return key, nil }
}

// Identify implements [Identity].
func (j *JWT) Identify(ctx context.Context, token string, now time.Time, _ time.Duration) (session.User, error) {
	if len(token) > maxTokenBytes {
		return session.User{}, fmt.Errorf("%w: token has more than %d bytes", ErrRefused, maxTokenBytes)
	}
	options := append(j.options, jwt.WithTimeFunc(func() time.Time { return now })) // a copy: it has no room
	claims, validator := jwt.MapClaims{}, jwt.NewValidator(options...)
	var keyErr error // the parser would wrap it in words of its own
	_, err := jwt.NewParser(options...).ParseWithClaims(token, claims, func(t *jwt.Token) (key any, err error) {
		key, keyErr = j.keyFor(ctx, t, validator)
		return key, keyErr
	})
	if err != nil {
		return session.User{}, refusal(cmp.Or(keyErr, err))
	}
	return j.claims.user(claims)
}

// keyFor looks at the claims before anything is verified or fetched. That only
// makes refusing cheap, so that a token may be shown to every pool; the parser
// looks at them again once the signature is good.
func (j *JWT) keyFor(ctx context.Context, t *jwt.Token, validator *jwt.Validator) (any, error) {
	if _, ok := t.Header["crit"]; ok {
		// RFC 7515 4.1.11: what we do not understand, we must refuse.
		return nil, fmt.Errorf("%w: critical header", ErrRefused)
	}
	if err := validator.Validate(t.Claims); err != nil {
		return nil, err
	}
	kid, _ := t.Header["kid"].(string)
	return j.key(ctx, kid, t.Method.Alg())
}

// refusal makes a parser's error one of ours. Of the parser's own it keeps the
// kind alone: the full text can quote the token.
func refusal(err error) error {
	if errors.Is(err, ErrRefused) || errors.Is(err, ErrUnavailable) {
		return err
	}
	for _, kind := range []error{
		jwt.ErrTokenMalformed,
		jwt.ErrTokenInvalidIssuer,
		jwt.ErrTokenInvalidAudience,
		jwt.ErrTokenExpired,
		jwt.ErrTokenNotValidYet,
		jwt.ErrTokenRequiredClaimMissing,
		jwt.ErrInvalidType,
		jwt.ErrTokenSignatureInvalid,
	} {
		if errors.Is(err, kind) {
			return fmt.Errorf("%w: %w", ErrRefused, kind)
		}
	}
	return fmt.Errorf("%w: %w", ErrRefused, jwt.ErrTokenUnverifiable)
}
