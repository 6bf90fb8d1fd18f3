package redisstore_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/session"
)

// sentinel watches a master with one replica, under the name main.
type sentinel struct {
	*redistest.Server
	master, replica *redistest.Server
}

// startSentinel starts one that takes a master for dead after so many
// milliseconds of silence.
func startSentinel(t testing.TB, silence int) sentinel {
	t.Helper()
	s := sentinel{master: redistest.Start(t)}
	s.replica = startReplica(t, s.master)
	s.Server = redistest.Start(t, "--sentinel")
	s.monitor(s.master.Addr(), silence)
	eventually(t, 15*time.Second, "the sentinel knows the replica", func() bool {
		found := fmt.Sprint(s.Do("SENTINEL", "REPLICAS", "main"))
		return strings.Contains(found, "flags slave ") && strings.Contains(found, "master-link-status ok")
	})
	return s
}

func (s sentinel) monitor(addr string, silence int) {
	host, port, _ := net.SplitHostPort(addr)
	s.Do("SENTINEL", "MONITOR", "main", host, port, 1)
	s.Do("SENTINEL", "SET", "main", "down-after-milliseconds", silence, "failover-timeout", 5000)
}

// current is the address of the master that the sentinel names.
func (s sentinel) current() string {
	addr := s.Do("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main").([]any)
	return net.JoinHostPort(addr[0].(string), addr[1].(string))
}

func (s sentinel) url() string { return s.URL() + "?master_name=main" }

func startReplica(t testing.TB, master *redistest.Server) *redistest.Server {
	t.Helper()
	host, port, _ := net.SplitHostPort(master.Addr())
	replica := redistest.Start(t, "--replicaof", host+" "+port)
	awaitReplica(t, master)
	return replica
}

func TestBusFollowsSentinelToTheNewMaster(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(sentinel){
		"AskedTo": func(s sentinel) { s.Do("SENTINEL", "FAILOVER", "main") }, // the old master stays up, and is told late
		"Killed":  func(s sentinel) { s.master.Kill() },
		"Frozen":  func(s sentinel) { s.master.Stop() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startSentinel(t, 1000)
			st := open(t, s.url())
			heard := listen(t, st)
			code := create(t, st)
			heard.subscribe(code.ID)
			heard.await(promised, code.ID, 1)
			eventually(t, 5*time.Second, "the replica has it", func() bool {
				return s.replica.Do("EXISTS", key(code.ID)).(int64) == 1
			})
			began := time.Now()
			fault(s)
			eventually(t, 15*time.Second, "the sentinel names the new master", func() bool {
				return s.current() == s.replica.Addr()
			})
			named := time.Since(began)
			apply(t, open(t, s.url()), code, session.Scan) // another node's, which starts now
			heard.await(10*time.Second, code.ID, 2)
			t.Logf("a new master after %v, current after %v", named.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
			if !slices.Contains(s.replica.Do("PUBSUB", "CHANNELS").([]any), any(key(code.ID))) {
				t.Error("the bus does not listen to the new master")
			}
			eventually(t, promised, "the bus's own node stores", func() bool {
				_, err := session.Create(t.Context(), st, newCode(st))
				return err == nil
			})
		})
	}
}
