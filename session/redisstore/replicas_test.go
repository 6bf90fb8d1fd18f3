package redisstore_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/redisstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

func TestRedeemWaitsForReplicas(t *testing.T) {
	t.Parallel()
	single := func(t *testing.T, _ session.ID) (url string, master, replica *redistest.Server) {
		master = redistest.Start(t)
		return master.URL(), master, redistest.StartReplica(t, master)
	}
	behindSentinel := func(t *testing.T, _ session.ID) (url string, master, replica *redistest.Server) {
		s := startSentinel(t, 60_000)
		return s.url(), s.master, s.replica
	}
	inCluster := func(t *testing.T, id session.ID) (url string, master, replica *redistest.Server) {
		c := redistest.StartCluster(t)
		return c.URL(""), c.Owner(key(id)), c.Replicate(t, c.Owner(key(id)))
	}
	for name, start := range map[string]func(*testing.T, session.ID) (string, *redistest.Server, *redistest.Server){
		"Single": single, "Sentinel": behindSentinel, "Cluster": inCluster,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id := session.NewID()
			url, master, replica := start(t, id)
			redeemWithAFrozenReplica(t, openWaiting(t, url, 1), id, master, replica)
		})
	}
}

func redeemWithAFrozenReplica(t *testing.T, st *redisstore.Store, id session.ID, master, replica *redistest.Server) {
	code := newCode(st)
	code.ID = id
	code, err := st.Create(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	replica.Stop()
	for _, a := range []session.Action{session.Scan, session.Confirm} { // these do not wait
		if code, err = sessiontest.Step(t.Context(), st, code, by(a, code)); err != nil {
			t.Fatal(err)
		}
	}
	redeem := by(session.Redeem, code).Transition()
	for _, retry := range []bool{false, true} { // a retry waits as well, on any connection
		began := time.Now()
		_, _, err := st.Apply(t.Context(), id, redeem)
		if took := time.Since(began); err == nil || isNamed(err) || took < 90*time.Millisecond || took > slack*promised {
			t.Errorf("retry %v, with too few replicas: %v after %v", retry, err, took)
		}
		master.Do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
	}
	redistest.Eventually(t, promised, "the ticket is spent", func() bool {
		got, err := st.Load(t.Context(), id)
		return err == nil && got.Status == session.Redeemed
	})
	if _, outcome, err := st.Apply(t.Context(), id, by(session.Redeem, code).Transition()); err != nil || outcome != session.Refused {
		t.Errorf("another operation, with too few replicas: %v, %v", outcome, err)
	}
	replica.Continue()
	redistest.Eventually(t, 10*time.Second, "enough replicas acknowledge it", func() bool {
		_, outcome, err := st.Apply(t.Context(), id, redeem)
		return err == nil && outcome == session.AppliedBefore
	})
}

// TestWaitFollowsRedirections redeems a code while its slot moves between masters without
// replicas, and repeats the operation after the move.
func TestWaitFollowsRedirections(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t)
	st := openWaiting(t, c.URL(""), 1)
	code := apply(t, st, apply(t, st, create(t, st), session.Scan), session.Confirm)
	transition := by(session.Redeem, code).Transition()
	redeem := func() {
		t.Helper()
		if _, _, err := st.Apply(t.Context(), code.ID, transition); err == nil || !strings.Contains(err.Error(), "0 of 1 replicas") {
			t.Errorf("redeemed without a replica: %v", err)
		}
		if got, err := st.Load(t.Context(), code.ID); err != nil || got.Status != session.Redeemed {
			t.Errorf("then %v, %v", got.Status, err)
		}
	}
	finish := c.Move(key(code.ID), func() {})
	redeem() // the old master answers ASK
	finish()
	redeem() // MOVED
}

func openWaiting(t testing.TB, url string, replicas int) *redisstore.Store {
	t.Helper()
	return openWith(t, redisclient.Options{URL: url, WaitReplicas: replicas}, redisstore.Options{})
}

// isNamed reports whether err is one of the errors that callers decide on.
func isNamed(err error) bool {
	return errors.Is(err, session.ErrStale) || errors.Is(err, session.ErrOver) || errors.Is(err, session.ErrNotFound)
}

// BenchmarkRedeem measures the cost of waiting for a replica.
func BenchmarkRedeem(b *testing.B) {
	master := redistest.Start(b)
	redistest.StartReplica(b, master)
	for name, replicas := range map[string]int{"Alone": 0, "WithAReplica": 1} {
		b.Run(name, func(b *testing.B) {
			st := openWaiting(b, master.URL(), replicas)
			for b.Loop() {
				b.StopTimer()
				code := apply(b, st, apply(b, st, create(b, st), session.Scan), session.Confirm)
				b.StartTimer()
				apply(b, st, code, session.Redeem)
			}
		})
	}
}
