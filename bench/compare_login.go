package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// loginUsers is how many users log in at the same time.
const loginUsers = 64

// login measures whole logins on one node with its Redis: plain ones, and those of an
// OAuth client.
func (r *comparing) login(ctx context.Context) error {
	for _, k := range r.turns(scanlogin, before) {
		if err := r.loginOf(ctx, "login", startOptions{kind: k, nodes: 1}); err != nil {
			return fmt.Errorf("login, %s: %w", k, err)
		}
	}
	if err := r.loginOf(ctx, "oidc", startOptions{kind: scanlogin, nodes: 1, oidc: true}); err != nil {
		return fmt.Errorf("login through OpenID Connect: %w", err)
	}
	return nil
}

func (r *comparing) loginOf(ctx context.Context, measure string, o startOptions) error {
	s, err := r.start(ctx, o)
	if err != nil {
		return err
	}
	defer s.close()
	l, used, err := measureLogins(ctx, s, loginUsers, r.Duration)
	if err != nil {
		return err
	}
	if l.Failed > 0 {
		return fmt.Errorf("%d failed: %s", l.Failed, l.Why)
	}
	progress("%s, %s: %d logins", measure, o.kind, l.Logins)
	r.record(measure+".rate", o.kind, l.Rate)
	r.recordCPU(measure, o.kind, used, int(l.Logins))
	r.record(measure+".cpu", o.kind, perItem(used.nodes+used.redis, int(l.Logins)))
	return nil
}

// During a storm, up to stormProbes pages receive a message, one every
// stormProbeInterval.
const (
	stormProbes        = 100
	stormProbeInterval = 200 * time.Millisecond
)

// storm cuts all pages of a node off at once. While they reconnect, other pages of
// the node, which stayed connected, receive messages.
func (r *comparing) storm(ctx context.Context) error {
	for _, k := range r.turns(scanlogin, before) {
		if err := r.stormOf(ctx, k); err != nil {
			return fmt.Errorf("storm, %s: %w", k, err)
		}
	}
	return nil
}

func (r *comparing) stormOf(ctx context.Context, k kind) error {
	s, err := r.start(ctx, startOptions{kind: k, nodes: 1})
	if err != nil {
		return err
	}
	defer s.close()
	connected := &pushing{system: s, delays: newHistogram()}
	defer connected.closePages()
	if err := connected.openAll(ctx, stormProbes, `"event":"scanned"`); err != nil {
		return err
	}
	probing, stop := context.WithCancel(ctx)
	defer stop()
	var probes sync.WaitGroup
	result, err := measureStorm(ctx, s, r.Storm, 0, func() { probes.Go(func() { connected.probe(probing) }) })
	stop()
	probes.Wait()
	if err != nil {
		return err
	}
	r.recordFailure(fmt.Sprintf("storm, %s, steps that were repeated", k), connected.why)
	if result.Why != "" {
		r.recordFailure(fmt.Sprintf("storm, %s, the last attempt to reconnect that failed", k), errors.New(result.Why))
	}
	progress("%s: %d of %d pages reconnected within %.1f s", k, result.Back, result.Pages, result.Seconds)
	r.record("storm.seconds", k, result.Seconds)
	r.record("storm.missing", k, float64(result.Pages-result.Back))
	r.record("storm.retries", k, float64(result.Retries))
	r.record("storm.nodes", k, result.ConnectCPU)
	if connected.delays.TotalCount() > 0 { // a small storm may be over before
		r.record("storm.received", k, milliseconds(connected.delays.Max()))
	}
	return nil
}

// probe scans the code of one page after the other until ctx ends.
func (run *pushing) probe(ctx context.Context) {
	for i := range run.pages {
		began := time.Now()
		if err := run.scanAndAwait(context.WithoutCancel(ctx), i); err != nil {
			run.why = err
		}
		record(run.delays, time.Since(began)) // without a message: the time waited for it
		if pause(ctx, stormProbeInterval) != nil {
			return
		}
	}
}

// retryPause is how long a phone waits before it repeats a failed call.
const retryPause = 200 * time.Millisecond

// scanAndAwait scans the code of page i, with retries like a phone, and waits until
// the page has the message.
func (run *pushing) scanAndAwait(ctx context.Context, i int) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	for {
		err := run.phones[i].step(ctx, "scanned", run.pages[i].random)
		if err == nil {
			break
		}
		run.why = cmp.Or(run.why, err)
		if pause(ctx, retryPause) != nil {
			return err
		}
	}
	_, err := run.wait(ctx, i)
	return err
}
