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

// kind is a kind of fault.
type fault struct {
	name   string
	onNode bool     // the target is a scanlogin node; otherwise a Redis server
	forms  []string // Redis modes that support it; none: all
	lossy  bool     // it removes acknowledged writes; for failovers see watchReplication
	hit    func(*blow) error
}

func (f fault) goesWith(form string) bool { return len(f.forms) == 0 || slices.Contains(f.forms, form) }

// injection is one fault that is being injected.
type blow struct {
	*Director
	ctx    context.Context
	rnd    *rand.Rand
	node   *cluster.Node   // the target of a fault on a node
	server *cluster.Server // the target of other faults
	note   history.Strike
}

var faults = []fault{
	{name: "node-kill", onNode: true, hit: killNode},
	{name: "node-term", onNode: true, hit: termNode},
	{name: "node-stop", onNode: true, hit: stopNode},
	{name: "redis-kill", hit: killRedis},
	{name: "redis-stop", hit: stopRedis},
	{name: "client-kill", hit: everywhere("CLIENT", "KILL", "TYPE", "normal")},
	{name: "pubsub-kill", hit: everywhere("CLIENT", "KILL", "TYPE", "pubsub")},
	{name: "script-flush", hit: everywhere("SCRIPT", "FLUSH")},
	{name: "flushall", lossy: true, hit: flushAll},
	{name: "freeze", hit: freeze},
	{name: "silence", hit: silence},
	{name: "cut", hit: cut},
	{name: "half-frame", hit: halfFrame},
	{name: "delay", hit: delay},
	{name: "failover", forms: []string{cluster.Sentinel}, hit: failOver},
	{name: "slot-move", forms: []string{cluster.Cluster}, hit: moveSlots},
}

// wait waits for the duration of the fault: a random time. It returns early when the
// run is interrupted, so that the repair starts sooner.
func (b *blow) wait(least, most time.Duration) {
	sleep(b.ctx, least+time.Duration(b.rnd.Int64N(int64(most-least))))
}

// repairing returns a context for repairs, which must also happen when the run is
// interrupted.
func (b *blow) repairing() context.Context { return context.WithoutCancel(b.ctx) }

func killNode(b *blow) error {
	b.node.Kill()
	b.wait(300*time.Millisecond, 3*time.Second)
	return b.node.StartAndAwait(b.repairing())
}

// leaveTime is how long a shutdown may take (10 s), and one second to notice it.
const leaveTime = 11 * time.Second

func termNode(b *blow) error {
	b.node.Signal(syscall.SIGTERM)
	if err := b.node.Wait(leaveTime); err != nil {
		b.note.Exit = err.Error()
		b.node.Kill()
	}
	b.note.Gone = b.Log.Now()
	b.wait(0, 2*time.Second)
	return b.node.StartAndAwait(b.repairing())
}

func stopNode(b *blow) error {
	if err := b.node.Freeze(); err != nil {
		return err
	}
	b.wait(500*time.Millisecond, 7*time.Second)
	return b.node.Resume()
}

func killRedis(b *blow) error {
	b.server.Kill()
	b.wait(300*time.Millisecond, 5*time.Second)
	return b.server.StartAndAwait(b.repairing())
}

func stopRedis(b *blow) error {
	if err := b.server.Freeze(); err != nil {
		return err
	}
	b.wait(500*time.Millisecond, 6*time.Second)
	return b.server.Resume()
}

// everywhere returns a fault that sends one command to all servers.
func everywhere(command ...any) func(*blow) error {
	return func(b *blow) error {
		for _, s := range b.Rig.Redis.Servers {
			if _, err := s.Do(b.repairing(), command...); err != nil {
				return err
			}
		}
		return nil
	}
}

func flushAll(b *blow) error {
	if b.Rig.Redis.Form != cluster.Sentinel {
		return everywhere("FLUSHALL")(b)
	}
	if at := b.Rig.Redis.Master(b.ctx); at >= 0 { // a replica refuses the command
		_, err := b.Rig.Redis.Servers[at].Do(b.repairing(), "FLUSHALL")
		return err
	}
	return nil
}

func freeze(b *blow) error {
	b.server.Proxy.Freeze()
	b.wait(500*time.Millisecond, 7*time.Second)
	b.server.Proxy.Thaw()
	return nil
}

func silence(b *blow) error {
	b.server.Proxy.Silence()
	return nil
}

func cut(b *blow) error {
	b.server.Proxy.Cut()
	return nil
}

func halfFrame(b *blow) error {
	b.server.Proxy.CutInHalf(1 + b.rnd.IntN(20))
	b.wait(500*time.Millisecond, 2*time.Second)
	b.server.Proxy.CutInHalf(0)
	return nil
}

// delay delays data by up to 20 ms to 1 s: less or more than the timeout of a call.
func delay(b *blow) error {
	b.server.Proxy.Delay(time.Duration(20+b.rnd.IntN(1000)) * time.Millisecond)
	b.wait(time.Second, 6*time.Second)
	b.server.Proxy.Delay(0)
	return nil
}

// promotion limits both parts of a requested failover, which take about 2 s.
const promotion = 20 * time.Second

// failOver requests a failover from a Sentinel. The Sentinel refuses while it
// considers the replica down, which may last for some time after a fault.
func failOver(b *blow) (err error) {
	before := b.Rig.Redis.Master(b.ctx)
	for deadline := time.Now().Add(promotion); b.ctx.Err() == nil && time.Now().Before(deadline); sleep(b.ctx, 50*time.Millisecond) {
		if _, err = b.Rig.Redis.Sentinels[0].Do(b.repairing(), "SENTINEL", "FAILOVER", "main"); err == nil {
			break
		}
	}
	for deadline := time.Now().Add(promotion); err == nil && b.ctx.Err() == nil && time.Now().Before(deadline); sleep(b.ctx, 50*time.Millisecond) {
		if at := b.Rig.Redis.Master(b.repairing()); at >= 0 && at != before {
			break
		}
	}
	return err
}

func moveSlots(b *blow) error { return b.Rig.Redis.MoveSlots(b.repairing(), b.rnd, 8) }
