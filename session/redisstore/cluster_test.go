package redisstore_test

import (
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

func TestClusterActsAsOneStore(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t)
	st := open(t, c.URL(""))
	watcher := listen(t, st)
	codes := createMany(t, st, 60) // spread over all nodes
	for _, code := range codes {
		watcher.subscribe(code.ID)
	}
	step := func(a session.Action) {
		t.Helper()
		for i, code := range codes {
			codes[i] = apply(t, st, code, a)
		}
		for _, code := range codes {
			watcher.await(promised, code.ID, code.Version)
		}
	}
	step(session.Scan)
	for _, node := range c {
		node.Do("SCRIPT", "FLUSH")
		node.CutPubSub()
	}
	step(session.Confirm)
	watcher.forget()
	for _, code := range codes {
		watcher.subscribe(code.ID)
	}
	for _, code := range codes {
		watcher.await(5*time.Second, code.ID, 3)
	}
}

func TestCodeFollowsItsSlotToAnotherMaster(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t)
	c.Allow(redistest.LeastRights(t, "on a Cluster"))
	st := open(t, c.URL(redistest.AppUser))
	watcher := listen(t, st)
	code := create(t, st)
	watcher.subscribe(code.ID)
	watcher.await(promised, code.ID, 1)
	step := func(a session.Action) {
		t.Helper()
		var err error
		if code, err = sessiontest.Step(t.Context(), st, code, by(a, code)); err != nil {
			t.Fatal(err)
		}
		watcher.await(promised, code.ID, code.Version)
	}
	finish := c.Move(key(code.ID), func() { step(session.Scan) }) // the key has not moved yet

	for _, node := range c {
		node.Do("ACL", "SETUSER", "app", "-asking")
	}
	if _, err := st.Load(t.Context(), code.ID); err == nil || isNamed(err) {
		t.Errorf("without the right to ASKING: %v", err)
	}
	for _, node := range c {
		node.Do("ACL", "SETUSER", "app", "+asking")
	}
	step(session.Confirm) // the old master answers ASK
	watcher.forget()
	watcher.subscribe(code.ID)
	watcher.await(promised, code.ID, 3)

	finish()
	step(session.Redeem) // the old master answers MOVED
	if n := watcher.bus.Reconnects(); n != 0 {
		t.Errorf("%d reconnects", n)
	}
}

func TestClusterContinuesWithAReplicaWhenAMasterDies(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t)
	st := open(t, c.URL(""))
	watcher := listen(t, st)
	codes := createMany(t, st, 30)
	for _, code := range codes {
		watcher.subscribe(code.ID)
		watcher.await(promised, code.ID, 1)
	}
	var master *redistest.Server // the one to which the bus is connected
	for _, node := range c {
		if len(node.Do("PUBSUB", "CHANNELS", "test:probe:*").([]any)) > 0 {
			master = node
		}
	}
	replica := c.Replicate(t, master)
	for _, node := range append(c, replica) {
		node.Do("CONFIG", "SET", "cluster-node-timeout", 2000)
	}
	began := time.Now()
	master.Kill()
	for i, code := range codes {
		codes[i] = apply(t, st, code, session.Scan)
	}
	for _, code := range codes {
		watcher.await(10*time.Second, code.ID, 2)
	}
	t.Logf("delivered on all nodes %v after a master was killed", time.Since(began).Round(time.Millisecond))
}
