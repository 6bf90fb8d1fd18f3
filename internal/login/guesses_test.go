package login

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scanlogin/scanlogin/internal/ratelimit"
)

// countedCalls is the storage of counts with the number of its calls.
type countedCalls struct {
	*ratelimit.Memory
	calls atomic.Int64
}

func (c *countedCalls) Do(ctx context.Context, ops ...ratelimit.Op) ([]ratelimit.Result, error) {
	c.calls.Add(1)
	return c.Memory.Do(ctx, ops...)
}

// TestARightSecretIsRemembered on this node for half as long as on the others, so that they are
// told again in time.
func TestARightSecretIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newService(t, nil)
		has := func(by *Caller, here, anywhere bool) {
			t.Helper()
			if f.hasProvenHere(f.provenKey(by)) != here || f.hasProven(t.Context(), by) != anywhere {
				t.Errorf("%s is remembered here: %v, on any node: %v", by.IP, !here, !anywhere)
			}
		}
		has(site(), false, false)
		if !f.authenticate(t.Context(), site()) {
			t.Fatal("the right secret is refused")
		}
		f.Flush(t.Context())
		has(site(), true, true)
		neighbor := site()
		neighbor.IP = "203.0.113.2"
		has(neighbor, false, false)
		time.Sleep(provenTime * 3 / 4)
		has(site(), false, true)
		time.Sleep(provenTime / 2)
		has(site(), false, false)
	})
}

// TestSecretsAreCheckedWithoutTheStorage as long as no neighbor guesses.
func TestSecretsAreCheckedWithoutTheStorage(t *testing.T) {
	counts := &countedCalls{Memory: ratelimit.NewMemory()}
	f := newService(t, func(o *Options) { o.Counts = counts })
	if err := f.checkWrongSecrets(t.Context(), site()); err != nil || counts.calls.Load() > 0 {
		t.Errorf("%v, after %d calls", err, counts.calls.Load())
	}
}
