package redisstore_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/redisstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

// previousKey returns the key and channel of a code of the previous release.
func previousKey(id session.ID) string { return "test:{" + string(id) + "}" }

func TestRedisConformanceOfThePreviousRelease(t *testing.T) {
	t.Parallel()
	redistest.RunOnEach(t, map[string]func(*testing.T) redistest.Deployment{
		"Single":                redistest.StartSingle,
		"LeastRightsOnACluster": redistest.StartRestrictedCluster(),
	}, func(t *testing.T, d redistest.Deployment) {
		sessiontest.RunPrevious(t, func(t *testing.T) sessiontest.Storage { return storage(t, d, previousKey) })
	})
}

// createPrevious creates a code as a node of the previous release does, which stores no hashes.
func createPrevious(t testing.TB, st *redisstore.Store) session.Session {
	t.Helper()
	code := newCode(st)
	code.Grant, code.GrantHash, code.BrowserHash = "", nil, nil
	made, err := sessiontest.CreatePrevious(t.Context(), st, code)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// openCompleting opens a store that completes codes of the previous release as
// sessiontest.New creates those of this one.
func openCompleting(t testing.TB, url string, replicas int) *redisstore.Store {
	t.Helper()
	return openWith(t, redisclient.Options{URL: url, WaitReplicas: replicas}, redisstore.Options{CompletePrevious: func(s session.Session) session.Session {
		s.Grant, s.GrantHash, s.BrowserHash = session.GrantTicket, session.HashSecret("ticket"), session.HashSecret("browser key")
		return s
	}})
}

// TestANewNodeFinishesCodesOfThePreviousRelease also checks that their records keep their form,
// so that nodes of the previous release can continue at any time.
func TestANewNodeFinishesCodesOfThePreviousRelease(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	earlier, newer := open(t, server.URL()), openCompleting(t, server.URL(), 0)
	watcher := listen(t, newer)
	code := createPrevious(t, earlier)
	watcher.subscribe(code.ID)
	watcher.await(promised, code.ID, 1)
	for _, a := range []session.Action{session.Scan, session.Confirm, session.Redeem} {
		found, err := newer.Load(t.Context(), code.ID)
		if err != nil {
			t.Fatal(err)
		}
		step := by(a, found).Transition()
		done, outcome, err := newer.Apply(t.Context(), code.ID, step)
		if err != nil || outcome != session.Applied || done.Op != step.Op {
			t.Fatalf("%s: %v, %v", a, outcome, err)
		}
		if _, outcome, err := newer.Apply(t.Context(), code.ID, step); err != nil || outcome != session.AppliedBefore {
			t.Errorf("%s again: %v, %v", a, outcome, err)
		}
		watcher.await(promised, code.ID, done.Version)
		seen, err := earlier.Load(t.Context(), code.ID)
		if err != nil || seen.Status != done.Status || seen.Version != done.Version || len(seen.GrantHash) > 0 {
			t.Errorf("after %s: %+v, %v", a, seen, err)
		}
	}
	redeemed, err := newer.Load(t.Context(), code.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sessiontest.Step(t.Context(), newer, redeemed, by(session.Redeem, redeemed)); !errors.Is(err, session.ErrUsed) {
		t.Errorf("another exchange: %v", err)
	}
	if keys := fmt.Sprint(server.Do("KEYS", "*")); keys != "["+previousKey(code.ID)+"]" {
		t.Errorf("keys: %s", keys)
	}
}

// TestACodeOfThePreviousReleaseWithoutHashesIsNotRedeemed uses a store that cannot derive them.
func TestACodeOfThePreviousReleaseWithoutHashesIsNotRedeemed(t *testing.T) {
	st := open(t, redistest.Start(t).URL())
	code := createPrevious(t, st)
	for _, a := range []session.Action{session.Scan, session.Confirm} {
		var err error
		if code, err = sessiontest.Step(t.Context(), st, code, by(a, code)); err != nil {
			t.Fatal(err)
		}
	}
	for _, hash := range [][]byte{nil, {}, session.HashSecret("ticket")} {
		redeem := by(session.Redeem, code)
		redeem.Credential.Hash = hash
		if _, err := sessiontest.Step(t.Context(), st, code, redeem); !errors.Is(err, session.ErrCredential) {
			t.Errorf("redeemed with %x: %v", hash, err)
		}
	}
}

// TestBothReleasesRedeemACodeOnce races nodes of both releases for the same ticket, and for the
// same scan.
func TestBothReleasesRedeemACodeOnce(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	earlier, newer := open(t, server.URL()), openCompleting(t, server.URL(), 0)
	const codes, racers = 20, 12
	for range codes {
		code := createPrevious(t, earlier)
		for _, a := range []session.Action{session.Scan, session.Confirm, session.Redeem} {
			var stored atomic.Int64
			var running sync.WaitGroup
			for i := range racers {
				running.Go(func() {
					c := by(a, code)
					c.Op = session.NewOpID()
					if i%2 == 0 {
						if got, err := sessiontest.ApplyPrevious(t.Context(), earlier, code, c); err == nil && got.Op == c.Op {
							stored.Add(1)
						}
						return
					}
					step := by(a, code)
					step.Credential = sessiontest.CredentialOf(sessiontest.New(newer, time.Minute))
					if _, outcome, err := newer.Apply(t.Context(), code.ID, step.Transition()); err == nil && outcome.Stored() {
						stored.Add(1)
					}
				})
			}
			running.Wait()
			if stored.Load() != 1 {
				t.Fatalf("%s was stored %d times", a, stored.Load())
			}
			var err error
			if code, err = earlier.Load(t.Context(), code.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestBusFollowsCodesOfBothReleases also reconnects the bus, and has Redis forget its scripts.
func TestBusFollowsCodesOfBothReleases(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	earlier, newer := open(t, server.URL()), openCompleting(t, server.URL(), 0)
	watcher := listen(t, newer)
	old, code := createPrevious(t, earlier), create(t, newer)
	watcher.subscribe(old.ID, code.ID)
	watcher.await(promised, old.ID, 1)
	watcher.await(promised, code.ID, 1)
	step := func(a session.Action) {
		t.Helper()
		var err error
		if old, err = sessiontest.ApplyPrevious(t.Context(), earlier, old, by(a, old)); err != nil {
			t.Fatal(err)
		}
		code = apply(t, newer, code, a)
		watcher.await(promised, old.ID, old.Version)
		watcher.await(promised, code.ID, code.Version)
	}
	step(session.Scan)
	server.Do("SCRIPT", "FLUSH")
	server.CutPubSub()
	step(session.Confirm)
	channels := func() int {
		return len(server.Do("PUBSUB", "CHANNELS", "test:*{*").([]any))
	}
	if err := watcher.bus.Unsubscribe(t.Context(), old.ID, code.ID); err != nil {
		t.Fatal(err)
	}
	redistest.Eventually(t, promised, "all channels are unsubscribed", func() bool { return channels() == 0 })
	watcher.forget()
	watcher.subscribe(old.ID)
	watcher.await(promised, old.ID, 3)
	step2, err := sessiontest.ApplyPrevious(t.Context(), earlier, old, by(session.Redeem, old))
	if err != nil {
		t.Fatal(err)
	}
	watcher.await(promised, old.ID, step2.Version)
}

// TestNoScriptOfTheOtherReleaseTouchesARecord gives each release the id of a code of the other.
func TestNoScriptOfTheOtherReleaseTouchesARecord(t *testing.T) {
	server := redistest.Start(t)
	st := openCompleting(t, server.URL(), 0)
	code := create(t, st)
	before := fmt.Sprint(server.Do("DUMP", key(code.ID)))
	next := code
	next.Version++
	if err := st.Swap(t.Context(), next, session.NewOpID()); !errors.Is(err, session.ErrStale) {
		t.Errorf("a node of the previous release stored a step of a new code: %v", err)
	}
	if after := fmt.Sprint(server.Do("DUMP", key(code.ID))); after != before {
		t.Error("the record of a new code changed")
	}
}

func TestInvalidRecordsOfThePreviousReleaseAreNotFound(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	var log bytes.Buffer
	st := openWith(t, redisclient.Options{URL: server.URL()}, redisstore.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	good := createPrevious(t, st)
	bad := make([]session.ID, 5)
	for i, garbage := range []string{"{", `"x"`, `{"id":7}`, `{"id":"` + string(good.ID) + `","version":1}`} {
		bad[i] = createPrevious(t, st).ID
		server.Do("HSET", previousKey(bad[i]), "session", garbage)
	}
	bad[4] = session.NewID()
	server.Do("SET", previousKey(bad[4]), "not even a hash")
	watcher := listen(t, st)
	watcher.subscribe(append(bad, good.ID)...)
	watcher.await(promised, good.ID, 1)
	expectNotFound(t, st, watcher, good, bad)
}

// TestRedeemingACodeOfThePreviousReleaseWaitsForReplicas has no replica, and repeats the step.
func TestRedeemingACodeOfThePreviousReleaseWaitsForReplicas(t *testing.T) {
	server := redistest.Start(t)
	st := openCompleting(t, server.URL(), 1)
	code := createPrevious(t, st)
	for _, a := range []session.Action{session.Scan, session.Confirm} {
		var err error
		if code, err = sessiontest.Step(t.Context(), st, code, by(a, code)); err != nil {
			t.Fatal(err)
		}
	}
	redeem := by(session.Redeem, code).Transition()
	for range 2 {
		if _, _, err := st.Apply(t.Context(), code.ID, redeem); err == nil || isNamed(err) {
			t.Errorf("redeemed without a replica: %v", err)
		}
	}
	if got, err := st.Load(t.Context(), code.ID); err != nil || got.Status != session.Redeemed {
		t.Errorf("then %v, %v", got.Status, err)
	}
}
