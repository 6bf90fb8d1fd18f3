package login

import (
	"errors"
	"testing"

	"github.com/scanlogin/scanlogin/session"
)

// TestAStoreHoldsABoundedNumberOfRequests counts operations that do not end.
func TestAStoreHoldsABoundedNumberOfRequests(t *testing.T) {
	f := newService(t, nil)
	code := f.create()
	f.inStore.Store(maxInStore - 1)
	if _, _, err := f.Code(t.Context(), code.ID); err != nil {
		t.Errorf("the last one that is admitted: %v", err)
	}
	if n := f.inStore.Load(); n != maxInStore-1 {
		t.Errorf("%d operations are counted after it, want %d", n, maxInStore-1)
	}
	f.inStore.Store(maxInStore)
	for range 2 {
		if _, _, err := f.Code(t.Context(), code.ID); !errors.Is(err, ErrUnavailable) || !errors.Is(err, errCrowded) {
			t.Errorf("one more: %v", err)
		}
	}
	if n := f.inStore.Load(); n != maxInStore {
		t.Errorf("%d operations are counted, want %d: refused ones are over", n, maxInStore)
	}
}

// TestARefusedStepIsAboutTheCodeThatTheStoreReturned has the pool named, so that the code is not
// loaded before.
func TestARefusedStepIsAboutTheCodeThatTheStoreReturned(t *testing.T) {
	f, st := newCounted(t, nil)
	code := f.create()
	f.confirmAs("bob", code, session.Scan)
	by := f.begun(phone())
	_, err := f.Scan(t.Context(), by, PhoneRequest{Pool: PoolName{ID: "p1"}, Code: string(code.ID), Token: "good"})
	if !errors.Is(err, session.ErrOtherUser) || st.loads > 0 {
		t.Fatalf("%v, %d loads", err, st.loads)
	}
	if s := by.Subject(); s.Pool != "p1" || s.Code.ID != code.ID || s.User != "alice" {
		t.Errorf("the refusal is about %+v", s)
	}
}
