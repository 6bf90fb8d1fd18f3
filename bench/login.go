package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

type loginCommand struct {
	targetFlags
	Users    int           `default:"64" help:"How many users log in at the same time, each repeatedly."`
	Duration time.Duration `default:"10s" help:"How long logins are made."`
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

// loginResult is the number of whole logins and the times of their parts.
type loginResult struct {
	Users    int              `json:"users"`
	Logins   int64            `json:"logins"`
	Failed   int              `json:"failed"`
	Why      string           `json:"why,omitempty"` // the first failure
	Rate     float64          `json:"rate"`          // logins per second
	LoginCPU float64          `json:"loginCPU"`      // milliseconds of all nodes' CPU per login; 0: unknown
	Whole    times            `json:"whole"`
	Parts    map[string]times `json:"parts"`
}

// parts are the parts of a login in their order.
var parts = [...]string{"open", "scan", "confirm", "ticket", "exchange"}

// Run measures logins and prints the result.
func (c *loginCommand) Run(ctx context.Context) error {
	s, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.requireSecret(); err != nil {
		return err
	}
	r := c.newResult("login", s)
	if r.Login, _, err = measureLogins(ctx, s, c.Users, c.Duration); err != nil {
		return err
	}
	return c.conclude(r, func(w *tabwriter.Writer) { printLogin(w, r.Login) })
}

// measureLogins lets users log in repeatedly.
func measureLogins(ctx context.Context, s *system, users int, duration time.Duration) (*loginResult, cpuTime, error) {
	run := &loginRun{s: s, dialers: s.newDialers(), whole: newHistogram()}
	for i := range run.part {
		run.part[i] = newHistogram()
	}
	before, err := s.cpu(ctx)
	if err != nil {
		return nil, cpuTime{}, err
	}
	took := run.all(ctx, users, duration)
	used, err := s.cpuSince(ctx, before)
	if err != nil {
		return nil, used, errors.Join(err, ctx.Err())
	}
	if run.whole.TotalCount() == 0 {
		return nil, used, fmt.Errorf("no login in %v: %w", took.Round(time.Millisecond), cmp.Or(run.why, ctx.Err()))
	}
	return run.result(users, took, used), used, nil
}

type loginRun struct {
	s       *system
	dialers []*dialer // of the users in turn: the ports of one address are used up for a minute after 28,000 logins

	mu     sync.Mutex
	whole  *hdrhistogram.Histogram
	part   [len(parts)]*hdrhistogram.Histogram
	failed int
	why    error
}

// failurePause is how long a user waits after a failed login, so that immediate
// failures are not repeated thousands of times a second.
const failurePause = 200 * time.Millisecond

// all lets users log in until the time is over, and returns how long that took.
func (run *loginRun) all(ctx context.Context, users int, duration time.Duration) time.Duration {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, duration)
	defer cancel()
	var running sync.WaitGroup
	for i := range users {
		running.Go(func() {
			for ctx.Err() == nil {
				done, err := run.login(ctx, run.dialers[i%len(run.dialers)], fmt.Sprintf("user%d", i))
				run.record(ctx, done, err)
				if err != nil {
					_ = pause(ctx, failurePause)
				}
			}
		})
	}
	running.Go(func() {
		for pause(ctx, 5*time.Second) == nil {
			run.mu.Lock()
			progress("%d logins, %d failed", run.whole.TotalCount(), run.failed)
			run.mu.Unlock()
		}
	})
	running.Wait()
	return time.Since(began)
}

// login performs one whole login and returns when each part was done.
func (run *loginRun) login(ctx context.Context, from *dialer, user string) (done []time.Time, err error) {
	done = append(done, time.Now())
	lap := func(err error) error { done = append(done, time.Now()); return err }
	p, a, err := run.open(ctx, from)
	if p != nil {
		defer p.conn.CloseNow()
	}
	if lap(err) != nil {
		return done, err
	}
	phone, err := run.s.newPhone(user)
	if err != nil {
		return done, err
	}
	for _, path := range []string{"scanned", "confirm"} {
		if err := lap(phone.step(ctx, path, p.random)); err != nil {
			return done, err
		}
	}
	waiting, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if run.s.oidc {
		if err := lap(p.await(waiting, hasRedirect)); err != nil {
			return done, err
		}
		return done, lap(run.s.redeem(ctx, p.redirect, a, user))
	}
	if err := lap(p.await(waiting, hasTicket)); err != nil {
		return done, err
	}
	return done, lap(run.s.exchange(ctx, p.ticket, user))
}

// open opens a page until its code is visible: of a site, or that of an authorization
// request.
func (run *loginRun) open(ctx context.Context, from *dialer) (p *page, a authorization, err error) {
	if run.s.oidc {
		if a, err = run.s.authorize(ctx); err != nil {
			return nil, a, err
		}
	}
	if p, err = from.open(ctx, a.pageState); err == nil {
		err = run.fetchPicture(ctx, p)
	}
	return p, a, err
}

// fetchPicture fetches what a page of an older scanlogin shows. Today's pages draw the code.
func (run *loginRun) fetchPicture(ctx context.Context, p *page) error {
	if p.kind != before {
		return nil
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, run.s.last().url+api+"image/"+p.random+".svg", nil)
	if err == nil {
		_, _, err = run.s.send(q)
	}
	return err
}

func (run *loginRun) record(ctx context.Context, done []time.Time, err error) {
	if end, _ := ctx.Deadline(); ctx.Err() != nil || !time.Now().Before(end) {
		return // interrupted at the end; a dialer reports that before the context does
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

func (run *loginRun) result(users int, took time.Duration, used cpuTime) *loginResult {
	n := run.whole.TotalCount()
	out := &loginResult{
		Users: users, Logins: n, Failed: run.failed, Rate: float64(n) / took.Seconds(),
		LoginCPU: perItem(used.nodes, int(n)), Whole: timesOf(run.whole), Parts: make(map[string]times),
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
