package server_test

import (
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"

	"github.com/scanlogin/scanlogin/internal/pool"
)

// TestTheTokenVerifiesWithThePublishedKey verifies it with the published key and
// independent libraries.
func TestTheTokenVerifiesWithThePublishedKey(t *testing.T) {
	a, b, _ := pair(t, signing(t), newPool(t, func(p *pool.Pool) { p.ReturnFullUserInfo = true }))
	c, ticket := a.confirmed("p1")
	seen := a.check(c)["userInfo"].(map[string]any)
	also := b.check(c)["userInfo"].(map[string]any)
	u := b.call("POST", "/userinfo", map[string]any{"ticket": ticket}, "Authorization", basic("p1", poolSecret)).ok()
	text := u["token"].(string)
	if seen["token"] != text || also["token"] != text || u["tokenExpiredAt"] == "" {
		t.Error("two copies of the token differ")
	}
	parsed, err := a.verify(text)
	if err != nil {
		t.Fatal(err)
	}
	claims := parsed.Claims.(jwt.MapClaims)
	if claims["exp"].(float64)-claims["iat"].(float64) != time.Hour.Seconds() || len(claims["jti"].(string)) != 43 || claims["amr"].([]any)[0] != "qr" {
		t.Errorf("claims: %v", claims)
	}
	if _, ticket2 := a.confirmed("p1"); ticket2 == ticket {
		t.Error("two codes have the same ticket")
	}
}

func TestWithoutASigningKeyThereIsNoToken(t *testing.T) {
	n := alone(t, newPool(t, nil))
	_, ticket := n.confirmed("p1")
	u := n.call("POST", "/userinfo", map[string]any{"ticket": ticket}, "Authorization", basic("p1", poolSecret)).ok()
	if _, ok := u["token"]; ok {
		t.Error("a token is issued without a key")
	}
	if a := n.call("GET", "/.well-known/jwks.json", nil); a.raw != "{\"keys\":[]}\n" {
		t.Errorf("key set: %s", a.raw)
	}
}

// verify verifies a token with the keys that a node publishes now.
func (n *node) verify(text string) (*jwt.Token, error) {
	n.Helper()
	return verify(n, text, n.keySet())
}

// keySet fetches the key set, as a verifier does that caches it.
func (n *node) keySet() jwkset.Storage {
	n.Helper()
	keys, err := jwkset.NewStorageFromHTTP(n.url+"/.well-known/jwks.json", jwkset.HTTPClientStorageOptions{Ctx: n.Context(), NoErrorReturnFirstHTTPReq: false})
	if err != nil {
		n.Fatal(err)
	}
	return keys
}

func verify(t testing.TB, text string, keys jwkset.Storage) (*jwt.Token, error) {
	return jwt.Parse(text, func(tok *jwt.Token) (any, error) {
		key, err := keys.KeyRead(t.Context(), tok.Header["kid"].(string))
		if err != nil {
			return nil, err
		}
		return key.Key(), nil
	}, jwt.WithValidMethods([]string{"ES256"}), jwt.WithIssuer("http://scan.example.com"), jwt.WithAudience("p1"), jwt.WithSubject("alice"), jwt.WithExpirationRequired(), jwt.WithIssuedAt())
}
