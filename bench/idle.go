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
	Pages     []int         `default:"1000,10000" help:"How many pages to open; several rising numbers are measured one after the other."`
	Rate      int           `default:"500" help:"Pages opened per second."`
	Watch     time.Duration `default:"30s" help:"How long the node's CPU is measured while all pages wait; pings are sent every 25 s."`
	Settle    time.Duration `default:"150s" help:"How long to wait for a garbage collection, which an idle node runs every two minutes; 0: do not wait."`
	PerClient int           `default:"15000" help:"Pages per client process: one open file each."`
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
		return errors.New("--ops is missing: the node's memory is read from its ops_listen")
	case c.Rate < 1 || c.PerClient < 1 || c.Watch < 0 || c.Settle < 0:
		return errors.New("--rate and --per-client must be at least 1, --watch and --settle not negative")
	}
	return nil
}

// idleResult is the cost of waiting pages: the difference from the same node
// without pages, after it has served some. Bytes are per page.
type idleResult struct {
	Pages       int     `json:"pages"`
	Failed      int     `json:"failed"`   // could not be opened
	Lost        int     `json:"lost"`     // were closed while they waited
	Resident    float64 `json:"resident"` // resident bytes when all pages are open
	Waiting     float64 `json:"waiting"`  // resident bytes after the pages have waited
	Live        float64 `json:"live"`     // bytes of heap and stacks after a collection; 0: there was none
	Objects     float64 `json:"objects"`  // bytes of live objects at that time
	Stacks      float64 `json:"stacks"`   // bytes of stacks at that time
	Goroutines  float64 `json:"goroutines"`
	ConnectCPU  float64 `json:"connectCPU"`  // milliseconds of CPU to open one page
	ConnectRate float64 `json:"connectRate"` // pages opened per second
	IdleCPU     float64 `json:"idleCPU"`     // percent of one CPU while all pages wait
	Connect     times   `json:"connect"`
}

// Run measures one number of pages after the other. Open pages stay open.
func (c *idleCommand) Run(ctx context.Context) error {
	s, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	r := c.newResult("idle", s)
	run := &idleRun{idleCommand: c, system: s}
	defer run.pages.close()
	if err := run.warmUp(ctx); err != nil {
		return err
	}
	for _, pages := range c.Pages {
		one, err := run.measure(ctx, pages)
		if err != nil {
			return err
		}
		r.Idle = append(r.Idle, one)
	}
	return c.conclude(r, func(w *tabwriter.Writer) { printIdle(w, r.Idle) })
}

// idleRun is one run. It measures the node that pages connect to.
type idleRun struct {
	*idleCommand
	system *system
	empty  nodeState // without pages
	pages  pageHolders
	why    string // the last page that could not be opened
}

// nodeState is the state of a node now, and after a garbage collection if there
// was one.
type nodeState struct {
	now, live gauges
	collected bool
}

func (run *idleRun) state(ctx context.Context) (s nodeState, err error) {
	node := run.system.last()
	if s.now, err = node.measure(ctx); err != nil || run.Settle == 0 {
		return s, err
	}
	progress("waiting up to %v for a garbage collection", run.Settle)
	s.live, s.collected, err = node.awaitCollection(ctx, run.Settle)
	return s, err
}

// warmUpPages are opened and closed before the empty node is measured, so that
// one-time allocations are not counted as a page's.
const warmUpPages = 200

func (run *idleRun) warmUp(ctx context.Context) error {
	node := run.system.last()
	before, err := node.measure(ctx)
	if err != nil {
		return err
	}
	if _, err := run.grow(ctx, warmUpPages); err != nil {
		return err
	}
	opened := run.pages.open
	if _, err := run.pages.close(); err != nil {
		return err
	}
	if opened == 0 {
		return fmt.Errorf("no page could be opened: %s", run.why)
	}
	for deadline := time.Now().Add(callTime); time.Now().Before(deadline); { // until the node has noticed
		g, err := node.measure(ctx)
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

// grow opens pages until there are as many, and returns the connect times.
func (run *idleRun) grow(ctx context.Context, pages int) (times, error) {
	connect, failed, why, err := run.pages.grow(ctx, run.system, pages, growth{rate: run.Rate, perProcess: run.PerClient, progress: func(open, failed int) {
		progress("%d pages open, %d failed", open, failed)
	}})
	if err != nil {
		return times{}, err
	}
	if failed > 0 {
		run.why = why
		progress("%d pages could not be opened: %s", failed, why)
	}
	return timesOf(connect), nil
}

// measure opens the missing pages and measures the node.
func (run *idleRun) measure(ctx context.Context, pages int) (one idleResult, err error) {
	node := run.system.last()
	one.Pages = pages
	before, err := node.measure(ctx)
	if err != nil {
		return one, err
	}
	began, had := time.Now(), run.pages.open
	if one.Connect, err = run.grow(ctx, pages); err != nil {
		return one, err
	}
	took := time.Since(began)
	opened, err := node.measure(ctx)
	if err != nil {
		return one, err
	}
	if run.pages.open == had {
		return one, fmt.Errorf("no more than %d pages could be opened: %s", had, run.why)
	}
	fresh, open := float64(run.pages.open-had), float64(run.pages.open)
	one.Failed = pages - run.pages.open
	one.Resident = (opened.resident - run.empty.now.resident) / open
	one.Goroutines = (opened.goroutines - run.empty.now.goroutines) / open
	one.ConnectCPU, one.ConnectRate = (opened.cpu-before.cpu)*1000/fresh, fresh/took.Seconds()
	progress("%d pages wait; the node uses %.1f MB", run.pages.open, opened.resident/1e6)
	if err := pause(ctx, run.Watch); err != nil {
		return one, err
	}
	waited, err := run.state(ctx)
	if err != nil {
		return one, err
	}
	run.compareWaited(&one, opened, waited)
	return one, nil
}

// compareWaited adds what is measured after the pages have waited.
func (run *idleRun) compareWaited(one *idleResult, opened gauges, waited nodeState) {
	open, empty := float64(run.pages.open), run.empty
	if run.Watch > 0 {
		one.IdleCPU = (waited.now.cpu - opened.cpu) / run.Watch.Seconds() * 100
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
