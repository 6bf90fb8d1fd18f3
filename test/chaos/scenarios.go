package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/test/chaos/actors"
	"github.com/scanlogin/scanlogin/test/chaos/faults"
)

// runScenarios runs scenarios until all faults have been injected and the calm after
// the last one is over.
func (r *run) runScenarios(ctx context.Context, kinds []string) error {
	playing, stop := context.WithCancel(ctx)
	defer stop()
	var all sync.WaitGroup
	next := make(chan int)
	for range r.Scenarios {
		all.Go(func() { r.runNumbered(playing, next) })
	}
	all.Go(func() { r.numberScenarios(playing, next) })
	all.Go(func() { r.progress(playing) })
	injector := &faults.Injector{
		Cluster: r.cluster, Log: r.log, Rand: rand.New(rand.NewPCG(r.Seed, 1)), Kinds: kinds, First: strings.Split(r.First, ","),
		Progress: func(text string) { fmt.Printf("%6.1fs  %s\n", r.log.Now().Seconds(), text) },
	}
	err := injector.Run(playing, time.Now().Add(r.Duration))
	stop()
	all.Wait()
	return errors.Join(err, ctx.Err())
}

// numberScenarios sends the numbers of scenarios. The first ones are spread over two seconds.
func (r *run) numberScenarios(ctx context.Context, next chan<- int) {
	defer close(next)
	for n := 1; ; n++ {
		if n <= r.Scenarios {
			time.Sleep(2 * time.Second / time.Duration(r.Scenarios))
		}
		select {
		case <-ctx.Done():
			return
		case next <- n:
		}
	}
}

func (r *run) runNumbered(ctx context.Context, next <-chan int) {
	for n := range next {
		end := actors.NewScenario(r.environment, r.Seed, n).Run(ctx)
		if ctx.Err() != nil {
			end = "interrupted at the end of the run"
		}
		r.mu.Lock()
		r.ends[end]++
		r.mu.Unlock()
	}
}

// progress prints the progress every few seconds.
func (r *run) progress(ctx context.Context) {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		r.mu.Lock()
		finished := 0
		for _, n := range r.ends {
			finished += n
		}
		r.mu.Unlock()
		h := r.log.History()
		fmt.Printf("%6.1fs  %d scenarios finished, %d events, %d faults\n", r.log.Now().Seconds(), finished, len(h.Events), len(h.Faults))
	}
}
