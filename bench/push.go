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
	Rate     int           `default:"200" help:"Steps a second, evenly spread, whether or not the server keeps up."`
	Duration time.Duration `default:"10s" help:"How long steps go on."`
	Pages    int           `default:"100" help:"How many pages take turns; more are needed where steps take longer than pages/rate seconds."`
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

// pushResult is how long steps take until everybody knows. Times are counted
// from when a step was due, so that a server which falls behind does not look
// faster by being asked less.
type pushResult struct {
	Rate    float64 `json:"rate"` // steps a second that were made
	Asked   int     `json:"asked"`
	Failed  int     `json:"failed"`
	Why     string  `json:"why,omitempty"` // the first failure
	Call    times   `json:"call"`          // until the phone was answered
	Told    times   `json:"told"`          // until the page was told
	StepCPU float64 `json:"stepCPU"`       // milliseconds of all nodes' CPU a step; 0: not known
}

// Run has phones scan and cancel, so that each page goes on with the next code.
func (c *pushCommand) Run(ctx context.Context, o output) error {
	t, err := c.open(ctx, o)
	if err != nil {
		return err
	}
	defer t.close()
	if err := t.needSteps(); err != nil {
		return err
	}
	r := c.newResult("push", t)
	run := &pushRun{c: c, t: t, from: newDialer(t.pages(), t.pool, ""), ready: make(chan *actor, c.Pages), call: newHistogram(), told: newHistogram()}
	defer run.close()
	if err := run.openAll(ctx); err != nil {
		return err
	}
	o.say("%d pages wait", c.Pages)
	before, err := t.cpu(ctx)
	if err != nil {
		return err
	}
	took, err := run.steps(ctx, o)
	if err != nil {
		return err
	}
	after, err := t.cpu(ctx)
	if err != nil {
		return err
	}
	if run.call.TotalCount() == 0 {
		return fmt.Errorf("no step of %d: %w", run.asked, run.why)
	}
	r.Push = &pushResult{
		Rate: float64(run.call.TotalCount()) / took.Seconds(), Asked: run.asked, Failed: run.failed,
		Call: timesOf(run.call), Told: timesOf(run.told), StepCPU: (after - before) * 1000 / float64(max(1, run.call.TotalCount())),
	}
	if run.why != nil {
		r.Push.Why = run.why.Error()
	}
	return c.conclude(r, o, func(w *tabwriter.Writer) { printPush(w, r.Push) })
}

// pushRun is one run of steps.
type pushRun struct {
	c     *pushCommand
	t     *target
	from  *dialer
	ready chan *actor
	asked int

	mu         sync.Mutex
	call, told *hdrhistogram.Histogram
	failed     int
	why        error
}

// actor is a page and the phone of its user; scanned says what comes next.
type actor struct {
	page    *page
	number  int // of the page
	phone   *phone
	scanned bool
	logins  int // that were canceled
}

// next gives the next login to another user: one who cancels again and again is
// left in peace by the server.
func (a *actor) next(t *target) (err error) {
	a.logins++
	a.phone, err = t.newPhone(fmt.Sprintf("user %d.%d", a.number, a.logins))
	return err
}

func (run *pushRun) openAll(ctx context.Context) error {
	for i := range run.c.Pages {
		p, err := run.from.open(ctx, nil)
		if err != nil {
			return fmt.Errorf("page %d: %w", i+1, err)
		}
		a := &actor{page: p, number: i}
		if err := a.next(run.t); err != nil {
			return err
		}
		run.ready <- a
	}
	return nil
}

// steps makes a step whenever one is due, and returns how long all took.
func (run *pushRun) steps(ctx context.Context, o output) (time.Duration, error) {
	var all sync.WaitGroup
	defer all.Wait()
	began := time.Now()
	every := time.Second / time.Duration(run.c.Rate)
	for shown := began; ; run.asked++ {
		due := began.Add(time.Duration(run.asked) * every)
		if due.Sub(began) >= run.c.Duration {
			break
		}
		if err := pause(ctx, time.Until(due)); err != nil {
			return 0, err
		}
		if time.Since(shown) > 5*time.Second {
			shown = time.Now()
			o.say("%d steps were due", run.asked)
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case a := <-run.ready:
			all.Go(func() { run.step(ctx, a, due) })
		}
	}
	all.Wait()
	return time.Since(began), nil
}

// step makes an actor's next step, and gives its place back.
func (run *pushRun) step(ctx context.Context, a *actor, due time.Time) {
	defer func() { run.ready <- a }()
	path, event := "scanned", "scanned"
	if a.scanned {
		path, event = "cancel", "canceled"
	}
	random := a.page.random
	answered := make(chan error, 1)
	var call time.Duration
	go func() {
		err := a.phone.step(ctx, path, random)
		call = time.Since(due)
		answered <- err
	}()
	waiting, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	err := a.page.await(waiting, event)
	told := time.Since(due)
	if failed := <-answered; failed != nil {
		err = failed // the page's is what follows from it
	}
	a.scanned = !a.scanned
	run.note(call, told, err)
	if err == nil && !a.scanned {
		err = cmp.Or(a.next(run.t), a.page.await(waiting, "waiting")) // the next code
	}
	if err != nil && ctx.Err() == nil {
		run.reopen(ctx, a, err)
	}
}

func (run *pushRun) note(call, told time.Duration, err error) {
	run.mu.Lock()
	defer run.mu.Unlock()
	if err != nil {
		run.failed, run.why = run.failed+1, cmp.Or(run.why, err)
		return
	}
	record(run.call, call)
	record(run.told, told)
}

// reopen begins anew after a failure, or after as many codes as a page gets.
func (run *pushRun) reopen(ctx context.Context, a *actor, why error) {
	_ = a.page.conn.CloseNow()
	a.scanned = false
	for ctx.Err() == nil {
		p, err := run.from.open(ctx, nil)
		if err == nil {
			a.page = p
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
		case a := <-run.ready:
			_ = a.page.conn.CloseNow()
		default:
			return
		}
	}
}

func printPush(w *tabwriter.Writer, r *pushResult) {
	fmt.Fprintf(w, "\tsteps due\tfailed\tsteps/s\tCPU/step\t\n\t%d\t%d\t%.1f\t%.3f ms\t\n", r.Asked, r.Failed, r.Rate, r.StepCPU)
	fmt.Fprint(w, timesHead)
	r.Call.row(w, "phone is answered")
	r.Told.row(w, "page is told")
	if r.Why != "" {
		fmt.Fprintf(w, "first failure: %s\n", r.Why)
	}
}
