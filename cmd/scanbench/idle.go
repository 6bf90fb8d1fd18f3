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

// idleResult is what some number of waiting pages cost, beyond the node that
// has none; bytes are of one page.
type idleResult struct {
	Pages         int     `json:"pages"`
	Failed        int     `json:"failed"`    // could not be opened
	Resident      float64 `json:"resident"`  // bytes, as it is when all are open
	Collected     float64 `json:"collected"` // bytes, once the garbage was collected; 0: not waited for
	Heap          float64 `json:"heap"`      // bytes of objects, at that time
	Stacks        float64 `json:"stacks"`    // bytes, at that time
	Goroutines    float64 `json:"goroutines"`
	ConnectCPU    float64 `json:"connectCPU"` // milliseconds of CPU to open one
	ConnectRate   float64 `json:"connectRate"`
	IdleCPU       float64 `json:"idleCPU"` // percent of one CPU for all that wait
	Connect       times   `json:"connect"`
	LostMeanwhile int     `json:"lostMeanwhile"` // pages that were closed while they waited
}

// Run measures one number of pages after the other; those that are open stay.
func (c *idleCommand) Run(ctx context.Context, o output) error {
	t, err := c.open(ctx, o)
	if err != nil {
		return err
	}
	defer t.close()
	r := c.newResult("idle", t)
	n := t.nodes[len(t.nodes)-1]
	empty, err := n.measure(ctx)
	if err != nil {
		return err
	}
	crowd := new(crowd)
	defer crowd.close()
	for _, pages := range c.Pages {
		one, err := c.measure(ctx, n, crowd, pages, empty, o)
		if err != nil {
			return err
		}
		r.Idle = append(r.Idle, one)
	}
	return c.conclude(r, o, func(w *tabwriter.Writer) { printIdle(w, r.Idle) })
}

func (c *idleCommand) measure(ctx context.Context, n node, all *crowd, pages int, empty gauges, o output) (idleResult, error) {
	one := idleResult{Pages: pages}
	before, err := n.measure(ctx)
	if err != nil {
		return one, err
	}
	began, had := time.Now(), all.open
	connect, err := all.grow(ctx, c, n, pages, o)
	if err != nil {
		return one, err
	}
	took := time.Since(began)
	opened, err := n.measure(ctx)
	if err != nil {
		return one, err
	}
	if all.open == had {
		return one, fmt.Errorf("no page could be opened: %s", all.why)
	}
	fresh := float64(all.open - had)
	one.Failed, one.Connect = pages-all.open, timesOf(connect)
	one.Resident = (opened.resident - empty.resident) / float64(all.open)
	one.Goroutines = (opened.goroutines - empty.goroutines) / float64(all.open)
	one.ConnectCPU, one.ConnectRate = (opened.cpu-before.cpu)*1000/fresh, fresh/took.Seconds()
	o.say("%d pages wait; the node has %.1f MB", all.open, opened.resident/1e6)
	return one, c.wait(ctx, n, all, empty, &one, o)
}

// wait measures the node while nothing happens.
func (c *idleCommand) wait(ctx context.Context, n node, all *crowd, empty gauges, one *idleResult, o output) error {
	before, err := n.measure(ctx)
	if err != nil {
		return err
	}
	if err := pause(ctx, c.Watch); err != nil {
		return err
	}
	after, err := n.measure(ctx)
	if err != nil {
		return err
	}
	if c.Watch > 0 {
		one.IdleCPU = (after.cpu - before.cpu) / c.Watch.Seconds() * 100
	}
	if c.Settle > 0 {
		o.say("waiting for the node to collect its garbage, %v at most", c.Settle)
	}
	for deadline := time.Now().Add(c.Settle); time.Now().Before(deadline); {
		if after, err = n.measure(ctx); err != nil {
			return err
		}
		if after.collected > before.collected {
			one.Collected = (after.resident - empty.resident) / float64(all.open)
			break
		}
		if err := pause(ctx, min(time.Second, time.Until(deadline))); err != nil {
			return err
		}
	}
	one.Heap = (after.heap - empty.heap) / float64(all.open)
	one.Stacks = (after.stacks - empty.stacks) / float64(all.open)
	one.LostMeanwhile = max(0, all.open-int(after.sockets))
	return nil
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
	fmt.Fprint(w, "pages\tfailed\tlost\tresident\tcollected\theap\tstacks\tgoroutines\tCPU/connect\tconnects\tidle CPU\t\n")
	fmt.Fprint(w, "\t\t\tB/page\tB/page\tB/page\tB/page\t/page\tms\t/s\t%\t\n")
	for _, r := range all {
		fmt.Fprintf(w, "%d\t%d\t%d\t%.0f\t%.0f\t%.0f\t%.0f\t%.2f\t%.3f\t%.0f\t%.2f\t\n", r.Pages, r.Failed, r.LostMeanwhile,
			r.Resident, r.Collected, r.Heap, r.Stacks, r.Goroutines, r.ConnectCPU, r.ConnectRate, r.IdleCPU)
	}
	fmt.Fprint(w, timesHead)
	for _, r := range all {
		r.Connect.row(w, fmt.Sprintf("connect, %d pages", r.Pages))
	}
}
