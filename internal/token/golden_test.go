package token_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"math/big"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/token"
	"github.com/scanlogin/scanlogin/session"
)

const publicURL = "https://scan.example.com"

// keyOf returns a key that never changes.
func keyOf(t testing.TB, seed int64) *ecdsa.PrivateKey {
	t.Helper()
	d := new(big.Int).Exp(big.NewInt(seed+3), big.NewInt(100), nil)
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), d.FillBytes(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newSigner(t testing.TB, key *ecdsa.PrivateKey, others ...*ecdsa.PublicKey) *token.Signer {
	t.Helper()
	g, err := token.NewSigner(key, publicURL, time.Hour, others...)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestTheTokenOfALoginNeverChanges compares the whole text: nodes of two releases must issue
// the same token for a code.
func TestTheTokenOfALoginNeverChanges(t *testing.T) {
	p := &pool.Pool{ID: "p1", Secret: pool.NewSecret("a secret that never changes, for known answers")}
	code := session.Session{
		ID: "0123456789abcdefghijABCDEFGHIJ", Pool: "p1", SecretID: p.Secret.ID(), Salt: []byte("0123456789abcdef"),
		User: session.User{ID: "alice"}, ConfirmedAt: time.Unix(1700000000, 123456789),
	}
	got, expires, err := newSigner(t, keyOf(t, 0)).Token(p, code)
	if err != nil || !expires.Equal(time.Unix(1700003600, 0)) {
		t.Errorf("expires %v, %v", expires, err)
	}
	if got != golden {
		t.Errorf("the token is\n%s", got)
	}
}

const golden = "" +
	"eyJhbGciOiJFUzI1NiIsImtpZCI6Ik4tN095OVZJd2o0ZHo2WU1zc3V0bWlXb3BScDEwUklLVGlBb0NGN0tBNzgiLCJ0eXAiOiJKV1QifQ.eyJ" +
	"hbXIiOlsicXIiXSwiYXVkIjoicDEiLCJleHAiOjE3MDAwMDM2MDAsImlhdCI6MTcwMDAwMDAwMCwiaXNzIjoiaHR0cHM6Ly9zY2FuLmV4YW1wb" +
	"GUuY29tIiwianRpIjoiOEpLYkwyc180eEs5cGd1V3BXcWpOOVFNdGZEaW9wRmZuZFJKQ19JQVZrcyIsInN1YiI6ImFsaWNlIn0.G6-x3rhMa_P" +
	"KtMfgXFTbCJl6Zs4otVKvrMQZsc-EM8Dtf0XqV4-1P5UYeCDlFAQhP_aOos3a6X62FzmnK2HhNQ"
