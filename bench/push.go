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

type pushCommand struct {
	targetFlags
	pushSizes
}

// pushSizes are the sizes of a run.
type pushSizes struct {
	Rate     int           `default:"200" help:"Steps per second, evenly spread, whether or not the server keeps up."`
	Duration time.Duration `default:"10s" help:"How long steps are made."`
	Pages    int           `default:"100" help:"How many pages take turns; use more if a step takes longer than pages/rate seconds."`
}

// Validate is called by kong.
func (c *pushCommand) Validate() error {
	if err := c.targetFlags.Validate(); err != nil {
		return err
	}
	if c.Rate < 1 || c.Pages < 1 || c.Duration <= 0 {
		return errors.New("--rate, --pages and --duration must be positive")
	}
	return nil
}

// pushResult is how long steps take. Times count from when a step was due, so
// that a server that falls behind does not look faster because it is called less.
type pushResult struct {
	Rate     float64 `json:"rate"`          // steps per second that succeeded
	Due      int     `json:"due"`           // steps that were due
	Failed   int     `json:"failed"`        // steps that failed
	Why      string  `json:"why,omitempty"` // the first failure
	Call     times   `json:"call"`          // until the phone had its answer
	Received times   `json:"received"`      // until the page had the message
	StepCPU  float64 `json:"stepCPU"`       // milliseconds of all nodes' CPU per step; 0: unknown
}

// Run lets phones scan and cancel, so that each page continues with the next code.
func (c *pushCommand) Run(ctx context.Context) error {
	s, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.requireSecret(); err != nil {
		return err
	}
	r := c.newResult("push", s)
	if r.Push, err = measurePush(ctx, s, c.pushSizes); err != nil {
		return err
	}
	return c.conclude(r, func(w *tabwriter.Writer) { printPush(w, r.Push) })
}

// measurePush opens pages and measures steps.
func measurePush(ctx context.Context, s *system, sizes pushSizes) (*pushResult, error) {
	run := &pushRun{pushSizes: sizes, s: s, dialer: s.newDialers()[0], ready: make(chan *pair, sizes.Pages), call: newHistogram(), received: newHistogram()}
	defer run.close()
	if err := run.openAll(ctx); err != nil {
		return nil, err
	}
	progress("%d pages take turns", sizes.Pages)
	before, err := s.cpu(ctx)
	if err != nil {
		return nil, err
	}
	took, err := run.steps(ctx)
	if err != nil {
		return nil, err
	}
	used, err := s.cpuSince(ctx, before)
	if err != nil {
		return nil, err
	}
	return run.result(took, used)
}

// pushRun is one run of steps.
type pushRun struct {
	pushSizes
	s      *system
	dialer *dialer
	ready  chan *pair
	due    int // steps that were due

	mu             sync.Mutex
	call, received *hdrhistogram.Histogram
	failed         int
	why            error
}

// pair is a page and its user's phone.
type pair struct {
	page    *page
	number  int // of the page
	phone   *phone
	scanned bool // the next step is cancel
	logins  int  // canceled logins
}

// nextUser uses another user for the next login: a user who cancels repeatedly
// enters a cool-down.
func (p *pair) nextUser(s *system) (err error) {
	p.logins++
	p.phone, err = s.newPhone(fmt.Sprintf("user %d.%d", p.number, p.logins))
	return err
}

func (run *pushRun) openAll(ctx context.Context) error {
	for i := range run.Pages {
		opened, err := run.dialer.open(ctx, pageState{})
		if err != nil {
			return fmt.Errorf("page %d: %w", i+1, err)
		}
		p := &pair{page: opened, number: i}
		if err := p.nextUser(run.s); err != nil {
			return err
		}
		run.ready <- p
	}
	return nil
}

// steps makes each step when it is due, and returns how long all took.
func (run *pushRun) steps(ctx context.Context) (time.Duration, error) {
	var all sync.WaitGroup
	defer all.Wait()
	began := time.Now()
	every := time.Second / time.Duration(run.Rate)
	for shown := began; ; run.due++ {
		due := began.Add(time.Duration(run.due) * every)
		if due.Sub(began) >= run.Duration {
			break
		}
		if err := pause(ctx, time.Until(due)); err != nil {
			return 0, err
		}
		if time.Since(shown) > 5*time.Second {
			shown = time.Now()
			progress("%d steps were due", run.due)
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case p := <-run.ready:
			all.Go(func() { run.step(ctx, p, due) })
		}
	}
	all.Wait()
	return time.Since(began), nil
}

// step makes the next step of a pair, and returns the pair to ready.
func (run *pushRun) step(ctx context.Context, p *pair, due time.Time) {
	defer func() { run.ready <- p }()
	path, event := "scanned", "scanned"
	if p.scanned {
		path, event = "cancel", "canceled"
	}
	random := p.page.random
	answered := make(chan error, 1)
	var call time.Duration
	go func() {
		err := p.phone.step(ctx, path, random)
		call = time.Since(due)
		answered <- err
	}()
	waiting, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	err := p.page.await(waiting, `"event":"`+event+`"`)
	received := time.Since(due)
	if failed := <-answered; failed != nil {
		err = failed // it is the cause of the page's error
	}
	p.scanned = !p.scanned
	run.record(call, received, err)
	if err == nil && !p.scanned {
		err = cmp.Or(p.nextUser(run.s), p.page.await(waiting, status+"1,")) // the next code
	}
	if err != nil && ctx.Err() == nil {
		run.reopen(ctx, p, err)
	}
}

func (run *pushRun) record(call, received time.Duration, err error) {
	run.mu.Lock()
	defer run.mu.Unlock()
	if err != nil {
		run.failed, run.why = run.failed+1, cmp.Or(run.why, err)
		return
	}
	record(run.call, call)
	record(run.received, received)
}

// reopen opens a new page after a failure, or when the page has reached its
// maximum of codes.
func (run *pushRun) reopen(ctx context.Context, p *pair, why error) {
	_ = p.page.conn.CloseNow()
	p.scanned = false
	for ctx.Err() == nil {
		opened, err := run.dialer.open(ctx, pageState{})
		if err == nil {
			p.page = opened
			return
		}
		run.mu.Lock()
		run.why = cmp.Or(run.why, fmt.Errorf("%w, and then: %w", why, err))
		run.mu.Unlock()
		_ = pause(ctx, time.Second)
	}
}

func (run *pushRun) close() {
	for {
		select {
		case p := <-run.ready:
			_ = p.page.conn.CloseNow()
		default:
			return
		}
	}
}

func (run *pushRun) result(took time.Duration, used cpuTime) (*pushResult, error) {
	done := run.call.TotalCount()
	if done == 0 {
		return nil, fmt.Errorf("none of %d steps succeeded: %w", run.due, run.why)
	}
	r := &pushResult{
		Rate: float64(done) / took.Seconds(), Due: run.due, Failed: run.failed,
		Call: timesOf(run.call), Received: timesOf(run.received), StepCPU: perItem(used.nodes, int(done)),
	}
	if run.why != nil {
		r.Why = run.why.Error()
	}
	return r, nil
}

func printPush(w *tabwriter.Writer, r *pushResult) {
	fmt.Fprintf(w, "\tsteps due\tfailed\tsteps/s\tCPU/step\t\n\t%d\t%d\t%.1f\t%.3f ms\t\n", r.Due, r.Failed, r.Rate, r.StepCPU)
	fmt.Fprint(w, timesHead)
	r.Call.row(w, "until the phone is answered")
	r.Received.row(w, "until the page received it")
	if r.Why != "" {
		fmt.Fprintf(w, "first failure: %s\n", r.Why)
	}
}
