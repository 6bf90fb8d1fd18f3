package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/coder/websocket"

	"github.com/scanlogin/scanlogin/bench/peers"
)

// pushing is a run of pushes: each page receives one message.
type pushing struct {
	*system
	pages    []*page
	received []chan received // one for each page, with one value
	phones   []*phone
	reading  sync.WaitGroup

	mu     sync.Mutex
	delays *hdrhistogram.Histogram
	failed int
	why    error
}

// received is when a page received its message, or why it did not.
type received struct {
	at  time.Time
	err error
}

// openAll opens n pages that wait for a message with the text.
func (run *pushing) openAll(ctx context.Context, n int, text string) (err error) {
	run.pages, run.received = make([]*page, n), make([]chan received, n)
	var mu sync.Mutex
	opening{dialers: run.newDialers(), name: "p", pages: n}.run(ctx, func(i int, p *page, _ time.Duration, failed error) {
		mu.Lock()
		defer mu.Unlock()
		if failed != nil {
			err = failed
			return
		}
		run.pages[i], run.received[i] = p, make(chan received, 1)
		run.reading.Go(func() {
			err := p.await(ctx, text)
			run.received[i] <- received{time.Now(), err}
			switch {
			case err != nil:
			case run.kind == comparable: // a login page has nothing to wait for any more
				_ = p.conn.Close(websocket.StatusNormalClosure, "")
			default: // keep reading, to answer the close frame as a browser does
				_ = p.await(ctx, never)
			}
		})
	})
	if err == nil {
		run.phones, err = run.newPhones(n)
	}
	return cmp.Or(err, ctx.Err())
}

// wait waits until page i has its message, and returns when that was.
func (run *pushing) wait(ctx context.Context, i int) (time.Time, error) {
	select {
	case r := <-run.received[i]:
		return r.at, r.err
	case <-ctx.Done():
		return time.Time{}, fmt.Errorf("page %d did not receive the message: %w", i, ctx.Err())
	}
}

// push measures the time until a page has its message, over two nodes: for
// scanlogin from the phone's confirm until the page has its ticket, for the
// comparable server likewise, for centrifuge from a publish until the page has the
// message.
func (r *comparing) push(ctx context.Context) error {
	for _, k := range r.turns(scanlogin, centrifuge, comparable) {
		lost := 0
		for i, rate := range []int{r.Low, r.High} {
			failed, err := r.pushOf(ctx, k, []string{"push.low", "push.high"}[i], rate)
			if err != nil {
				return fmt.Errorf("push, %s: %w", k, err)
			}
			lost += failed
		}
		r.record("push.lost", k, float64(lost))
	}
	return nil
}

func (r *comparing) pushOf(ctx context.Context, k kind, name string, rate int) (failed int, err error) {
	s, err := r.start(ctx, startOptions{kind: k, nodes: 2})
	if err != nil {
		return 0, err
	}
	defer s.close()
	run := &pushing{system: s, delays: newHistogram()}
	defer run.closePages()
	n := int(float64(rate) * r.Duration.Seconds())
	if err := run.openAll(ctx, n, hasTicket); err != nil {
		return 0, err
	}
	if k != centrifuge {
		err := each(ctx, n, openers, func(i int) error { return run.phones[i].step(ctx, "scanned", run.pages[i].random) })
		if err != nil {
			return 0, err
		}
	}
	if err := pause(ctx, settleTime); err != nil {
		return 0, err
	}
	used, took, err := run.pushAll(ctx, rate)
	if err != nil {
		return 0, err
	}
	received := run.delays.TotalCount()
	progress("%s: %d of %d pages received their message, %.0f a second", k, received, n, float64(received)/took.Seconds())
	if received == 0 {
		return 0, run.why
	}
	r.recordFailure(fmt.Sprintf("push, %s, %d of %d", k, run.failed, n), run.why)
	r.record(name+".p50", k, milliseconds(run.delays.ValueAtQuantile(50)))
	r.record(name+".p99", k, milliseconds(run.delays.ValueAtQuantile(99)))
	r.recordLatencies(name, k, run.delays)
	r.recordCPU(name, k, used, n)
	return run.failed, nil
}

// pushAll pushes to each page when its message is due, whether or not the servers
// keep up. Times count from when a push was due.
func (run *pushing) pushAll(ctx context.Context, rate int) (used cpuTime, took time.Duration, err error) {
	before, err := run.cpu(ctx)
	if err != nil {
		return used, 0, err
	}
	began := time.Now()
	var all sync.WaitGroup
	for i := range run.pages {
		due := began.Add(time.Duration(i) * time.Second / time.Duration(rate))
		if pause(ctx, time.Until(due)) != nil {
			break
		}
		all.Go(func() { run.pushOne(ctx, i, due) })
	}
	all.Wait()
	took = time.Since(began)
	used, err = run.cpuSince(ctx, before)
	return used, took, cmp.Or(err, ctx.Err())
}

// pushOne pushes a message to page i, and records the time until it arrives.
func (run *pushing) pushOne(ctx context.Context, i int, due time.Time) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	published := make(chan error, 1)
	go func() { published <- run.publish(ctx, i) }()
	at, err := run.wait(ctx, i)
	took := at.Sub(due)
	err = cmp.Or(<-published, err) // it is the cause of the page's error
	run.mu.Lock()
	defer run.mu.Unlock()
	if err != nil {
		run.failed, run.why = run.failed+1, cmp.Or(run.why, err)
		return
	}
	record(run.delays, took)
}

func (run *pushing) publish(ctx context.Context, i int) error {
	if run.kind != centrifuge {
		return run.phones[i].step(ctx, "confirm", run.pages[i].random)
	}
	text := peers.Status(strings.Repeat("t", 74))
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, run.first().url+"/pub/"+run.pages[i].random, strings.NewReader(text))
	if err != nil {
		return err
	}
	q.Header.Set("Content-Type", "application/json")
	_, _, err = run.send(q)
	return err
}

func (run *pushing) closePages() {
	for _, p := range run.pages {
		if p != nil { // nil: it could not be opened
			_ = p.conn.CloseNow()
		}
	}
	run.reading.Wait()
}
