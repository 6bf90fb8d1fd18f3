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

type loginCommand struct {
	targetFlags
	Users    int           `default:"64" help:"How many log in at once, each again and again."`
	Duration time.Duration `default:"10s" help:"How long logins go on."`
}

// Validate is called by kong.
func (c *loginCommand) Validate() error {
	if err := c.targetFlags.Validate(); err != nil {
		return err
	}
	if c.Users < 1 || c.Duration <= 0 {
		return errors.New("--users and --duration must be positive")
	}
	return nil
}

// loginResult is how many whole logins went, and how long their parts took.
type loginResult struct {
	Users    int              `json:"users"`
	Logins   int64            `json:"logins"`
	Failed   int              `json:"failed"`
	Why      string           `json:"why,omitempty"` // the first failure
	Rate     float64          `json:"rate"`          // logins a second
	LoginCPU float64          `json:"loginCPU"`      // milliseconds of all nodes' CPU a login; 0: not known
	Whole    times            `json:"whole"`
	Parts    map[string]times `json:"parts"`
}

// parts of a login, in their order.
var parts = [...]string{"open", "scan", "confirm", "ticket", "exchange"}

// Run has users log in again and again.
func (c *loginCommand) Run(ctx context.Context, o output) error {
	t, err := c.open(ctx, o)
	if err != nil {
		return err
	}
	defer t.close()
	if err := t.needSteps(); err != nil {
		return err
	}
	r := c.newResult("login", t)
	run := &loginRun{t: t, from: newDialer(t.pages(), t.pool, ""), whole: newHistogram()}
	for i := range run.part {
		run.part[i] = newHistogram()
	}
	before, err := t.cpu(ctx)
	if err != nil {
		return err
	}
	took := run.all(ctx, c, o)
	after, err := t.cpu(ctx)
	if err != nil {
		return errors.Join(err, ctx.Err())
	}
	if run.whole.TotalCount() == 0 {
		return fmt.Errorf("no login in %v: %w", took.Round(time.Millisecond), cmp.Or(run.why, ctx.Err()))
	}
	r.Login = run.result(c.Users, took, after-before)
	return c.conclude(r, o, func(w *tabwriter.Writer) { printLogin(w, r.Login) })
}

type loginRun struct {
	t    *target
	from *dialer

	mu     sync.Mutex
	whole  *hdrhistogram.Histogram
	part   [len(parts)]*hdrhistogram.Histogram
	failed int
	why    error
}

// afterFailure is how long a user waits then, so that what fails at once is not
// tried a thousand times a second.
const afterFailure = 200 * time.Millisecond

// all has users log in until the time is over, and returns how long that was.
func (run *loginRun) all(ctx context.Context, c *loginCommand, o output) time.Duration {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, c.Duration)
	defer cancel()
	var users sync.WaitGroup
	for i := range c.Users {
		users.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				done, err := run.login(ctx, fmt.Sprintf("user%d", i))
				run.note(ctx, done, err)
				if err != nil {
					_ = pause(ctx, afterFailure)
				}
			}
		})
	}
	users.Go(func() {
		for pause(ctx, 5*time.Second) == nil {
			run.mu.Lock()
			o.say("%d logins, %d failed", run.whole.TotalCount(), run.failed)
			run.mu.Unlock()
		}
	})
	users.Wait()
	return time.Since(began)
}

// login is one whole login; it returns when each part was done.
func (run *loginRun) login(ctx context.Context, user string) (done []time.Time, err error) {
	done = append(done, time.Now())
	lap := func(err error) error { done = append(done, time.Now()); return err }
	p, err := run.from.open(ctx, nil)
	if lap(err) != nil {
		return done, err
	}
	defer p.conn.CloseNow()
	phone, err := run.t.newPhone(user)
	if err != nil {
		return done, err
	}
	for _, path := range []string{"scanned", "confirm"} {
		if err := lap(phone.step(ctx, path, p.random)); err != nil {
			return done, err
		}
	}
	ticket, err := p.ticket(ctx)
	if lap(err) != nil {
		return done, err
	}
	return done, lap(run.t.exchange(ctx, ticket, user))
}

// ticket waits until the page has one.
func (p *page) ticket(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	for {
		m, err := p.next(ctx)
		if err != nil || m.Ticket != "" {
			return m.Ticket, err
		}
	}
}

func (run *loginRun) note(ctx context.Context, done []time.Time, err error) {
	if ctx.Err() != nil {
		return // broken off at the end
	}
	run.mu.Lock()
	defer run.mu.Unlock()
	if err != nil {
		run.failed, run.why = run.failed+1, cmp.Or(run.why, err)
		return
	}
	record(run.whole, done[len(done)-1].Sub(done[0]))
	for i := range parts {
		record(run.part[i], done[i+1].Sub(done[i]))
	}
}

func (run *loginRun) result(users int, took time.Duration, cpu float64) *loginResult {
	n := run.whole.TotalCount()
	out := &loginResult{
		Users: users, Logins: n, Failed: run.failed, Rate: float64(n) / took.Seconds(),
		LoginCPU: cpu * 1000 / float64(max(1, n)), Whole: timesOf(run.whole), Parts: make(map[string]times),
	}
	for i, name := range parts {
		out.Parts[name] = timesOf(run.part[i])
	}
	if run.why != nil {
		out.Why = run.why.Error()
	}
	return out
}

func printLogin(w *tabwriter.Writer, r *loginResult) {
	fmt.Fprintf(w, "\tlogins\tfailed\tlogins/s\tCPU/login\t\n\t%d\t%d\t%.1f\t%.3f ms\t\n", r.Logins, r.Failed, r.Rate, r.LoginCPU)
	fmt.Fprint(w, timesHead)
	for _, name := range parts {
		r.Parts[name].row(w, name)
	}
	r.Whole.row(w, "login")
	if r.Why != "" {
		fmt.Fprintf(w, "first failure: %s\n", r.Why)
	}
}
