package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/redis/go-redis/v9"

	"github.com/scanlogin/scanlogin/bench/peers"
)

// probeInterval is how often a message is published through Redis alone.
const probeInterval = 10 * time.Millisecond

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
			if err == nil { // keep reading, to answer the close frame as a browser does
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
// scanlogin from the phone's confirm until the page has its ticket, for peers
// from a publish until the page has the message.
func (r *comparing) push(ctx context.Context) error {
	for _, k := range r.turns(scanlogin, centrifuge, nchan) {
		if err := r.pushOf(ctx, k); err != nil {
			return fmt.Errorf("push, %s: %w", k, err)
		}
	}
	return nil
}

func (r *comparing) pushOf(ctx context.Context, k kind) (err error) {
	s, err := r.start(ctx, startOptions{kind: k, nodes: 2})
	if err != nil {
		return err
	}
	defer s.close()
	run := &pushing{system: s, delays: newHistogram()}
	defer run.closePages()
	n := int(float64(r.Rate) * r.Duration.Seconds())
	if err := run.openAll(ctx, n, `"ticket":"`); err != nil {
		return err
	}
	if k == scanlogin {
		err := each(ctx, n, openers, func(i int) error { return run.phones[i].step(ctx, "scanned", run.pages[i].random) })
		if err != nil {
			return err
		}
	}
	if err := pause(ctx, settleTime); err != nil {
		return err
	}
	used, raw, took, err := run.pushAll(ctx, r.Rate)
	if err != nil {
		return err
	}
	received := run.delays.TotalCount()
	progress("%s: %d of %d pages received their message, %.0f a second", k, received, n, float64(received)/took.Seconds())
	if received == 0 {
		return run.why
	}
	r.recordFailure(fmt.Sprintf("push, %s, %d of %d", k, run.failed, n), run.why)
	r.record("push.p50", k, milliseconds(run.delays.ValueAtQuantile(50)))
	r.record("push.p99", k, milliseconds(run.delays.ValueAtQuantile(99)))
	r.record("push.lost", k, float64(run.failed))
	r.record("push.cpu", k, perItem(used.nodes, n))
	r.record("push.redis", k, perItem(used.redis, n))
	r.record("raw.p50", k, milliseconds(raw.ValueAtQuantile(50)))
	r.record("raw.p99", k, milliseconds(raw.ValueAtQuantile(99)))
	return nil
}

// pushAll pushes to each page when its message is due, whether or not the servers
// keep up. Times count from when a push was due.
func (run *pushing) pushAll(ctx context.Context, rate int) (used cpuTime, raw *hdrhistogram.Histogram, took time.Duration, err error) {
	probe, err := startProbe(ctx, run.redisURL())
	if err != nil {
		return used, nil, 0, err
	}
	before, err := run.cpu(ctx)
	if err != nil {
		_, _ = probe.stop()
		return used, nil, 0, err
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
	raw, failed := probe.stop()
	return used, raw, took, cmp.Or(err, failed, ctx.Err())
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
	if run.kind == scanlogin {
		return run.phones[i].step(ctx, "confirm", run.pages[i].random)
	}
	text := peers.Status(strings.Repeat("t", 74))
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, run.first().url+"/pub/"+run.pages[i].random, strings.NewReader(text))
	if err != nil {
		return err
	}
	q.Header.Set("Content-Type", "application/json")
	_, err = run.send(q)
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

// probe measures Redis alone during a load: it publishes and receives 100
// messages a second.
type probe struct {
	client *redis.Client
	cancel context.CancelFunc
	works  sync.WaitGroup
	took   *hdrhistogram.Histogram
	err    error // of the receiver; read it after works.Wait
}

func startProbe(ctx context.Context, address string) (*probe, error) {
	options, err := redis.ParseURL(address)
	if err != nil {
		return nil, err
	}
	p := &probe{client: redis.NewClient(options), took: newHistogram()}
	sub := p.client.Subscribe(ctx, "probe")
	if _, err := sub.Receive(ctx); err != nil { // that it is subscribed
		return nil, err
	}
	ctx, p.cancel = context.WithCancel(ctx)
	context.AfterFunc(ctx, func() { _ = sub.Close() }) // unblocks the receiver
	p.works.Go(func() { p.receive(ctx, sub) })
	p.works.Go(func() { p.publish(ctx) })
	return p, nil
}

func (p *probe) publish(ctx context.Context) {
	every := time.NewTicker(probeInterval)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
			_ = p.client.Publish(ctx, "probe", strconv.FormatInt(time.Now().UnixNano(), 10)).Err() // a lost message is not timed
		}
	}
}

func (p *probe) receive(ctx context.Context, sub *redis.PubSub) {
	for {
		got, err := sub.ReceiveMessage(ctx)
		if err != nil {
			if ctx.Err() == nil {
				p.err = err
			}
			return
		}
		sent, _ := strconv.ParseInt(got.Payload, 10, 64)
		record(p.took, time.Since(time.Unix(0, sent)))
	}
}

func (p *probe) stop() (*hdrhistogram.Histogram, error) {
	p.cancel()
	p.works.Wait()
	return p.took, cmp.Or(p.err, p.client.Close())
}
