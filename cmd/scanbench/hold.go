package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// holdCommand opens pages and holds them until its input ends: the other half
// of crowd.
type holdCommand struct {
	URL   string `required:""`
	Pool  string `required:""`
	Pages int    `required:""`
	Rate  int    `required:""`
}

// report is what a holder says, a line of JSON at a time.
type report struct {
	Open    int    `json:"open"`
	Failed  int    `json:"failed"`
	Why     string `json:"why,omitempty"`     // the last failure
	Done    bool   `json:"done,omitempty"`    // all were tried
	Connect []byte `json:"connect,omitempty"` // a histogram, when done
}

// openers bounds how many pages are being opened at once.
const openers = 64

// sourceAddresses is how many of its own addresses the machine uses.
const sourceAddresses = 16

// Run is called by kong.
func (c *holdCommand) Run(ctx context.Context, o output) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends with its writer
		cancel()
	}()
	h := &holder{out: json.NewEncoder(o.out), connect: newHistogram()}
	for _, from := range sources(c.URL, sourceAddresses) {
		h.dialers = append(h.dialers, newDialer(c.URL, c.Pool, from))
	}
	h.openAll(ctx, c.Pages, c.Rate)
	<-ctx.Done()
	h.reading.Wait()
	return nil
}

type holder struct {
	dialers []*dialer
	reading sync.WaitGroup

	mu      sync.Mutex
	out     *json.Encoder
	now     report
	connect *hdrhistogram.Histogram
}

func (h *holder) openAll(ctx context.Context, pages, rate int) {
	every := time.NewTicker(time.Second / time.Duration(rate))
	defer every.Stop()
	places := make(chan struct{}, openers)
	var opening sync.WaitGroup
	for i := range pages {
		select {
		case <-ctx.Done():
			opening.Wait()
			return
		case <-every.C:
		}
		places <- struct{}{}
		opening.Go(func() {
			h.open(ctx, h.dialers[i%len(h.dialers)])
			<-places
		})
	}
	opening.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now.Done = true
	h.now.Connect, _ = h.connect.Encode(hdrhistogram.V2CompressedEncodingCookieBase) // into memory
	_ = h.out.Encode(h.now)
}

func (h *holder) open(ctx context.Context, d *dialer) {
	began := time.Now()
	p, err := d.open(ctx, nil)
	took := time.Since(began)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		h.now.Failed, h.now.Why = h.now.Failed+1, err.Error()
	} else {
		h.now.Open++
		record(h.connect, took)
		h.reading.Go(func() { // pings are answered by who reads
			_ = p.await(ctx, "no such event")
			_ = p.conn.CloseNow()
		})
	}
	if (h.now.Open+h.now.Failed)%500 == 0 {
		_ = h.out.Encode(h.now)
	}
}

// crowd is pages that are held by processes of ours.
type crowd struct {
	open int
	why  string // the last failure
	held []*exec.Cmd
	ends []io.Closer // their inputs
}

// grow opens more pages until there are as many, and returns how long each took.
func (w *crowd) grow(ctx context.Context, run *idleRun, pages int) (*hdrhistogram.Histogram, error) {
	all := newHistogram()
	for missing := pages - w.open; missing > 0; {
		share := min(missing, run.PerClient)
		missing -= share
		last, err := w.hold(ctx, holdCommand{URL: run.node.url, Pool: run.Pool, Pages: share, Rate: run.Rate}, func(r report) {
			run.o.say("%d pages open, %d failed", w.open+r.Open, r.Failed)
		})
		if err != nil {
			return nil, err
		}
		w.open, w.why = w.open+last.Open, last.Why
		h, err := hdrhistogram.Decode(last.Connect)
		if err != nil {
			return nil, err
		}
		all.Merge(h)
		if last.Failed > 0 {
			run.o.say("%d pages could not be opened: %s", last.Failed, last.Why)
		}
	}
	return all, nil
}

// hold starts a holder and returns its last report.
func (w *crowd) hold(ctx context.Context, c holdCommand, progress func(report)) (report, error) {
	self, err := os.Executable()
	if err != nil {
		return report{}, err
	}
	cmd := exec.CommandContext(ctx, self, "hold", "--url", c.URL, "--pool", c.Pool, "--pages", strconv.Itoa(c.Pages), "--rate", strconv.Itoa(c.Rate))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return report{}, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return report{}, err
	}
	if err := cmd.Start(); err != nil {
		return report{}, err
	}
	w.held, w.ends = append(w.held, cmd), append(w.ends, in)
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return report{}, fmt.Errorf("the process that holds pages ended: %w", err)
		}
		var r report
		if err := json.Unmarshal(line, &r); err != nil {
			return report{}, err
		}
		if r.Done {
			return r, nil
		}
		progress(r)
	}
}

// close ends all pages.
func (w *crowd) close() {
	for _, in := range w.ends {
		_ = in.Close()
	}
	for _, cmd := range w.held {
		_ = cmd.Wait() // broken off, if it was
	}
}
