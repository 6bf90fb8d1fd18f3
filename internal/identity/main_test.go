package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"maps"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"

	"github.com/scanlogin/scanlogin/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testSecret   = "0123456789abcdef0123456789abcdef"
	testIssuer   = "https://id.example.com"
	testAudience = "example-app"
)

// rsaKey is shared, because generating a key takes long.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func ecKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func publicPEM(t testing.TB, public any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// goodClaims returns the claims of a valid token with changes; nil removes a claim.
func goodClaims(changes jwt.MapClaims) jwt.MapClaims {
	claims := jwt.MapClaims{
		"iss": testIssuer, "aud": testAudience, "sub": "alice",
		"exp": time.Now().Add(time.Hour).Unix(),
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return claims
}

func sign(t testing.TB, method jwt.SigningMethod, key any, kid string, claims jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	if kid != "" {
		token.Header["kid"] = kid
	}
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func newJWT(t testing.TB, c JWTConfig) *JWT {
	t.Helper()
	j, err := NewJWT(c)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// accept fails the test unless id returns alice for the token.
func accept(t *testing.T, id Identity, token string, maxAge time.Duration) {
	t.Helper()
	user, err := id.Identify(t.Context(), token, time.Now(), maxAge)
	if err != nil || user.ID != "alice" {
		t.Errorf("Identify = %+v, %v; want alice", user, err)
	}
}

// reject fails the test unless id rejects the token with want, and the error's text contains
// nothing of the token.
func reject(t *testing.T, id Identity, token string, want error) {
	t.Helper()
	user, err := id.Identify(t.Context(), token, time.Now(), 0)
	if !errors.Is(err, want) || errors.Is(err, ErrRefused) && errors.Is(err, ErrUnavailable) {
		t.Fatalf("Identify = %v; want %v alone", err, want)
	}
	if !reflect.DeepEqual(user, session.User{}) {
		t.Errorf("user %+v with an error", user)
	}
	for part := range strings.SplitSeq(token, ".") {
		if len(part) > 8 && strings.Contains(err.Error(), part) {
			t.Errorf("error quotes the token: %v", err)
		}
	}
}

// eventually polls until done, for as long as the guarantee under test allows.
func eventually(t *testing.T, within time.Duration, done func() bool) {
	t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(within)
	for !done() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("not within %v", within)
		}
	}
}

// transport answers requests without a socket, for tests with synctest.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
