package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// loginUsers is how many users log in at the same time.
const loginUsers = 64

// login measures the rate of whole logins on one node with its Redis.
func (r *comparing) login(ctx context.Context) error {
	s, err := r.start(ctx, startOptions{kind: scanlogin, nodes: 1})
	if err != nil {
		return err
	}
	defer s.close()
	l, used, err := measureLogins(ctx, s, loginUsers, r.Duration)
	if err != nil {
		return fmt.Errorf("login: %w", err)
	}
	if l.Failed > 0 {
		return fmt.Errorf("login: %d failed: %s", l.Failed, l.Why)
	}
	progress("%d logins", l.Logins)
	r.record("login.rate", scanlogin, l.Rate)
	r.record("login.core", scanlogin, float64(l.Logins)/used.nodes.Seconds())
	r.record("login.cores", scanlogin, float64(l.Logins)/(used.nodes+used.redis).Seconds())
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
	s, err := r.start(ctx, startOptions{kind: scanlogin, nodes: 1})
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
		return fmt.Errorf("storm: %w", err)
	}
	r.recordFailure("storm, steps that were repeated", connected.why)
	if result.Why != "" {
		r.recordFailure("storm, the last attempt to reconnect that failed", errors.New(result.Why))
	}
	progress("%d of %d pages reconnected within %.1f s", result.Back, result.Pages, result.Seconds)
	r.record("storm.seconds", scanlogin, result.Seconds)
	r.record("storm.missing", scanlogin, float64(result.Pages-result.Back))
	r.record("storm.retries", scanlogin, float64(result.Retries))
	r.record("storm.cpu", scanlogin, result.ConnectCPU)
	if connected.delays.TotalCount() > 0 { // a small storm may be over before
		r.record("storm.received", scanlogin, milliseconds(connected.delays.Max()))
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

// picture measures a QR picture and go-qrcode's pattern alone, with the Go
// benchmark in package server.
func (r *comparing) picture(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^BenchmarkPictureParts$/^(pattern|first)$", "./internal/qr/draw")
	cmd.Dir = r.Source
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("picture: %w: %s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) < 4 || fields[3] != "ns/op" {
			continue
		}
		ns, err := strconv.ParseFloat(fields[2], 64)
		if err != nil {
			return err
		}
		_, part, _ := strings.Cut(fields[0], "/")
		part, _, _ = strings.Cut(part, "-")
		r.record("picture", kind(part), ns/1e6)
	}
	return nil
}
