package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"
)

type idleCommand struct {
	targetFlags
	Pages     []int         `default:"1000,10000" help:"How many pages to open; several numbers, rising, are measured one after the other."`
	Rate      int           `default:"500" help:"How many to open a second."`
	Watch     time.Duration `default:"30s" help:"How long the node's CPU is measured while all wait; pings come every 25 s."`
	Settle    time.Duration `default:"150s" help:"How long to wait for the node to collect its garbage, which an idle one does every two minutes; 0: not."`
	PerClient int           `default:"15000" help:"How many pages one process of ours holds, one file each."`
}

// Validate is called by kong.
func (c *idleCommand) Validate() error {
	if err := c.targetFlags.Validate(); err != nil {
		return err
	}
	last := 0
	for _, n := range c.Pages {
		if n <= last {
			return errors.New("--pages must rise, from 1")
		}
		last = n
	}
	switch {
	case len(c.URL) > 0 && len(c.Ops) == 0:
		return errors.New("--ops is missing: the memory of the node is read from its ops_listen")
	case c.Rate < 1 || c.PerClient < 1 || c.Watch < 0 || c.Settle < 0:
		return errors.New("--rate and --per-client must be at least 1, --watch and --settle not negative")
	}
	return nil
}

// idleResult is what some number of waiting pages cost, beyond the same node
// with none, after it has served some; bytes are of one page.
type idleResult struct {
	Pages       int     `json:"pages"`
	Failed      int     `json:"failed"`   // could not be opened
	Lost        int     `json:"lost"`     // were closed while they waited
	Resident    float64 `json:"resident"` // bytes that the node has of the system when all are open
	Waiting     float64 `json:"waiting"`  // the same when they have waited
	Live        float64 `json:"live"`     // bytes of heap and stacks after a collection; 0: none was seen
	Objects     float64 `json:"objects"`  // bytes of what is alive, at that time
	Stacks      float64 `json:"stacks"`   // bytes of stacks, at that time
	Goroutines  float64 `json:"goroutines"`
	ConnectCPU  float64 `json:"connectCPU"`  // milliseconds of CPU to open one
	ConnectRate float64 `json:"connectRate"` // that were opened a second
	IdleCPU     float64 `json:"idleCPU"`     // percent of one CPU for all that wait
	Connect     times   `json:"connect"`
}

// Run measures one number of pages after the other; those that are open stay.
func (c *idleCommand) Run(ctx context.Context, o output) error {
	t, err := c.open(ctx, o)
	if err != nil {
		return err
	}
	defer t.close()
	r := c.newResult("idle", t)
	run := &idleRun{idleCommand: c, node: t.nodes[len(t.nodes)-1], o: o}
	defer run.crowd.close()
	if err := run.warm(ctx); err != nil {
		return err
	}
	for _, pages := range c.Pages {
		one, err := run.measure(ctx, pages)
		if err != nil {
			return err
		}
		r.Idle = append(r.Idle, one)
	}
	return c.conclude(r, o, func(w *tabwriter.Writer) { printIdle(w, r.Idle) })
}

// idleRun is one run; its node is the one that pages go to.
type idleRun struct {
	*idleCommand
	node  node
	o     output
	empty nodeState // without pages
	crowd crowd
}

// nodeState is a node as it is, and as it is after a collection, if one was
// seen.
type nodeState struct {
	now, live gauges
	collected bool
}

func (run *idleRun) state(ctx context.Context) (s nodeState, err error) {
	if s.now, err = run.node.measure(ctx); err != nil || run.Settle == 0 {
		return s, err
	}
	run.o.say("waiting for the node to collect its garbage, %v at most", run.Settle)
	s.live, s.collected, err = run.node.collect(ctx, run.Settle)
	return s, err
}

// warmUp is how many pages come and go before the empty node is measured, so
// that what a node needs once is not counted as a page's.
const warmUp = 200

func (run *idleRun) warm(ctx context.Context) error {
	before, err := run.node.measure(ctx)
	if err != nil {
		return err
	}
	var first crowd
	_, err = first.grow(ctx, run, warmUp)
	first.close()
	if err != nil {
		return err
	}
	if first.open == 0 {
		return fmt.Errorf("no page could be opened: %s", first.why)
	}
	for deadline := time.Now().Add(callTime); time.Now().Before(deadline); { // until the node has noticed
		g, err := run.node.measure(ctx)
		if err != nil {
			return err
		}
		if g.sockets <= before.sockets {
			break
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	run.empty, err = run.state(ctx)
	return err
}

// measure opens as many pages as are missing, and measures the node.
func (run *idleRun) measure(ctx context.Context, pages int) (idleResult, error) {
	one := idleResult{Pages: pages}
	before, err := run.node.measure(ctx)
	if err != nil {
		return one, err
	}
	began, had := time.Now(), run.crowd.open
	connect, err := run.crowd.grow(ctx, run, pages)
	if err != nil {
		return one, err
	}
	took := time.Since(began)
	opened, err := run.node.measure(ctx)
	if err != nil {
		return one, err
	}
	if run.crowd.open == had {
		return one, fmt.Errorf("no more than %d pages could be opened: %s", had, run.crowd.why)
	}
	fresh, open := float64(run.crowd.open-had), float64(run.crowd.open)
	one.Failed, one.Connect = pages-run.crowd.open, timesOf(connect)
	one.Resident = (opened.resident - run.empty.now.resident) / open
	one.Goroutines = (opened.goroutines - run.empty.now.goroutines) / open
	one.ConnectCPU, one.ConnectRate = (opened.cpu-before.cpu)*1000/fresh, fresh/took.Seconds()
	run.o.say("%d pages wait; the node has %.1f MB", run.crowd.open, opened.resident/1e6)
	if err := pause(ctx, run.Watch); err != nil {
		return one, err
	}
	waited, err := run.state(ctx)
	if err != nil {
		return one, err
	}
	one.after(run.Watch, opened, waited, run.empty, open)
	return one, nil
}

// after notes what was measured when the pages had waited for watch.
func (one *idleResult) after(watch time.Duration, opened gauges, waited, empty nodeState, open float64) {
	if watch > 0 {
		one.IdleCPU = (waited.now.cpu - opened.cpu) / watch.Seconds() * 100
	}
	one.Waiting = (waited.now.resident - empty.now.resident) / open
	one.Lost = max(0, int(open-waited.now.sockets))
	if !waited.collected || !empty.collected {
		return
	}
	one.Live = (waited.live.heap + waited.live.stacks - empty.live.heap - empty.live.stacks) / open
	one.Objects = (waited.live.objects - empty.live.objects) / open
	one.Stacks = (waited.live.stacks - empty.live.stacks) / open
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func printIdle(w *tabwriter.Writer, all []idleResult) {
	fmt.Fprint(w, "pages\tfailed\tlost\tresident\twaiting\tlive\tobjects\tstacks\tgoroutines\tCPU/connect\tconnects\tidle CPU\t\n")
	fmt.Fprint(w, "\t\t\tB/page\tB/page\tB/page\tB/page\tB/page\t/page\tms\t/s\t%\t\n")
	for _, r := range all {
		fmt.Fprintf(w, "%d\t%d\t%d\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.2f\t%.3f\t%.0f\t%.2f\t\n", r.Pages, r.Failed, r.Lost,
			r.Resident, r.Waiting, r.Live, r.Objects, r.Stacks, r.Goroutines, r.ConnectCPU, r.ConnectRate, r.IdleCPU)
	}
	fmt.Fprint(w, timesHead)
	for _, r := range all {
		r.Connect.row(w, fmt.Sprintf("connect, %d pages", r.Pages))
	}
}
