package expiry

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/memstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

// recorder keeps the kinds of events by code.
type recorder struct {
	mu    sync.Mutex
	kinds map[session.ID][]session.EventKind
}

func (r *recorder) emit(e session.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kinds == nil {
		r.kinds = make(map[session.ID][]session.EventKind)
	}
	r.kinds[e.Code.ID] = append(r.kinds[e.Code.ID], e.Kind)
}

func (r *recorder) of(id session.ID) []session.EventKind {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.kinds[id]
}

// bench is a Reporter that runs over a memory store until the test ends.
type bench struct {
	*Reporter
	*recorder
	t     *testing.T
	store *sessiontest.Faulty
}

func start(t *testing.T) bench {
	st := memstore.New()
	b := bench{recorder: new(recorder), t: t, store: sessiontest.NewFaulty(sessiontest.Node{Store: st, Bus: st.Bus()})}
	b.Reporter = New(b.store, b.recorder.emit, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return b
}

// create makes a code that is open for ttl.
func (b bench) create(ttl time.Duration) session.Session {
	b.t.Helper()
	now := b.store.Now()
	code, err := b.store.Create(b.t.Context(), session.Session{ID: session.NewID(), Pool: "p1", Salt: make([]byte, 16), GrantHash: session.HashSecret("ticket"), CreatedAt: now, ExpiresAt: now.Add(ttl)})
	if err != nil {
		b.t.Fatal(err)
	}
	b.Observe(session.Event{Kind: session.EventMade, Pool: "p1", Code: code})
	return code
}

func (b bench) step(code session.Session, c session.Change) {
	b.t.Helper()
	c.User = session.User{ID: "alice"}
	if c.Action == session.Redeem {
		c.Pool, c.Credential = code.Pool, sessiontest.CredentialOf(code)
	}
	if _, err := sessiontest.Step(b.t.Context(), b.store, code, c); err != nil {
		b.t.Fatal(err)
	}
}

// after waits until the Reporter has done what is due after d.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (b bench) reported(code session.Session, want ...session.EventKind) {
	b.t.Helper()
	if got := b.of(code.ID); !slices.Equal(got, want) {
		b.t.Errorf("reported %v, want %v", got, want)
	}
}

func TestExpiryIsReportedOnceWhenItHasCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t)
		code, scanned := b.create(10*time.Second), b.create(10*time.Second)
		b.step(scanned, session.Change{Action: session.Scan, TTL: time.Minute})
		after(9 * time.Second)
		b.reported(code)
		after(3 * time.Second)
		b.reported(code, session.EventExpired)
		b.reported(scanned)
		after(2 * time.Minute)
		b.reported(code, session.EventExpired)
		b.reported(scanned, session.EventExpired)
		if n := b.Len(); n != 0 {
			t.Errorf("%d codes are left", n)
		}
	})
}

// TestALoginThatEndsEarlyIsNotReportedAsLost although the store has forgotten it when its time is over.
func TestALoginThatEndsEarlyIsNotReportedAsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t)
		code := b.create(10 * time.Minute)
		for _, action := range []session.Action{session.Scan, session.Confirm, session.Redeem} {
			b.step(code, session.Change{Action: action, TTL: time.Minute})
			var err error
			if code, err = b.store.Load(t.Context(), code.ID); err != nil {
				t.Fatal(err)
			}
		}
		after(20 * time.Minute)
		if _, err := b.store.Load(t.Context(), code.ID); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("the store has not forgotten the code: %v", err)
		}
		b.reported(code)
	})
}

// TestACodeIsNotLostIfItMayHaveBeenForgotten while the store did not answer.
func TestACodeIsNotLostIfItMayHaveBeenForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t)
		code := b.create(10 * time.Second)
		b.step(code, session.Change{Action: session.Withdraw})
		b.store.Fail(errors.New("away"))
		after(5 * time.Minute)
		b.store.Fail(nil)
		after(time.Minute)
		b.reported(code)
		if n := b.Len(); n != 0 {
			t.Errorf("%d codes are left", n)
		}
	})
}

func TestEndsByAStepAreNotReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t)
		withdrawn, canceled := b.create(10*time.Second), b.create(10*time.Second)
		b.step(withdrawn, session.Change{Action: session.Withdraw})
		b.step(canceled, session.Change{Action: session.Scan, TTL: time.Minute})
		code, err := b.store.Load(t.Context(), canceled.ID)
		if err != nil {
			t.Fatal(err)
		}
		b.step(code, session.Change{Action: session.Cancel})
		after(2 * time.Minute)
		b.reported(withdrawn)
		b.reported(canceled)
		if n := b.Len(); n != 0 {
			t.Errorf("%d codes are left", n)
		}
	})
}

func TestReportsWaitForTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t)
		codes := []session.Session{b.create(10 * time.Second), b.create(10 * time.Second), b.create(11 * time.Second)}
		b.store.Fail(errors.New("away"))
		after(30 * time.Second)
		if n := b.Len(); n != len(codes) {
			t.Errorf("%d codes are left", n)
		}
		b.store.Fail(nil)
		after(2 * time.Second)
		for _, code := range codes {
			b.reported(code, session.EventExpired)
		}
	})
}

func TestCodesThatTheStoreHasLostAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t)
		code, open := b.create(10*time.Second), b.create(10*time.Minute) // longer than codes are kept after their end
		after(5 * time.Second)
		b.store.Fail(session.ErrNotFound)
		after(7 * time.Second)
		b.reported(code, session.EventLost)
		after(20 * time.Minute)
		b.reported(open, session.EventLost)
	})
}

func TestTheNumberOfCodesIsBounded(t *testing.T) {
	r := New(memstore.New(), nil, slog.New(slog.DiscardHandler))
	for range maxCodes + 10 {
		r.Observe(session.Event{Kind: session.EventMade, Pool: "p1", Code: session.Session{ExpiresAt: time.Now()}})
	}
	if n := r.Len(); n != maxCodes {
		t.Errorf("%d codes", n)
	}
}
