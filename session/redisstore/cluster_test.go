package redisstore_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/session"
)

const slots = 16384

// cluster is three masters that share the slots evenly.
type cluster []*redistest.Server

func startCluster(t testing.TB) cluster {
	c := make(cluster, 3)
	for i := range c {
		c[i] = startClusterNode(t)
		c[i].Do("CLUSTER", "SET-CONFIG-EPOCH", i+1)
		c[i].Do("CLUSTER", "ADDSLOTSRANGE", c.first(i), c.first(i+1)-1)
		c.meet(c[i])
	}
	c.settle(t, c...)
	return c
}

func startClusterNode(t testing.TB) *redistest.Server {
	return redistest.Start(t, "--cluster-enabled", "yes")
}

// first is the first slot of the i-th master.
func (c cluster) first(i int) int { return (i*slots + len(c) - 1) / len(c) }

func (c cluster) slot(id session.ID) int { return int(c[0].Do("CLUSTER", "KEYSLOT", key(id)).(int64)) }

// owner is the master that had a code's slot in the beginning.
func (c cluster) owner(id session.ID) *redistest.Server { return c[c.slot(id)*len(c)/slots] }

// url is the address of all of them; user is what stands before the host.
func (c cluster) url(user string) string {
	return fmt.Sprintf("redis://%s%s?addr=%s&addr=%s", user, c[0].Addr(), c[1].Addr(), c[2].Addr())
}

func (c cluster) meet(node *redistest.Server) {
	host, port, _ := net.SplitHostPort(node.Addr())
	c[0].Do("CLUSTER", "MEET", host, port)
}

// settle waits until all nodes know each other and serve.
func (c cluster) settle(t testing.TB, nodes ...*redistest.Server) {
	t.Helper()
	known := fmt.Sprintf("cluster_known_nodes:%d\r\n", len(nodes))
	eventually(t, 20*time.Second, "the cluster is up", func() bool {
		for _, node := range nodes {
			info := node.Do("CLUSTER", "INFO").(string)
			if !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, known) {
				return false
			}
		}
		return true
	})
}

// replicate adds a replica of a master, of which all know, and which has all.
func (c cluster) replicate(t testing.TB, master *redistest.Server) *redistest.Server {
	t.Helper()
	replica := startClusterNode(t)
	c.meet(replica)
	c.settle(t, append(c[:len(c):len(c)], replica)...)
	replica.Do("CLUSTER", "REPLICATE", master.Do("CLUSTER", "MYID"))
	awaitReplica(t, master)
	id := replica.Do("CLUSTER", "MYID").(string)
	for _, node := range c {
		eventually(t, 10*time.Second, "the replica is known as one", func() bool {
			for line := range strings.Lines(node.Do("CLUSTER", "NODES").(string)) {
				if strings.HasPrefix(line, id) {
					return strings.Contains(line, " slave ")
				}
			}
			return false
		})
	}
	return replica
}

func awaitReplica(t testing.TB, master *redistest.Server) {
	t.Helper()
	eventually(t, 10*time.Second, "the replica is attached", func() bool {
		return strings.Contains(master.Do("INFO", "replication").(string), "state=online")
	})
}

func TestAClusterIsOneStore(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	st := open(t, c.url(""))
	heard := listen(t, st)
	codes := createMany(t, st, 60) // on all nodes
	for _, code := range codes {
		heard.subscribe(code.ID)
	}
	step := func(a session.Action) {
		t.Helper()
		for i, code := range codes {
			codes[i] = apply(t, st, code, a)
		}
		for _, code := range codes {
			heard.await(promised, code.ID, code.Version)
		}
	}
	step(session.Scan)
	for _, node := range c {
		node.Do("SCRIPT", "FLUSH")
		node.CutPubSub()
	}
	step(session.Confirm)
	heard.forget()
	for _, code := range codes {
		heard.subscribe(code.ID)
	}
	for _, code := range codes {
		heard.await(5*time.Second, code.ID, 3)
	}
}

func TestACodeFollowsItsSlotInTheMiddleOfItsStory(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	for _, node := range c {
		allow(node, leastRights(t, "on a Cluster"))
	}
	st := open(t, c.url(appUser))
	heard := listen(t, st)
	code := create(t, st)
	heard.subscribe(code.ID)
	heard.await(promised, code.ID, 1)
	step := func(a session.Action) {
		t.Helper()
		var err error
		if code, err = session.Apply(t.Context(), st, code, by(a)); err != nil {
			t.Fatal(err)
		}
		heard.await(promised, code.ID, code.Version)
	}
	finish := c.move(code.ID, func() { step(session.Scan) }) // it has not left yet

	for _, node := range c {
		node.Do("ACL", "SETUSER", "app", "-asking")
	}
	if _, err := st.Load(t.Context(), code.ID); err == nil || isNamed(err) {
		t.Errorf("without the right to ask: %v", err)
	}
	for _, node := range c {
		node.Do("ACL", "SETUSER", "app", "+asking")
	}
	step(session.Confirm) // where it was answers ASK
	heard.forget()
	heard.subscribe(code.ID)
	heard.await(promised, code.ID, 3)

	finish()
	step(session.Redeem) // where it was answers MOVED
	if n := heard.bus.Reconnects(); n != 0 {
		t.Errorf("%d reconnects", n)
	}
}

// move takes a code's slot to another master; the code itself goes after
// before, the slot when finish is called.
func (c cluster) move(id session.ID, before func()) (finish func()) {
	slot, from := c.slot(id), c.owner(id)
	to := c[(slot*len(c)/slots+1)%len(c)]
	toID := to.Do("CLUSTER", "MYID")
	to.Do("CLUSTER", "SETSLOT", slot, "IMPORTING", from.Do("CLUSTER", "MYID"))
	from.Do("CLUSTER", "SETSLOT", slot, "MIGRATING", toID)
	before()
	host, port, _ := net.SplitHostPort(to.Addr())
	from.Do("MIGRATE", host, port, key(id), 0, 5000)
	return func() {
		for _, node := range append([]*redistest.Server{to, from}, c...) {
			node.Do("CLUSTER", "SETSLOT", slot, "NODE", toID)
		}
	}
}

func TestAClusterWhoseMasterDiesGoesOnWithItsReplica(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	st := open(t, c.url(""))
	heard := listen(t, st)
	codes := createMany(t, st, 30)
	for _, code := range codes {
		heard.subscribe(code.ID)
		heard.await(promised, code.ID, 1)
	}
	var master *redistest.Server // the one to which the bus listens
	for _, node := range c {
		if len(node.Do("PUBSUB", "CHANNELS", "test:probe:*").([]any)) > 0 {
			master = node
		}
	}
	replica := c.replicate(t, master)
	for _, node := range append(c, replica) {
		node.Do("CONFIG", "SET", "cluster-node-timeout", 2000)
	}
	began := time.Now()
	master.Kill()
	for i, code := range codes {
		codes[i] = apply(t, st, code, session.Scan)
	}
	for _, code := range codes {
		heard.await(10*time.Second, code.ID, 2)
	}
	t.Logf("current on all nodes %v after a master was killed", time.Since(began).Round(time.Millisecond))
}
