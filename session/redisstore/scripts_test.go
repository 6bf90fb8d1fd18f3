package redisstore_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/ratelimit"
	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/redisstore"
)

// TestEachScriptReadsTheClock has stores learn Redis's clock, which is also
// this process's, from one answer of each script that tells it: several, since
// a slow answer proves little.
func TestEachScriptReadsTheClock(t *testing.T) {
	server := redistest.Start(t)
	for name, call := range map[string]func(*redisstore.Store) error{
		"load": func(st *redisstore.Store) error {
			if _, err := st.Load(t.Context(), session.NewID()); !errors.Is(err, session.ErrNotFound) {
				return err
			}
			return nil
		},
		"swap": func(st *redisstore.Store) error {
			_, err := session.Create(t.Context(), st, newCode(st))
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
			if off := time.Until(st.Now()).Abs(); off > took+2*time.Millisecond { // read in milliseconds
				t.Errorf("%s: the clock is %v off after a call of %v", name, off, took)
			}
		}
	}
}

// TestALookWritesNothing counts what Redis does for a Peek, of a key that is
// there and of one that is not.
func TestALookWritesNothing(t *testing.T) {
	server := redistest.Start(t)
	on := open(t, server.URL()).Tally()
	do := func(ops ...ratelimit.Op) {
		t.Helper()
		if _, err := on.Do(t.Context(), ops...); err != nil {
			t.Fatal(err)
		}
	}
	writes := func() string { return fmt.Sprint(server.Do("INFO", "commandstats")) }
	do(ratelimit.Take("k", ratelimit.Limit{Most: 2, Over: time.Hour}))
	if !strings.Contains(writes(), "cmdstat_hset") {
		t.Error("a take wrote nothing")
	}
	server.Do("CONFIG", "RESETSTAT")
	do(ratelimit.Peek("k"), ratelimit.Peek("other"))
	if text := writes(); strings.Contains(text, "cmdstat_hset") || strings.Contains(text, "cmdstat_pexpireat") {
		t.Errorf("a look wrote: %s", text)
	}
}
