package identity

import (
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// TestAcceptedByAnySendsTheTokenNowhere has a userinfo identity that would accept the token.
func TestAcceptedByAnySendsTheTokenNowhere(t *testing.T) {
	var calls atomic.Int64
	site := newUserinfo(t, UserinfoConfig{URL: testIssuer, transport: transport(func(r *http.Request) (*http.Response, error) {
		calls.Add(1)
		return bearer(100)(r)
	})})
	local := newJWT(t, JWTConfig{HS256Secret: testSecret})
	token := sign(t, jwt.SigningMethodHS256, []byte(testSecret), "", goodClaims(nil))
	if AcceptedByAny(t.Context(), token, time.Now(), []Identity{site}) || calls.Load() > 0 {
		t.Errorf("the site received the token %d times", calls.Load())
	}
	if !AcceptedByAny(t.Context(), token, time.Now(), []Identity{site, local}) {
		t.Error("the identity of another pool does not accept its token")
	}
	if AcceptedByAny(t.Context(), token+"x", time.Now(), []Identity{local}) {
		t.Error("an invalid token is accepted")
	}
}

func TestAcceptedByAnyTakesAtMost300Milliseconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hanging := transport(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		var others []Identity
		for range 3 {
			others = append(others, newJWT(t, JWTConfig{JWKSURL: testIssuer, transport: hanging}))
		}
		began := time.Now()
		token := sign(t, jwt.SigningMethodRS256, rsaKey(), "k", goodClaims(nil))
		if AcceptedByAny(t.Context(), token, time.Now(), others) || time.Since(began) != 300*time.Millisecond {
			t.Errorf("took %v", time.Since(began))
		}
		time.Sleep(callTimeout) // the fetches end
	})
}
