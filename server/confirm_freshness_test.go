package server_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/identity"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// asked is an identity that records the maximum age that callers accept.
type asked struct {
	identity.Identity
	mu   sync.Mutex
	last time.Duration
}

func (a *asked) Identify(ctx context.Context, token string, now time.Time, maxAge time.Duration) (session.User, error) {
	a.mu.Lock()
	a.last = maxAge
	a.mu.Unlock()
	return a.Identity.Identify(ctx, token, now, maxAge)
}

func (a *asked) maxAge() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last
}

// A token that was revoked at its issuer after the scan cannot confirm: confirm accepts an answer
// of at most ten seconds ago.
func TestConfirmNeedsARecentAnswerOfTheIssuer(t *testing.T) {
	var issuer *asked
	n := alone(t, newPool(t, func(p *pool.Pool) { issuer = &asked{Identity: p.Identity}; p.Identity = issuer }))
	random := n.gene("p1").random
	n.phone("scanned", random, "alice").ok()
	if age := issuer.maxAge(); age != 0 { // for a scan, a cached answer of any age suffices
		t.Errorf("a scan asks for an answer of at most %v", age)
	}
	n.phone("confirm", random, "alice").ok()
	if age := issuer.maxAge(); age <= 0 || age > 10*time.Second {
		t.Errorf("confirm takes an answer of %v; 0 is any age", age)
	}
}
