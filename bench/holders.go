package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
)

// holdCommand opens pages and holds them until its input ends: the other half
// of crowd.
type holdCommand struct {
	Kind  kind   `required:""`
	URL   string `required:""`
	Pages int    `required:""`
	Name  string `required:"" help:"What the names of the pages begin with."`
}

// report is what a holder says when it has tried all, and at its end.
type report struct {
	Open int    `json:"open"`
	Lost int    `json:"lost"`          // that the server closed
	Why  string `json:"why,omitempty"` // the last failure
}

// openers bounds how many pages are being opened at once.
const openers = 32

// Run is called by kong.
func (c *holdCommand) Run(ctx context.Context) error {
	if err := raiseFiles(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var input sync.WaitGroup
	input.Go(func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends with its writer
		cancel()
	})
	var reading sync.WaitGroup
	var lost atomic.Int64
	open, err := openAll(ctx, c.Kind, c.URL, c.Name, c.Pages, func(_ int, p *page) {
		reading.Go(func() { // heartbeats are answered by who reads
			_, _ = p.await(ctx, "no such text")
			if ctx.Err() == nil {
				lost.Add(1)
			}
			_ = p.conn.CloseNow()
		})
	})
	r := report{Open: open}
	if err != nil {
		r.Why = err.Error()
	}
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(r); err != nil {
		return err
	}
	input.Wait()
	reading.Wait()
	r.Lost = int(lost.Load())
	return out.Encode(r)
}

// openAll opens so many pages, hands over each at once, since somebody has to
// answer its heartbeats, and returns how many there are; the error is the last
// failure.
func openAll(ctx context.Context, k kind, url, name string, pages int, opened func(i int, p *page)) (open int, err error) {
	var mu sync.Mutex
	from := newDialers(k, url)
	_ = each(ctx, pages, openers, func(i int) error {
		p, failed := from[i%len(from)].open(ctx, name+strconv.Itoa(i))
		mu.Lock()
		defer mu.Unlock()
		if failed != nil {
			err = failed
			return nil
		}
		open++
		opened(i, p)
		return nil
	})
	return open, err
}

// each does something n times, at most atOnce at a time, until one fails.
func each(ctx context.Context, n, atOnce int, do func(i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	numbers := make(chan int)
	var all sync.WaitGroup
	for range min(n, atOnce) {
		all.Go(func() {
			for i := range numbers {
				if err := do(i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		select {
		case numbers <- i:
		case <-ctx.Done():
		}
	}
	close(numbers)
	all.Wait()
	return context.Cause(ctx)
}

// crowd is pages that are held by processes of ours.
type crowd struct {
	open int
	held []*exec.Cmd
	ends []io.Closer // their inputs
	outs []*bufio.Reader
}

// mostHeld is how many pages one process holds, a file each.
const mostHeld = 15_000

// grow opens more pages of s until there are as many.
func (w *crowd) grow(ctx context.Context, s *subject, pages int) error {
	for w.open < pages {
		r, err := w.hold(ctx, s, min(pages-w.open, mostHeld))
		if err != nil {
			return fmt.Errorf("%s: %w", s.kind, err)
		}
		if r.Why != "" || r.Open == 0 {
			return fmt.Errorf("%s: not all of %d pages could be opened: %s", s.kind, pages, r.Why)
		}
		w.open += r.Open
	}
	return nil
}

// hold starts a holder and waits until it has opened its pages.
func (w *crowd) hold(ctx context.Context, s *subject, pages int) (r report, err error) {
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	cmd := exec.CommandContext(ctx, self, "hold", "--kind", string(s.kind), "--url", s.last().url, "--pages", strconv.Itoa(pages),
		"--name", fmt.Sprintf("p%dx", w.open))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return r, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return r, err
	}
	if err := cmd.Start(); err != nil {
		return r, err
	}
	lines := bufio.NewReader(out)
	w.held, w.ends, w.outs = append(w.held, cmd), append(w.ends, in), append(w.outs, lines)
	line, err := lines.ReadBytes('\n')
	if err != nil {
		return r, fmt.Errorf("the process that holds pages ended: %w", err)
	}
	return r, json.Unmarshal(line, &r)
}

// close ends all pages, and returns how many had ended before.
func (w *crowd) close() (lost int, err error) {
	for _, in := range w.ends {
		_ = in.Close()
	}
	for i, cmd := range w.held {
		var r report
		err = errors.Join(err, json.NewDecoder(w.outs[i]).Decode(&r), cmd.Wait())
		lost += r.Lost
	}
	*w = crowd{}
	return lost, err
}
