package redisstore_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/redisstore/redistest"
)

func TestAClusterIsOneStore(t *testing.T) {
	t.Parallel()
	nodes := startCluster(t)
	st := open(t, nodes[0].URL()+"?addr="+nodes[1].Addr()+"&addr="+nodes[2].Addr())
	heard := listen(t, st)
	codes := make([]session.Session, 60) // on all nodes
	for i := range codes {
		codes[i] = create(t, st)
		heard.subscribe(codes[i].ID)
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
	for _, node := range nodes {
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

// startCluster starts three masters that know each other.
func startCluster(t *testing.T) [3]*redistest.Server {
	var nodes [3]*redistest.Server
	for i := range nodes {
		nodes[i] = redistest.Start(t, "--cluster-enabled", "yes")
		nodes[i].Do("CLUSTER", "SET-CONFIG-EPOCH", i+1)
		nodes[i].Do("CLUSTER", "ADDSLOTSRANGE", i*16384/3, (i+1)*16384/3-1)
		host, port, _ := strings.Cut(nodes[0].Addr(), ":")
		nodes[i].Do("CLUSTER", "MEET", host, port)
	}
	eventually(t, 20*time.Second, "the cluster is up", func() bool {
		for _, node := range nodes {
			info := node.Do("CLUSTER", "INFO").(string)
			if !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, "cluster_known_nodes:3") {
				return false
			}
		}
		return true
	})
	return nodes
}

func TestBusFollowsASentinelAwayFromAFrozenMaster(t *testing.T) {
	t.Parallel()
	master := redistest.Start(t)
	host, port, _ := strings.Cut(master.Addr(), ":")
	redistest.Start(t, "--replicaof", host+" "+port)
	eventually(t, 10*time.Second, "the replica is attached", func() bool {
		return strings.Contains(master.Do("INFO", "replication").(string), "state=online")
	})
	sentinel := redistest.Start(t, "--sentinel")
	sentinel.Do("SENTINEL", "MONITOR", "main", host, port, 1)
	sentinel.Do("SENTINEL", "SET", "main", "down-after-milliseconds", 1000, "failover-timeout", 5000)
	eventually(t, 15*time.Second, "the sentinel knows the replica", func() bool {
		return len(sentinel.Do("SENTINEL", "REPLICAS", "main").([]any)) == 1
	})

	st := open(t, sentinel.URL()+"?master_name=main")
	heard := listen(t, st)
	code := create(t, st)
	heard.subscribe(code.ID)
	heard.await(promised, code.ID, 1)
	if n := master.Do("WAIT", 1, strconv.Itoa(5000)).(int64); n != 1 {
		t.Fatal("the code was not replicated")
	}
	master.Stop()
	eventually(t, 20*time.Second, "the replica serves", func() bool {
		_, err := session.Apply(t.Context(), st, code, session.Change{Action: session.Scan, User: session.User{ID: "a"}, TTL: time.Minute})
		return err == nil
	})
	heard.await(15*time.Second, code.ID, 2)
}
