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

// asked is an identity that notes how old an answer might have been.
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

// A token that was withdrawn at its issuer after the scan agrees to nothing: the answer
// that counts at confirm is at most ten seconds old.
func TestConfirmNeedsARecentAnswerOfTheIssuer(t *testing.T) {
	var issuer *asked
	n := alone(t, newPool(t, func(p *pool.Pool) { issuer = &asked{Identity: p.Identity}; p.Identity = issuer }))
	random := n.gene("p1").random
	n.phone("scanned", random, "alice").ok()
	if age := issuer.maxAge(); age != 0 { // what the identity keeps is good enough to show who asks
		t.Errorf("a scan asks for an answer of at most %v", age)
	}
	n.phone("confirm", random, "alice").ok()
	if age := issuer.maxAge(); age <= 0 || age > 10*time.Second {
		t.Errorf("confirm takes an answer of %v; 0 is any age", age)
	}
}
