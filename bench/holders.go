package main

import (
	"bufio"
	"cmp"
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
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// holdCommand opens pages and holds them until its standard input ends. It is
// the child process of pageHolders.
type holdCommand struct {
	Kind  kind   `required:""`
	URL   string `required:""`
	Pool  string `required:""`
	Pages int    `required:""`
	Rate  int    `help:"Pages per second; 0: no limit."`
	Name  string `required:"" help:"Prefix of the pages' names."`
}

// holdReport is one line of JSON that a holder prints: while it opens pages,
// when it has tried all (Done), and when it ends.
type holdReport struct {
	Open    int    `json:"open"`
	Failed  int    `json:"failed"`
	Lost    int    `json:"lost"`              // closed by the server
	Why     string `json:"why,omitempty"`     // the last failure
	Done    bool   `json:"done,omitempty"`    // all pages were tried
	Connect []byte `json:"connect,omitempty"` // histogram of the connect times, with Done
}

// openers is how many pages are being opened at the same time.
const openers = 32

// reportEvery is how many opened pages there are between two progress reports.
const reportEvery = 500

// Run is called by kong.
func (c *holdCommand) Run(ctx context.Context) error {
	if err := raiseFileLimit(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var input sync.WaitGroup
	input.Go(func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends with the parent
		cancel()
	})
	h := &holder{out: json.NewEncoder(os.Stdout), connect: newHistogram()}
	pages := opening{dialers: newDialers(c.Kind, c.URL, c.Pool), name: c.Name, pages: c.Pages, rate: c.Rate}
	pages.run(ctx, func(_ int, p *page, took time.Duration, err error) { h.opened(ctx, p, took, err) })
	if err := h.done(); err != nil {
		return err
	}
	input.Wait()
	h.reading.Wait()
	return h.out.Encode(holdReport{Open: h.now.Open, Lost: int(h.lost.Load())})
}

// holder is the state of a hold command.
type holder struct {
	reading sync.WaitGroup
	lost    atomic.Int64

	mu      sync.Mutex
	out     *json.Encoder
	now     holdReport
	connect *hdrhistogram.Histogram
}

func (h *holder) opened(ctx context.Context, p *page, took time.Duration, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		h.now.Failed, h.now.Why = h.now.Failed+1, err.Error()
	} else {
		h.now.Open++
		record(h.connect, took)
		h.reading.Go(func() { // reading answers heartbeats
			_ = p.await(ctx, never)
			if ctx.Err() == nil {
				h.lost.Add(1)
			}
			_ = p.conn.CloseNow()
		})
	}
	if (h.now.Open+h.now.Failed)%reportEvery == 0 {
		_ = h.out.Encode(h.now)
	}
}

func (h *holder) done() (err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now.Done = true
	if h.now.Connect, err = h.connect.Encode(hdrhistogram.V2CompressedEncodingCookieBase); err != nil {
		return err
	}
	return h.out.Encode(h.now)
}

// opening opens pages.
type opening struct {
	dialers []*dialer
	name    string // prefix of the pages' channels, which pages of scanlogin do not have
	pages   int
	rate    int // pages per second; 0: no limit
}

// run opens all pages and calls opened for each, from several goroutines. A page
// must be read from then on, so that its heartbeats are answered.
func (o opening) run(ctx context.Context, opened func(i int, p *page, took time.Duration, err error)) {
	start := time.Now()
	_ = each(ctx, o.pages, openers, func(i int) error {
		if o.rate > 0 {
			if err := pause(ctx, time.Until(start.Add(time.Duration(i)*time.Second/time.Duration(o.rate)))); err != nil {
				return err
			}
		}
		began := time.Now()
		p, err := o.dialers[i%len(o.dialers)].open(ctx, o.page(i))
		opened(i, p, time.Since(began), err)
		return nil
	})
}

func (o opening) page(i int) pageState {
	if o.dialers[0].kind.isScanlogin() {
		return pageState{}
	}
	return pageState{random: o.name + strconv.Itoa(i)}
}

// each calls do for 0 to n-1, at most atOnce at the same time, until one fails.
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

// pageHolders are pages that child processes hold.
type pageHolders struct {
	open    int
	holders []childHolder
}

type childHolder struct {
	cmd *exec.Cmd
	in  io.Closer
	out *bufio.Reader
}

// growth says how pageHolders grow.
type growth struct {
	node       *node // nil: the last node
	rate       int   // pages per second; 0: no limit
	perProcess int   // pages per child process: one file descriptor each
	progress   func(open, failed int)
}

// grow opens more pages of s until there are as many. It returns the connect
// times, how many pages could not be opened, and the last failure.
func (h *pageHolders) grow(ctx context.Context, s *system, pages int, g growth) (connect *hdrhistogram.Histogram, failed int, why string, err error) {
	connect = newHistogram()
	for missing := pages - h.open; missing > 0; {
		share := min(missing, g.perProcess)
		missing -= share
		before := h.open
		r, err := h.start(ctx, s, share, g, func(r holdReport) {
			if g.progress != nil {
				g.progress(before+r.Open, failed+r.Failed)
			}
		})
		if err != nil {
			return nil, 0, "", fmt.Errorf("%s: %w", s.kind, err)
		}
		h.open, failed = h.open+r.Open, failed+r.Failed
		if r.Why != "" {
			why = r.Why
		}
		one, err := hdrhistogram.Decode(r.Connect)
		if err != nil {
			return nil, 0, "", err
		}
		connect.Merge(one)
	}
	return connect, failed, why, nil
}

// start starts a child process and waits until it has opened its pages.
func (h *pageHolders) start(ctx context.Context, s *system, pages int, g growth, progress func(holdReport)) (r holdReport, err error) {
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	cmd := exec.CommandContext(ctx, self, "hold", "--kind", string(s.kind), "--url", cmp.Or(g.node, s.last()).url, "--pool", s.pool,
		"--pages", strconv.Itoa(pages), "--rate", strconv.Itoa(g.rate), "--name", fmt.Sprintf("p%dx", h.open))
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
	child := childHolder{cmd, in, bufio.NewReader(out)}
	h.holders = append(h.holders, child)
	for !r.Done {
		line, err := child.out.ReadBytes('\n')
		if err != nil {
			return r, fmt.Errorf("the process that holds pages ended: %w", err)
		}
		if err := json.Unmarshal(line, &r); err != nil {
			return r, err
		}
		progress(r)
	}
	return r, nil
}

// close closes all pages, and returns how many had been closed before.
func (h *pageHolders) close() (lost int, err error) {
	for _, child := range h.holders {
		_ = child.in.Close()
	}
	for _, child := range h.holders {
		var r holdReport
		err = errors.Join(err, json.NewDecoder(child.out).Decode(&r), child.cmd.Wait())
		lost += r.Lost
	}
	*h = pageHolders{}
	return lost, err
}
