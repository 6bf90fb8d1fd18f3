package identity

import (
	"context"
	"crypto/elliptic"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/scanlogin/scanlogin/internal/secret"
)

// TestVerifiedTokenIsRemembered counts how often the key is asked for: once for each verification.
func TestVerifiedTokenIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id := newJWT(t, JWTConfig{HS256Secret: secret.Text(testSecret)})
		asked := 0
		removed := false
		id.key = func(context.Context, string, string) (any, error) {
			if asked++; removed {
				return nil, ErrRefused
			}
			return []byte(testSecret), nil
		}
		verified := func(want int, when string) {
			t.Helper()
			if asked != want {
				t.Errorf("%s: verified %d times, want %d", when, asked, want)
			}
		}
		token := sign(t, jwt.SigningMethodHS256, []byte(testSecret), "", goodClaims(nil))
		accept(t, id, token, 0)
		time.Sleep(9 * time.Second)
		accept(t, id, token, 10*time.Second)
		verified(1, "after 9 s")
		time.Sleep(2 * time.Second)
		accept(t, id, token, 10*time.Second)
		verified(2, "after more than maxAge")
		time.Sleep(59 * time.Second)
		accept(t, id, token, 0)
		verified(2, "within 60 s")

		nobody := sign(t, jwt.SigningMethodHS256, []byte(testSecret), "", goodClaims(jwt.MapClaims{"sub": nil}))
		reject(t, id, nobody, ErrRefused)
		reject(t, id, nobody, ErrRefused)
		verified(4, "a token without a user")

		removed = true
		time.Sleep(2 * time.Second)
		reject(t, id, token, ErrRefused)
		reject(t, id, token, ErrRefused)
		verified(6, "after the key was removed: refusals are not remembered")
	})
}

// TestRememberedTokenEnds asks at other times by the store's clock: before the token was verified, it may
// not have been valid yet.
func TestRememberedTokenEnds(t *testing.T) {
	id := newJWT(t, JWTConfig{HS256Secret: secret.Text(testSecret)})
	now := time.Now().Truncate(time.Second)
	token := sign(t, jwt.SigningMethodHS256, []byte(testSecret), "", goodClaims(jwt.MapClaims{"exp": now.Add(time.Minute).Unix(), "nbf": now.Unix()}))
	for _, at := range []struct {
		offset time.Duration
		want   error
	}{
		{0, nil}, {time.Minute + leeway - time.Millisecond, nil}, {time.Minute + leeway, ErrExpired}, {-leeway, nil}, {-leeway - time.Second, ErrRefused},
	} {
		if _, err := id.Identify(t.Context(), token, now.Add(at.offset), 0); !errors.Is(err, at.want) {
			t.Errorf("at %v: %v, want %v", at.offset, err, at.want)
		}
	}
}

func BenchmarkIdentify(b *testing.B) {
	p256 := ecKey(b, elliptic.P256())
	for name, c := range map[string]struct {
		config JWTConfig
		method jwt.SigningMethod
		key    any
	}{
		"HS256": {JWTConfig{HS256Secret: secret.Text(testSecret)}, jwt.SigningMethodHS256, []byte(testSecret)},
		"RS256": {JWTConfig{PublicKey: publicPEM(b, rsaKey().Public())}, jwt.SigningMethodRS256, rsaKey()},
		"ES256": {JWTConfig{PublicKey: publicPEM(b, p256.Public())}, jwt.SigningMethodES256, p256},
	} {
		id := newJWT(b, c.config)
		token := sign(b, c.method, c.key, "", goodClaims(nil))
		for kind, maxAge := range map[string]time.Duration{"verified": time.Nanosecond, "remembered": 0} {
			b.Run(name+"/"+kind, func(b *testing.B) {
				for b.Loop() {
					if _, err := id.Identify(b.Context(), token, time.Now(), maxAge); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
