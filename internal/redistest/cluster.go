package redistest

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// Slots is the number of hash slots of a Redis Cluster.
const Slots = 16384

// Cluster is a Redis Cluster of three masters that share the slots evenly.
type Cluster []*Server

// StartCluster starts a Cluster and waits until it serves.
func StartCluster(t testing.TB) Cluster {
	c := make(Cluster, 3)
	for i := range c {
		c[i] = StartClusterNode(t)
		c[i].Do("CLUSTER", "SET-CONFIG-EPOCH", i+1)
		c[i].Do("CLUSTER", "ADDSLOTSRANGE", c.firstSlot(i), c.firstSlot(i+1)-1)
		c.meet(c[i])
	}
	c.Settle(t, c...)
	return c
}

// StartClusterNode starts a server in cluster mode that has no slots.
func StartClusterNode(t testing.TB) *Server {
	return Start(t, "--cluster-enabled", "yes")
}

// firstSlot returns the first slot of master i.
func (c Cluster) firstSlot(i int) int { return (i*Slots + len(c) - 1) / len(c) }

func (c Cluster) slot(key string) int { return int(c[0].Do("CLUSTER", "KEYSLOT", key).(int64)) }

// Owner returns the master that had the slot of key at the start.
func (c Cluster) Owner(key string) *Server { return c[c.slot(key)*len(c)/Slots] }

// URL returns the URL of the Cluster; login precedes the host, for instance AppUser.
func (c Cluster) URL(login string) string {
	return fmt.Sprintf("redis://%s%s?addr=%s&addr=%s", login, c[0].Addr(), c[1].Addr(), c[2].Addr())
}

// Allow gives the user of AppUser these rights, and no others, on all masters.
func (c Cluster) Allow(rights []string) {
	for _, node := range c {
		node.Allow(rights)
	}
}

func (c Cluster) meet(node *Server) {
	host, port, _ := net.SplitHostPort(node.Addr())
	c[0].Do("CLUSTER", "MEET", host, port)
}

// Settle waits until the nodes know each other and serve.
func (c Cluster) Settle(t testing.TB, nodes ...*Server) {
	t.Helper()
	known := fmt.Sprintf("cluster_known_nodes:%d\r\n", len(nodes))
	Eventually(t, 20*time.Second, "the cluster is up", func() bool {
		for _, node := range nodes {
			info := node.Do("CLUSTER", "INFO").(string)
			if !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, known) {
				return false
			}
		}
		return true
	})
}

// Replicate adds a replica of master, and waits until it is in sync and all nodes know it.
func (c Cluster) Replicate(t testing.TB, master *Server) *Server {
	t.Helper()
	replica := StartClusterNode(t)
	c.meet(replica)
	c.Settle(t, append(c[:len(c):len(c)], replica)...)
	replica.Do("CLUSTER", "REPLICATE", master.Do("CLUSTER", "MYID"))
	awaitReplica(t, master)
	id := replica.Do("CLUSTER", "MYID").(string)
	for _, node := range c {
		Eventually(t, 10*time.Second, "the node knows the replica", func() bool {
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

// Move starts to move the slot of key to another master, calls before, and then moves the
// key itself. The slot is moved when finish is called.
func (c Cluster) Move(key string, before func()) (finish func()) {
	slot, from := c.slot(key), c.Owner(key)
	to := c[(slot*len(c)/Slots+1)%len(c)]
	toID := to.Do("CLUSTER", "MYID")
	to.Do("CLUSTER", "SETSLOT", slot, "IMPORTING", from.Do("CLUSTER", "MYID"))
	from.Do("CLUSTER", "SETSLOT", slot, "MIGRATING", toID)
	before()
	host, port, _ := net.SplitHostPort(to.Addr())
	from.Do("MIGRATE", host, port, key, 0, 5000)
	return func() {
		for _, node := range append([]*Server{to, from}, c...) {
			node.Do("CLUSTER", "SETSLOT", slot, "NODE", toID)
		}
	}
}

// StartReplica starts a replica of master and waits until it is in sync.
func StartReplica(t testing.TB, master *Server) *Server {
	t.Helper()
	host, port, _ := net.SplitHostPort(master.Addr())
	replica := Start(t, "--replicaof", host+" "+port)
	awaitReplica(t, master)
	return replica
}

func awaitReplica(t testing.TB, master *Server) {
	t.Helper()
	Eventually(t, 10*time.Second, "the replica is in sync", func() bool {
		return strings.Contains(master.Do("INFO", "replication").(string), "state=online")
	})
}
