package faults

import (
	"context"
	"math/rand/v2"
	"slices"
	"syscall"
	"time"

	"github.com/scanlogin/scanlogin/test/chaos/cluster"
	"github.com/scanlogin/scanlogin/test/chaos/history"
)

// fault is a kind of fault.
type fault struct {
	name   string
	onNode bool     // the target is a scanlogin node; otherwise a Redis server
	modes  []string // Redis modes that support it; none: all
	lossy  bool     // it removes acknowledged writes; for failovers see watchReplication
	inject func(*injection) error
}

func (f fault) supports(form string) bool { return len(f.modes) == 0 || slices.Contains(f.modes, form) }

// injection is one fault that is being injected.
type injection struct {
	*Injector
	ctx    context.Context
	rand   *rand.Rand
	node   *cluster.Node   // the target of a fault on a node
	server *cluster.Server // the target of other faults
	record history.Fault
}

var faults = []fault{
	{name: "node-kill", onNode: true, inject: killNode},
	{name: "node-term", onNode: true, inject: termNode},
	{name: "node-stop", onNode: true, inject: stopNode},
	{name: "redis-kill", inject: killRedis},
	{name: "redis-stop", inject: stopRedis},
	{name: "client-kill", inject: everywhere("CLIENT", "KILL", "TYPE", "normal")},
	{name: "pubsub-kill", inject: everywhere("CLIENT", "KILL", "TYPE", "pubsub")},
	{name: "script-flush", inject: everywhere("SCRIPT", "FLUSH")},
	{name: "flushall", lossy: true, inject: flushAll},
	{name: "freeze", inject: freeze},
	{name: "silence", inject: blackhole},
	{name: "cut", inject: cut},
	{name: "half-frame", inject: halfFrame},
	{name: "delay", inject: delay},
	{name: "failover", modes: []string{cluster.ModeSentinel}, inject: failOver},
	{name: "slot-move", modes: []string{cluster.ModeCluster}, inject: moveSlots},
}

// wait waits for the duration of the fault: a random time. It returns early when the
// run is interrupted, so that the repair starts sooner.
func (in *injection) wait(least, most time.Duration) {
	sleep(in.ctx, least+time.Duration(in.rand.Int64N(int64(most-least))))
}

// repairing returns a context for repairs, which must also happen when the run is
// interrupted.
func (in *injection) repairing() context.Context { return context.WithoutCancel(in.ctx) }

func killNode(in *injection) error {
	in.node.Kill()
	in.wait(300*time.Millisecond, 3*time.Second)
	return in.node.StartAndAwait(in.repairing())
}

// leaveTime is how long a shutdown may take (10 s), and one second to notice it.
const leaveTime = 11 * time.Second

func termNode(in *injection) error {
	in.node.Signal(syscall.SIGTERM)
	if err := in.node.Wait(leaveTime); err != nil {
		in.record.Exit = err.Error()
		in.node.Kill()
	}
	in.record.Gone = in.Log.Now()
	in.wait(0, 2*time.Second)
	return in.node.StartAndAwait(in.repairing())
}

func stopNode(in *injection) error {
	if err := in.node.Freeze(); err != nil {
		return err
	}
	in.wait(500*time.Millisecond, 7*time.Second)
	return in.node.Resume()
}

func killRedis(in *injection) error {
	in.server.Kill()
	in.wait(300*time.Millisecond, 5*time.Second)
	return in.server.StartAndAwait(in.repairing())
}

func stopRedis(in *injection) error {
	if err := in.server.Freeze(); err != nil {
		return err
	}
	in.wait(500*time.Millisecond, 6*time.Second)
	return in.server.Resume()
}

// everywhere returns a fault that sends one command to all servers.
func everywhere(command ...any) func(*injection) error {
	return func(in *injection) error {
		for _, s := range in.Cluster.Redis.Servers {
			if _, err := s.Do(in.repairing(), command...); err != nil {
				return err
			}
		}
		return nil
	}
}

func flushAll(in *injection) error {
	if in.Cluster.Redis.Mode != cluster.ModeSentinel {
		return everywhere("FLUSHALL")(in)
	}
	if at := in.Cluster.Redis.Master(in.ctx); at >= 0 { // a replica refuses the command
		_, err := in.Cluster.Redis.Servers[at].Do(in.repairing(), "FLUSHALL")
		return err
	}
	return nil
}

func freeze(in *injection) error {
	in.server.Proxy.Freeze()
	in.wait(500*time.Millisecond, 7*time.Second)
	in.server.Proxy.Resume()
	return nil
}

func blackhole(in *injection) error {
	in.server.Proxy.Blackhole()
	return nil
}

func cut(in *injection) error {
	in.server.Proxy.Cut()
	return nil
}

func halfFrame(in *injection) error {
	in.server.Proxy.Truncate(1 + in.rand.IntN(20))
	in.wait(500*time.Millisecond, 2*time.Second)
	in.server.Proxy.Truncate(0)
	return nil
}

// delay delays data by up to 20 ms to 1 s: less or more than the timeout of a call.
func delay(in *injection) error {
	in.server.Proxy.Delay(time.Duration(20+in.rand.IntN(1000)) * time.Millisecond)
	in.wait(time.Second, 6*time.Second)
	in.server.Proxy.Delay(0)
	return nil
}

// promotion limits both parts of a requested failover, which take about 2 s.
const promotion = 20 * time.Second

// failOver requests a failover from a Sentinel. The Sentinel refuses while it
// considers the replica down, which may last for some time after a fault.
func failOver(in *injection) (err error) {
	before := in.Cluster.Redis.Master(in.ctx)
	for deadline := time.Now().Add(promotion); in.ctx.Err() == nil && time.Now().Before(deadline); sleep(in.ctx, 50*time.Millisecond) {
		if _, err = in.Cluster.Redis.Sentinels[0].Do(in.repairing(), "SENTINEL", "FAILOVER", "main"); err == nil {
			break
		}
	}
	for deadline := time.Now().Add(promotion); err == nil && in.ctx.Err() == nil && time.Now().Before(deadline); sleep(in.ctx, 50*time.Millisecond) {
		if at := in.Cluster.Redis.Master(in.repairing()); at >= 0 && at != before {
			break
		}
	}
	return err
}

func moveSlots(in *injection) error { return in.Cluster.Redis.MoveSlots(in.repairing(), in.rand, 8) }
