package server_test

import (
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/memstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

// aheadStore is a store whose clock is one hour ahead of this node's.
type aheadStore struct{ session.Store }

func (s aheadStore) Now() time.Time { return s.Store.Now().Add(time.Hour) }

// A node whose clock is one hour slow refuses a token that expired half an hour ago.
func TestTokensExpireByTheStoresClock(t *testing.T) {
	st := memstore.New()
	n := start(t, sessiontest.Node{Store: aheadStore{st}, Bus: st.Bus()}, nil, newPool(t, nil), secondPool(t))
	scan := func(changes jwt.MapClaims) answer {
		return n.call("POST", "/scanned", map[string]any{"random": n.gene("p1").random}, "Authorization", "Bearer "+tokenWith(t, userKey, changes))
	}
	at := func(d time.Duration) int64 { return time.Now().Add(time.Hour + d).Unix() } // by the store's clock
	scan(jwt.MapClaims{"exp": at(-30 * time.Minute)}).refused(401, 2020)
	scan(jwt.MapClaims{"exp": at(30 * time.Minute)}).ok()
	scan(jwt.MapClaims{"exp": at(30 * time.Minute), "nbf": at(30 * time.Minute)}).refused(401, 2020)
	scan(jwt.MapClaims{"exp": at(30 * time.Minute), "nbf": at(-time.Minute)}).ok()

	// Another pool refuses it, too.
	over := tokenWith(t, otherKey, jwt.MapClaims{"exp": at(-30 * time.Minute)})
	n.call("POST", "/scanned", map[string]any{"random": n.gene("p1").random}, "Authorization", "Bearer "+over).refused(401, 2020)
}

// tokenWith returns a token of alice with changed claims.
func tokenWith(t testing.TB, key string, changes jwt.MapClaims) string {
	t.Helper()
	claims := jwt.MapClaims{"sub": "alice", "exp": time.Now().Add(time.Hour).Unix()}
	for name, value := range changes {
		claims[name] = value
	}
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return text
}
