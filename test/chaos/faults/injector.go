// Package faults injects faults of processes, Redis and the network into a cluster. It
// guarantees that each fault is repaired before the injection returns, that its times
// are recorded, and that incompatible faults do not overlap.
package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/test/chaos/cluster"
	"github.com/scanlogin/scanlogin/test/chaos/history"
)

// Calm is the time without faults after each injection: the 10 s within which
// pages must be up to date, and one second to see whether they are.
const Calm = 11 * time.Second

// warmUp is the time without faults at the start of a run, in which logins begin.
const warmUp = 5 * time.Second

// burst is how many faults are injected together, without a calm between them.
const burst = 6

// Injector injects faults.
type Injector struct {
	Cluster  *cluster.Cluster
	Log      *history.Log
	Rand     *rand.Rand
	Kinds    []string // names of faults
	First    []string // those of Kinds that are injected first, in this order
	Progress func(string)

	queue []fault
	nodes []sync.Mutex // each is held during a fault of that node
	redis sync.Mutex   // held during a fault of Redis
}

// Choose returns the kinds in a list ("all", or names separated by commas). It
// fails if a Redis mode does not support one of them.
func Choose(list, form string) ([]string, error) {
	var chosen []string
	for _, f := range faults {
		if f.supports(form) && (list == "all" || slices.Contains(strings.Split(list, ","), f.name)) {
			chosen = append(chosen, f.name)
		}
	}
	for name := range strings.SplitSeq(list, ",") {
		if list != "all" && !slices.Contains(chosen, name) {
			return nil, fmt.Errorf("unknown fault %q for Redis mode %s; known are %s", name, form, strings.Join(names(form), ", "))
		}
	}
	return chosen, nil
}

func names(form string) (all []string) {
	for _, f := range faults {
		if f.supports(form) {
			all = append(all, f.name)
		}
	}
	return all
}

// Run injects faults until the time is over or ctx ends: one fault alone, then
// several together, and so on, with a calm after each. It may take a little longer,
// because the last calm is complete. An error means that the cluster could not be
// repaired.
func (inj *Injector) Run(ctx context.Context, until time.Time) error {
	inj.nodes = make([]sync.Mutex, len(inj.Cluster.Nodes))
	if inj.Cluster.Redis.Mode == cluster.ModeSentinel {
		watching, stop := context.WithCancel(ctx)
		var watch sync.WaitGroup
		watch.Go(func() { inj.watchReplication(watching) })
		defer watch.Wait()
		defer stop()
	}
	sleep(ctx, warmUp)
	for act := 1; time.Until(until) > Calm+warmUp && ctx.Err() == nil; act++ {
		var err error
		if act%2 == 0 {
			err = inj.injectSeveral(ctx)
		} else {
			err = inj.inject(ctx, inj.next(), rand.New(rand.NewPCG(inj.Rand.Uint64(), 0)), true)
		}
		if err != nil {
			return err
		}
		sleep(ctx, Calm)
	}
	sleep(ctx, time.Until(until))
	return nil
}

// priority returns the index of a kind in First, or len(First).
func (inj *Injector) priority(f fault) int {
	if at := slices.Index(inj.First, f.name); at >= 0 {
		return at
	}
	return len(inj.First)
}

// next returns the next kind of a shuffled queue, so that all occur equally often.
func (inj *Injector) next() fault {
	if len(inj.queue) == 0 {
		for _, f := range faults {
			if slices.Contains(inj.Kinds, f.name) {
				inj.queue = append(inj.queue, f)
			}
		}
		inj.Rand.Shuffle(len(inj.queue), func(i, j int) { inj.queue[i], inj.queue[j] = inj.queue[j], inj.queue[i] })
		slices.SortStableFunc(inj.queue, func(a, b fault) int { return inj.priority(a) - inj.priority(b) })
		inj.First = nil
	}
	f := inj.queue[0]
	inj.queue = inj.queue[1:]
	return f
}

func (inj *Injector) injectSeveral(ctx context.Context) error {
	var all sync.WaitGroup
	errs := make([]error, burst)
	for i := range burst {
		f, r := inj.next(), rand.New(rand.NewPCG(inj.Rand.Uint64(), 0))
		all.Go(func() { errs[i] = inj.inject(ctx, f, r, false) })
		sleep(ctx, time.Duration(inj.Rand.Int64N(int64(3*time.Second))))
	}
	all.Wait()
	return errors.Join(errs...)
}

// inject injects one fault and records it.
func (inj *Injector) inject(ctx context.Context, f fault, r *rand.Rand, alone bool) error {
	in := &injection{Injector: inj, ctx: ctx, rand: r, record: history.Fault{Kind: f.name, Node: -1, Alone: alone, Lossy: f.lossy}}
	if f.onNode {
		in.record.Node = r.IntN(len(inj.Cluster.Nodes))
		in.node = inj.Cluster.Nodes[in.record.Node]
		in.record.Target = fmt.Sprint("node", in.record.Node)
		inj.nodes[in.record.Node].Lock()
		defer inj.nodes[in.record.Node].Unlock()
	} else {
		at := r.IntN(len(inj.Cluster.Redis.Servers))
		in.server = inj.Cluster.Redis.Servers[at]
		in.record.Target = fmt.Sprint("redis", at)
		inj.redis.Lock()
		defer inj.redis.Unlock()
	}
	if ctx.Err() != nil {
		return nil
	}
	inj.Progress(fmt.Sprintf("fault %s on %s", f.name, in.record.Target))
	in.record.From = inj.Log.Now()
	err := f.inject(in)
	if err == nil && !f.onNode {
		err = inj.Cluster.Redis.Heal(context.WithoutCancel(ctx))
	}
	in.record.To = inj.Log.Now()
	inj.Log.AddFault(in.record)
	if err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
