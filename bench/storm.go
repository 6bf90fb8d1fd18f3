package main

import (
	"cmp"
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
	Pages  int           `default:"1000" help:"How many pages to open; this process holds them, one open file each."`
	Spread time.Duration `default:"0s" help:"Time over which the pages' first attempts to reconnect are spread; the browser module spreads them over 5s."`
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

// stormResult describes the reconnection.
type stormResult struct {
	Pages      int     `json:"pages"`
	Back       int     `json:"back"`          // pages that show a code again
	Resumed    int     `json:"resumed"`       // pages that show the same code as before
	Retries    int     `json:"retries"`       // attempts that failed
	Why        string  `json:"why,omitempty"` // the last of these failures
	Seconds    float64 `json:"seconds"`       // until the last page was back
	ConnectCPU float64 `json:"connectCPU"`    // milliseconds of all nodes' CPU per page; 0: unknown
	Return     times   `json:"return"`        // from a page's first attempt until it was back
}

// Run measures the reconnection and prints the result.
func (c *stormCommand) Run(ctx context.Context) error {
	s, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	r := c.newResult("storm", s)
	if r.Storm, err = measureStorm(ctx, s, c.Pages, c.Spread, func() {}); err != nil {
		return err
	}
	return c.conclude(r, func(w *tabwriter.Writer) { printStorm(w, r.Storm) })
}

// measureStorm opens pages, cuts all of them at once, and waits until they have
// reconnected. It calls onCut when the connections have been cut.
func measureStorm(ctx context.Context, s *system, pages int, spread time.Duration, onCut func()) (*stormResult, error) {
	run := &stormRun{dialers: s.newDialers(), pages: make([]*page, pages), took: newHistogram()}
	defer run.cut()
	if err := run.openAll(ctx); err != nil {
		return nil, err
	}
	before, err := s.cpu(ctx)
	if err != nil {
		return nil, err
	}
	progress("all %d connections are cut", pages)
	onCut()
	run.cut()
	took := run.reconnectAll(ctx, spread)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	used, err := s.cpuSince(ctx, before)
	if err != nil {
		return nil, err
	}
	return run.result(took, used), nil
}

type stormRun struct {
	dialers []*dialer
	pages   []*page
	reading sync.WaitGroup

	mu      sync.Mutex
	took    *hdrhistogram.Histogram
	resumed int
	retries int
	why     error
}

func (run *stormRun) openAll(ctx context.Context) error {
	opening{dialers: run.dialers, pages: len(run.pages)}.run(ctx, func(i int, p *page, _ time.Duration, err error) {
		run.mu.Lock()
		defer run.mu.Unlock()
		if err != nil {
			run.why = err
			return
		}
		run.keep(ctx, i, p)
	})
	if err := cmp.Or(run.why, ctx.Err()); err != nil {
		return fmt.Errorf("not all pages could be opened: %w", err)
	}
	progress("%d pages wait", len(run.pages))
	return nil
}

// keep stores page i, and reads from it so that pings are answered.
func (run *stormRun) keep(ctx context.Context, i int, p *page) {
	run.pages[i] = p
	run.reading.Go(func() { _ = p.await(context.WithoutCancel(ctx), never) })
}

// cut ends all connections without close frames, as a network failure does.
func (run *stormRun) cut() {
	for _, p := range run.pages {
		if p != nil {
			_ = p.conn.CloseNow()
		}
	}
	run.reading.Wait()
}

// reconnectTime is how long a page tries to reconnect.
const reconnectTime = time.Minute

// reconnectAll reconnects all pages, and returns how long that took.
func (run *stormRun) reconnectAll(ctx context.Context, spread time.Duration) time.Duration {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, reconnectTime+spread)
	defer cancel()
	n := len(run.pages)
	_ = each(ctx, n, n, func(i int) error {
		if err := pause(ctx, spread*time.Duration(i)/time.Duration(n)); err != nil {
			return err
		}
		run.reconnect(ctx, i)
		return nil
	})
	return time.Since(began)
}

// reconnect reconnects one page with a backoff, as docs/api.md requires of pages.
func (run *stormRun) reconnect(ctx context.Context, i int) {
	began := time.Now()
	before := run.pages[i]
	for backoff := 100 * time.Millisecond; ctx.Err() == nil; backoff *= 2 {
		p, err := run.dialers[i%len(run.dialers)].open(ctx, before.pageState)
		run.mu.Lock()
		if err == nil {
			if p.random == before.random {
				run.resumed++
			}
			run.keep(ctx, i, p)
			record(run.took, time.Since(began))
			if back := run.took.TotalCount(); back%1000 == 0 {
				progress("%d pages are back", back)
			}
			run.mu.Unlock()
			return
		}
		run.retries, run.why = run.retries+1, err
		run.mu.Unlock()
		_ = pause(ctx, backoff)
	}
}

func (run *stormRun) result(took time.Duration, used cpuTime) *stormResult {
	back := run.took.TotalCount()
	out := &stormResult{
		Pages: len(run.pages), Back: int(back), Resumed: run.resumed, Retries: run.retries, Seconds: took.Seconds(),
		ConnectCPU: perItem(used.nodes, int(back)), Return: timesOf(run.took),
	}
	if run.why != nil {
		out.Why = run.why.Error()
	}
	return out
}

func printStorm(w *tabwriter.Writer, r *stormResult) {
	fmt.Fprintf(w, "\tpages\tback\tresumed\tretries\tuntil all were\tCPU/page\t\n\t%d\t%d\t%d\t%d\t%.2f s\t%.3f ms\t\n", r.Pages, r.Back, r.Resumed, r.Retries, r.Seconds, r.ConnectCPU)
	fmt.Fprint(w, timesHead)
	r.Return.row(w, "reconnect")
	if r.Why != "" {
		fmt.Fprintf(w, "last failure: %s\n", r.Why)
	}
}
