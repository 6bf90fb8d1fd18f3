package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// scanbench runs a command of cmd/scanbench against s, calls heard with each
// line that it says, and reads its result.
func (r *run) scanbench(ctx context.Context, s *subject, into any, heard func(line string), args ...string) error {
	file := filepath.Join(s.dir, args[0]+".json")
	cmd := exec.CommandContext(ctx, r.Scanbench, append(args, "--url", s.first().url, "--ops", s.first().ops, "--json", file)...)
	cmd.Env = append(os.Environ(), "SCANBENCH_SECRET="+poolSecret, "SCANBENCH_USER_KEY="+userKey)
	out, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%w; build it with `make bin/scanbench`", err)
	}
	var last string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		last = lines.Text()
		heard(last)
	}
	if err := cmd.Wait(); err != nil {
		return errors.Join(err, errors.New(last))
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// login measures whole logins: as many as go on one node and its Redis.
func (r *run) login(ctx context.Context) error {
	s, err := r.start(ctx, scanlogin, 1)
	if err != nil {
		return err
	}
	defer s.close()
	before, err := s.cpu()
	if err != nil {
		return err
	}
	var got struct {
		Login struct {
			Logins, Failed int
			Why            string
			Rate           float64
		}
	}
	if err := r.scanbench(ctx, s, &got, func(string) {}, "login", "--duration", r.Duration.String()); err != nil {
		return fmt.Errorf("login: %w", err)
	}
	did, err := s.since(before)
	if err != nil {
		return err
	}
	l := got.Login
	if l.Failed > 0 {
		return fmt.Errorf("login: %d failed: %s", l.Failed, l.Why)
	}
	say("%d logins", l.Logins)
	r.note("login.rate", scanlogin, l.Rate)
	r.note("login.core", scanlogin, float64(l.Logins)/did.nodes.Seconds())
	r.note("login.cores", scanlogin, float64(l.Logins)/(did.nodes+did.redis).Seconds())
	return nil
}

// stormProbes is how many pages are told something while others come back, and
// probeSpace how long after one another.
const (
	stormProbes = 100
	probeSpace  = 200 * time.Millisecond
)

// storm cuts off all pages of a node at once, and has them come back while
// other pages of it, which stayed, are told something.
func (r *run) storm(ctx context.Context) error {
	s, err := r.start(ctx, scanlogin, 1)
	if err != nil {
		return err
	}
	defer s.close()
	told := &pushing{subject: s, told: newHistogram()}
	defer told.hangUp()
	if err := told.openAll(ctx, stormProbes, `"event":"scanned"`); err != nil {
		return err
	}
	cut := make(chan struct{})
	var got struct {
		Storm struct {
			Pages, Back, Retries int
			Seconds              float64
			ConnectCPU           float64
			Why                  string // of the last retry
		}
	}
	probing, over := context.WithCancel(ctx)
	probed := make(chan struct{})
	go func() { defer close(probed); told.probe(probing, cut) }()
	err = r.scanbench(ctx, s, &got, func(line string) {
		if strings.HasSuffix(line, "are cut off") {
			close(cut)
		}
	}, "storm", "--pages", strconv.Itoa(r.Storm))
	over()
	<-probed
	if err != nil {
		return fmt.Errorf("storm: %w", err)
	}
	r.failed("storm, steps that were asked again", told.why)
	if got.Storm.Why != "" {
		r.failed("storm, the last attempt to come back that failed", errors.New(got.Storm.Why))
	}
	say("%d of %d pages came back within %.1f s", got.Storm.Back, got.Storm.Pages, got.Storm.Seconds)
	r.note("storm.seconds", scanlogin, got.Storm.Seconds)
	r.note("storm.missing", scanlogin, float64(got.Storm.Pages-got.Storm.Back))
	r.note("storm.retries", scanlogin, float64(got.Storm.Retries))
	r.note("storm.cpu", scanlogin, got.Storm.ConnectCPU)
	if told.told.TotalCount() > 0 { // a small storm may be over before
		r.note("storm.told", scanlogin, milliseconds(told.told.Max()))
	}
	return nil
}

// probe has one page after the other told that it was scanned, from when the
// storm begins until it is over.
func (run *pushing) probe(ctx context.Context, begin <-chan struct{}) {
	select {
	case <-ctx.Done():
		return
	case <-begin:
	}
	for i := range run.pages {
		began := time.Now()
		if err := run.scan(context.WithoutCancel(ctx), i); err != nil {
			run.why = err
		}
		record(run.told, time.Since(began)) // of one that was not told: how long it was waited for
		if pause(ctx, probeSpace) != nil {
			return
		}
	}
}

// retryAfter is how long a phone waits that is told to try again.
const retryAfter = 200 * time.Millisecond

// scan scans as phones do, which try again, and waits until the page is told.
func (run *pushing) scan(ctx context.Context, i int) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	for {
		err := run.step(ctx, "scanned", run.pages[i].name, run.tokens[i])
		if err == nil {
			break
		}
		run.why = cmp.Or(run.why, err)
		if pause(ctx, retryAfter) != nil {
			return err
		}
	}
	_, err := run.wait(ctx, i)
	return err
}

// picture compares a picture with its pattern alone, which is go-qrcode's, by
// the benchmark in server.
func (r *run) picture(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^BenchmarkPictureParts$/^(pattern|first)$", "./server")
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
		r.note("picture", kind(part), ns/1e6)
	}
	return nil
}
