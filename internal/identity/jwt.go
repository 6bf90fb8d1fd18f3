package identity

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/scanlogin/scanlogin/internal/secret"
	"github.com/scanlogin/scanlogin/session"
)

const (
	// leeway is the allowed difference to the issuer's clock. Clocks under NTP differ by
	// far less, and RFC 7519 4.1.4 allows a few minutes.
	leeway = 30 * time.Second

	minSecretBytes = 32 // RFC 7518, 3.2: the size of SHA-256's output

	// verifiedTTL is how long a token is known to be valid, unless it ends before: the time of
	// one login, in which the same token arrives two or three times. To verify one takes 5 µs with
	// HS256, 28 with RS256 and 52 with ES256 (BenchmarkIdentify), to remember it 0.3.
	verifiedTTL = 60 * time.Second
)

// JWTConfig configures which tokens are accepted. Exactly one of HS256Secret, PublicKey and
// JWKSURL is set, or only Issuer: then the issuer's discovery document names the key set.
type JWTConfig struct {
	HS256Secret secret.Text // at least 32 bytes
	PublicKey   string      // PEM; its type determines the allowed signing methods
	JWKSURL     string      // address of the key set, RFC 7517

	Issuer string // required value of `iss`; empty: not checked
	// Audience is the required value in `aud`. If it is empty, `aud` is not checked, and
	// tokens that the issuer made for other applications are accepted, too.
	Audience string

	Claims    Claims
	transport http.RoundTripper // for tests; nil: a hostPolicy
}

// JWT is an [Identity] that verifies signed tokens (RFC 7519). Tokens must have an expiry
// (`exp`) and a user; times may differ by 30 s. It does not ask the issuer about single
// tokens, so a revoked token is accepted until it expires. A valid token is not verified again
// for 60 s, or maxAge; so after a key was removed, its tokens are accepted that much longer.
type JWT struct {
	options  []jwt.ParserOption
	claims   Claims
	key      keyFunc
	verified *cache
}

// keyFunc returns the key for a token. Being a function, it also keeps the secret out of a
// formatted JWT.
type keyFunc func(ctx context.Context, kid, alg string) (any, error)

// NewJWT returns the identity for c. Its errors begin with the name of the setting.
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
	return &JWT{options: slices.Clip(options), claims: c.Claims, key: key, verified: newCache()}, nil
}

// keys returns the allowed signing methods and the source of the keys.
func (c JWTConfig) keys() (methods []string, key keyFunc, err error) {
	if given := c.sources(); len(given) > 1 {
		return nil, nil, fmt.Errorf("%s: only one of these can be set", strings.Join(given, ", "))
	}
	switch {
	case c.HS256Secret != "":
		if len(c.HS256Secret) < minSecretBytes {
			return nil, nil, fmt.Errorf("hs256_secret: must have at least %d bytes (RFC 7518, 3.2)", minSecretBytes)
		}
		return []string{"HS256"}, static([]byte(c.HS256Secret)), nil
	case c.PublicKey != "":
		public, err := parsePublicKey(c.PublicKey)
		return methodsFor(public), static(public), err
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
	return asymmetricMethods(), newKeySet(c.JWKSURL, c.Issuer, c.transport).key, nil
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

func static(key any) keyFunc {
	return func(context.Context, string, string) (any, error) { return key, nil }
}

// Identify implements [Identity].
func (j *JWT) Identify(ctx context.Context, token string, now time.Time, maxAge time.Duration) (session.User, error) {
	if len(token) > maxTokenBytes {
		return session.User{}, fmt.Errorf("%w: token has more than %d bytes", ErrRefused, maxTokenBytes)
	}
	digest := sha256.Sum256([]byte(token))
	if a, ok := j.verified.Get(digest); ok && a.isFresh(maxAge) && !now.Before(a.from) && now.Before(a.until) {
		return a.user, nil
	}
	a := answer{asked: time.Now(), ttl: verifiedTTL, from: now}
	if a.user, a.until, a.err = j.verify(ctx, token, now); a.err == nil {
		j.verified.Put(digest, a)
	}
	return a.user, a.err
}

// verify returns the user of a token, and when it ends.
func (j *JWT) verify(ctx context.Context, token string, now time.Time) (session.User, time.Time, error) {
	options := append(j.options, jwt.WithTimeFunc(func() time.Time { return now })) // append copies: options is clipped
	claims, validator := jwt.MapClaims{}, jwt.NewValidator(options...)
	var keyErr error // without the parser's wrapping
	_, err := jwt.NewParser(options...).ParseWithClaims(token, claims, func(t *jwt.Token) (key any, err error) {
		key, keyErr = j.keyFor(ctx, t, validator)
		return key, keyErr
	})
	if err != nil {
		err = refusal(cmp.Or(keyErr, err))
		if errors.Is(err, jwt.ErrTokenRequiredClaimMissing) && claims["exp"] == nil {
			err = fmt.Errorf("%w: exp is missing", ErrRefused)
		}
		return session.User{}, time.Time{}, err
	}
	ends, err := claims.GetExpirationTime()
	if err != nil {
		return session.User{}, time.Time{}, refusal(err)
	}
	user, err := j.claims.user(claims)
	return user, ends.Add(leeway), err
}

// keyFor validates the claims before the signature is verified or a key is fetched. This
// only makes refusals cheap, so that a token can be tried against every pool; the parser
// validates the claims again after the signature.
func (j *JWT) keyFor(ctx context.Context, t *jwt.Token, validator *jwt.Validator) (any, error) {
	if _, ok := t.Header["crit"]; ok {
		// RFC 7515 4.1.11: unknown critical headers must be refused.
		return nil, fmt.Errorf("%w: critical header", ErrRefused)
	}
	if err := validator.Validate(t.Claims); err != nil {
		return nil, err
	}
	kid, _ := t.Header["kid"].(string)
	return j.key(ctx, kid, t.Method.Alg())
}

// refusal converts an error of the parser. It keeps only the kind of the error, because the
// full text can contain the token.
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
