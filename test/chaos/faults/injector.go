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

// storm is how many faults are injected together, without a calm between them.
const storm = 6

// Injector injects faults.
type Director struct {
	Rig   *cluster.Rig
	Log   *history.Log
	Rand  *rand.Rand
	Kinds []string // names of faults
	First []string // those of Kinds that are injected first, in this order
	Say   func(string)

	deck  []fault
	nodes []sync.Mutex // each is held during a fault of that node
	redis sync.Mutex   // held during a fault of Redis
}

// Choose returns the kinds in a list ("all", or names separated by commas). It
// fails if a Redis mode does not support one of them.
func Choose(list, form string) ([]string, error) {
	var chosen []string
	for _, f := range faults {
		if f.goesWith(form) && (list == "all" || slices.Contains(strings.Split(list, ","), f.name)) {
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
		if f.goesWith(form) {
			all = append(all, f.name)
		}
	}
	return all
}

// Run injects faults until the time is over or ctx ends: one fault alone, then
// several together, and so on, with a calm after each. It may take a little longer,
// because the last calm is complete. An error means that the cluster could not be
// repaired.
func (d *Director) Run(ctx context.Context, until time.Time) error {
	d.nodes = make([]sync.Mutex, len(d.Rig.Nodes))
	if d.Rig.Redis.Form == cluster.Sentinel {
		watching, stop := context.WithCancel(ctx)
		var watch sync.WaitGroup
		watch.Go(func() { d.watchReplication(watching) })
		defer watch.Wait()
		defer stop()
	}
	sleep(ctx, warmUp)
	for act := 1; time.Until(until) > Calm+warmUp && ctx.Err() == nil; act++ {
		var err error
		if act%2 == 0 {
			err = d.together(ctx)
		} else {
			err = d.strike(ctx, d.draw(), rand.New(rand.NewPCG(d.Rand.Uint64(), 0)), true)
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
func (d *Director) turn(f fault) int {
	if at := slices.Index(d.First, f.name); at >= 0 {
		return at
	}
	return len(d.First)
}

// next returns the next kind of a shuffled queue, so that all occur equally often.
func (d *Director) draw() fault {
	if len(d.deck) == 0 {
		for _, f := range faults {
			if slices.Contains(d.Kinds, f.name) {
				d.deck = append(d.deck, f)
			}
		}
		d.Rand.Shuffle(len(d.deck), func(i, j int) { d.deck[i], d.deck[j] = d.deck[j], d.deck[i] })
		slices.SortStableFunc(d.deck, func(a, b fault) int { return d.turn(a) - d.turn(b) })
		d.First = nil
	}
	f := d.deck[0]
	d.deck = d.deck[1:]
	return f
}

func (d *Director) together(ctx context.Context) error {
	var all sync.WaitGroup
	errs := make([]error, storm)
	for i := range storm {
		f, r := d.draw(), rand.New(rand.NewPCG(d.Rand.Uint64(), 0))
		all.Go(func() { errs[i] = d.strike(ctx, f, r, false) })
		sleep(ctx, time.Duration(d.Rand.Int64N(int64(3*time.Second))))
	}
	all.Wait()
	return errors.Join(errs...)
}

// inject injects one fault and records it.
func (d *Director) strike(ctx context.Context, f fault, r *rand.Rand, alone bool) error {
	b := &blow{Director: d, ctx: ctx, rnd: r, note: history.Strike{Kind: f.name, Node: -1, Alone: alone, Lossy: f.lossy}}
	if f.onNode {
		b.note.Node = r.IntN(len(d.Rig.Nodes))
		b.node = d.Rig.Nodes[b.note.Node]
		b.note.Target = fmt.Sprint("node", b.note.Node)
		d.nodes[b.note.Node].Lock()
		defer d.nodes[b.note.Node].Unlock()
	} else {
		at := r.IntN(len(d.Rig.Redis.Servers))
		b.server = d.Rig.Redis.Servers[at]
		b.note.Target = fmt.Sprint("redis", at)
		d.redis.Lock()
		defer d.redis.Unlock()
	}
	if ctx.Err() != nil {
		return nil
	}
	d.Say(fmt.Sprintf("fault %s on %s", f.name, b.note.Target))
	b.note.From = d.Log.Now()
	err := f.hit(b)
	if err == nil && !f.onNode {
		err = d.Rig.Redis.Heal(context.WithoutCancel(ctx))
	}
	b.note.To = d.Log.Now()
	d.Log.AddStrike(b.note)
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
