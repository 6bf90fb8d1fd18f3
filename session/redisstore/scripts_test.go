package redisstore_test

import (
	"errors"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/redisstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

// TestEachScriptReturnsTheClock has stores learn Redis's clock, which is also this process's,
// from one answer of each script: several times, because a slow answer proves little.
func TestEachScriptReturnsTheClock(t *testing.T) {
	server := redistest.Start(t)
	made := create(t, open(t, server.URL()))
	for name, call := range map[string]func(*redisstore.Store) error{
		"load": func(st *redisstore.Store) error {
			if _, err := st.Load(t.Context(), session.NewID()); !errors.Is(err, session.ErrNotFound) {
				return err
			}
			return nil
		},
		"create": func(st *redisstore.Store) error {
			_, err := st.Create(t.Context(), newCode(st))
			return err
		},
		"apply": func(st *redisstore.Store) error {
			_, _, err := st.Apply(t.Context(), made.ID, by(session.Redeem, made).Transition())
			return err
		},
		"swap": func(st *redisstore.Store) error {
			_, err := sessiontest.CreatePrevious(t.Context(), st, newCode(st))
			return err
		},
	} {
		for range 5 {
			st := open(t, server.URL())
			began := time.Now()
			if err := call(st); err != nil {
				t.Fatal(err)
			}
			took := time.Since(began)
			if off := time.Until(st.Now()).Abs(); off > took+2*time.Millisecond { // the clock is read in milliseconds
				t.Errorf("%s: the clock is %v off after a call of %v", name, off, took)
			}
		}
	}
}

// TestARetryWritesForWait removes the expiry of a record between the tries of an operation: a
// retry sets it again, so that a WAIT behind it has a write to wait for. Redis 7 would wait
// without one, but does not promise it.
func TestARetryWritesForWait(t *testing.T) {
	server := redistest.Start(t)
	st := open(t, server.URL())
	code := newCode(st)
	code.Op = session.NewOpID()
	for name, try := range map[string]func() error{
		"create": func() error { _, err := st.Create(t.Context(), code); return err },
		"apply": func() error {
			c := by(session.Scan, code)
			c.Op = "scan"
			_, _, err := st.Apply(t.Context(), code.ID, c.Transition())
			return err
		},
	} {
		code.ID = session.NewID()
		if _, err := st.Create(t.Context(), code); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := try(); err != nil {
				t.Fatal(err)
			}
			const all = time.Hour + session.Retention
			left := time.Duration(server.Do("PTTL", key(code.ID)).(int64)) * time.Millisecond
			if left < all-10*time.Minute || left > all+time.Minute {
				t.Errorf("%s: the key expires in %v", name, left)
			}
			server.Do("PERSIST", key(code.ID))
		}
	}
}
