package identity

import (
	"crypto/elliptic"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// FuzzIdentify shows that no text is accepted as a token. The seeds are valid tokens of
// untrusted keys.
func FuzzIdentify(f *testing.F) {
	trusted, stranger := ecKey(f, elliptic.P256()), ecKey(f, elliptic.P256())
	i := &issuer{}
	i.publish(f, published(f, trusted.Public(), named("k")))
	refusing := transport(func(*http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		w.WriteHeader(http.StatusUnauthorized)
		return w.Result(), nil
	})
	ids := []Identity{
		newJWT(f, JWTConfig{HS256Secret: testSecret}),
		newJWT(f, JWTConfig{PublicKey: publicPEM(f, trusted.Public())}),
		newJWT(f, JWTConfig{JWKSURL: testIssuer + "/jwks.json", transport: i}),
		newUserinfo(f, UserinfoConfig{URL: testIssuer, transport: refusing}),
	}
	f.Add("")
	f.Add("..")
	f.Add(sign(f, jwt.SigningMethodES256, stranger, "k", goodClaims(nil)))
	f.Add(sign(f, jwt.SigningMethodHS256, []byte(testSecret+"x"), "", goodClaims(nil)))
	f.Add(sign(f, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "k", goodClaims(nil)))
	f.Fuzz(func(t *testing.T, token string) {
		for _, id := range ids {
			user, err := id.Identify(t.Context(), token, time.Now(), 0)
			if !errors.Is(err, ErrRefused) || user.ID != "" {
				t.Fatalf("%T: Identify = %+v, %v", id, user, err)
			}
		}
	})
}

// FuzzKeySet shows that every key set gives usable keys or an error.
func FuzzKeySet(f *testing.F) {
	i := &issuer{}
	i.publish(f, published(f, rsaKey().Public(), named("r")), published(f, ecKey(f, elliptic.P521()).Public(), named("e")))
	f.Add(*i.body.Load())
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AQ","e":"AQAB"},{"kty":"oct","k":"AA"},null,1]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		keys, err := parseKeys(body)
		if (err == nil) != (len(keys) > 0) {
			t.Fatalf("%d keys, %v", len(keys), err)
		}
		for _, k := range keys {
			if len(k.methods) == 0 {
				t.Fatalf("a key without methods: %+v", k)
			}
		}
	})
}
