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

// sentinel is a Sentinel that monitors a master with one replica under the name main.
type sentinel struct {
	*redistest.Server
	master, replica *redistest.Server
}

// startSentinel starts a Sentinel that considers a master dead after silence milliseconds
// without an answer.
func startSentinel(t testing.TB, silence int) sentinel {
	t.Helper()
	s := sentinel{master: redistest.Start(t)}
	s.replica = redistest.StartReplica(t, s.master)
	s.Server = redistest.Start(t, "--sentinel")
	s.monitor(s.master.Addr(), silence)
	redistest.Eventually(t, 15*time.Second, "Sentinel knows the replica", func() bool {
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

// current returns the address of the master according to Sentinel.
func (s sentinel) current() string {
	addr := s.Do("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main").([]any)
	return net.JoinHostPort(addr[0].(string), addr[1].(string))
}

func (s sentinel) url() string { return s.URL() + "?master_name=main" }

func TestBusFollowsSentinelToANewMaster(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(sentinel){
		"Planned": func(s sentinel) { s.Do("SENTINEL", "FAILOVER", "main") }, // the old master stays up and learns of it late
		"Killed":  func(s sentinel) { s.master.Kill() },
		"Frozen":  func(s sentinel) { s.master.Stop() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startSentinel(t, 1000)
			st := open(t, s.url())
			watcher := listen(t, st)
			code := create(t, st)
			watcher.subscribe(code.ID)
			watcher.await(promised, code.ID, 1)
			redistest.Eventually(t, 5*time.Second, "the replica has it", func() bool {
				return s.replica.Do("EXISTS", key(code.ID)).(int64) == 1
			})
			began := time.Now()
			fault(s)
			redistest.Eventually(t, 15*time.Second, "Sentinel names the new master", func() bool {
				return s.current() == s.replica.Addr()
			})
			named := time.Since(began)
			apply(t, open(t, s.url()), code, session.Scan) // another node, which starts now
			watcher.await(10*time.Second, code.ID, 2)
			t.Logf("new master after %v, delivered after %v", named.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
			if !slices.Contains(s.replica.Do("PUBSUB", "CHANNELS").([]any), any(key(code.ID))) {
				t.Error("the bus is not subscribed on the new master")
			}
			redistest.Eventually(t, promised, "the node of the bus can write", func() bool {
				_, err := st.Create(t.Context(), newCode(st))
				return err == nil
			})
		})
	}
}
