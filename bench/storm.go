package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

type stormCommand struct {
	targetFlags
	Pages  int           `default:"1000" help:"How many pages there are; one process of ours holds them, one file each."`
	Spread time.Duration `default:"0s" help:"Within which time they come back, each at random; the browser module takes 5s."`
}

// Validate is called by kong.
func (c *stormCommand) Validate() error {
	if err := c.targetFlags.Validate(); err != nil {
		return err
	}
	if c.Pages < 1 || c.Spread < 0 {
		return errors.New("--pages must be positive, --spread not negative")
	}
	return nil
}

// stormResult is how everybody came back.
type stormResult struct {
	Pages      int     `json:"pages"`
	Back       int     `json:"back"`    // that show a code again
	Resumed    int     `json:"resumed"` // … the one that they showed before
	Retries    int     `json:"retries"` // attempts that failed
	Why        string  `json:"why,omitempty"`
	Seconds    float64 `json:"seconds"`    // until the last was back
	ConnectCPU float64 `json:"connectCPU"` // milliseconds of all nodes' CPU a page; 0: not known
	Return     times   `json:"return"`     // of a page, from when it set out
}

// Run opens pages, cuts all of them at once, and waits until they are back.
func (c *stormCommand) Run(ctx context.Context, o output) error {
	t, err := c.open(ctx, o)
	if err != nil {
		return err
	}
	defer t.close()
	r := c.newResult("storm", t)
	run := &stormRun{pages: make([]*page, c.Pages), took: newHistogram()}
	for _, from := range sources(t.pages(), sourceAddresses) {
		run.from = append(run.from, newDialer(t.pages(), t.pool, from))
	}
	defer run.cut()
	if err := run.openAll(ctx, o); err != nil {
		return err
	}
	before, err := t.cpu(ctx)
	if err != nil {
		return err
	}
	o.say("all %d are cut off", c.Pages)
	run.cut()
	took := run.comeBack(ctx, c.Spread, o)
	if err := ctx.Err(); err != nil {
		return err
	}
	after, err := t.cpu(ctx)
	if err != nil {
		return err
	}
	r.Storm = run.result(took, after-before)
	return c.conclude(r, o, func(w *tabwriter.Writer) { printStorm(w, r.Storm) })
}

type stormRun struct {
	from    []*dialer
	pages   []*page
	reading sync.WaitGroup

	mu      sync.Mutex
	took    *hdrhistogram.Histogram
	resumed int
	retries int
	why     error
}

// each does something for all pages, at most atOnce at a time.
func (run *stormRun) each(atOnce int, do func(i int)) {
	places := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i := range run.pages {
		places <- struct{}{}
		all.Go(func() {
			do(i)
			<-places
		})
	}
	all.Wait()
}

func (run *stormRun) openAll(ctx context.Context, o output) error {
	run.each(openers, func(i int) {
		p, err := run.from[i%len(run.from)].open(ctx, nil)
		run.mu.Lock()
		defer run.mu.Unlock()
		if err != nil {
			run.why = err
			return
		}
		run.keep(ctx, i, p)
	})
	if run.why != nil {
		return fmt.Errorf("not all pages could be opened: %w", run.why)
	}
	o.say("%d pages wait", len(run.pages))
	return nil
}

// keep makes p the page number i, and has its pings answered, by who reads.
func (run *stormRun) keep(ctx context.Context, i int, p *page) {
	run.pages[i] = p
	run.reading.Go(func() { _ = p.await(context.WithoutCancel(ctx), "no such event") })
}

// cut ends all connections without a word, as a network does.
func (run *stormRun) cut() {
	for _, p := range run.pages {
		if p != nil {
			_ = p.conn.CloseNow()
		}
	}
	run.reading.Wait()
}

// patience is how long a page goes on trying to come back.
const patience = time.Minute

// comeBack has all pages connect again, and returns how long that took.
func (run *stormRun) comeBack(ctx context.Context, spread time.Duration, o output) time.Duration {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, patience+spread)
	defer cancel()
	n := len(run.pages)
	run.each(n, func(i int) {
		if pause(ctx, spread*time.Duration(i)/time.Duration(n)) != nil {
			return
		}
		run.reconnect(ctx, i, o)
	})
	return time.Since(began)
}

// reconnect brings one page back, with growing pauses, as the contract asks of
// pages.
func (run *stormRun) reconnect(ctx context.Context, i int, o output) {
	left := time.Now()
	before := run.pages[i]
	for grown := 100 * time.Millisecond; ctx.Err() == nil; grown *= 2 {
		p, err := run.from[i%len(run.from)].open(ctx, before)
		run.mu.Lock()
		if err == nil {
			run.keep(ctx, i, p)
			record(run.took, time.Since(left))
			if p.random == before.random {
				run.resumed++
			}
			if back := run.took.TotalCount(); back%1000 == 0 {
				o.say("%d are back", back)
			}
			run.mu.Unlock()
			return
		}
		run.retries, run.why = run.retries+1, err
		run.mu.Unlock()
		_ = pause(ctx, grown)
	}
}

func (run *stormRun) result(took time.Duration, cpu float64) *stormResult {
	back := run.took.TotalCount()
	out := &stormResult{
		Pages: len(run.pages), Back: int(back), Resumed: run.resumed, Retries: run.retries, Seconds: took.Seconds(),
		ConnectCPU: cpu * 1000 / float64(max(1, back)), Return: timesOf(run.took),
	}
	if run.why != nil {
		out.Why = run.why.Error()
	}
	return out
}

func printStorm(w *tabwriter.Writer, r *stormResult) {
	fmt.Fprintf(w, "\tpages\tback\tresumed\tretries\tuntil all were\tCPU/page\t\n\t%d\t%d\t%d\t%d\t%.2f s\t%.3f ms\t\n", r.Pages, r.Back, r.Resumed, r.Retries, r.Seconds, r.ConnectCPU)
	fmt.Fprint(w, timesHead)
	r.Return.row(w, "return")
	if r.Why != "" {
		fmt.Fprintf(w, "last failure: %s\n", r.Why)
	}
}
