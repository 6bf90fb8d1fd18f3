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

// probeEvery is how often Redis alone is asked to pass something on.
const probeEvery = 10 * time.Millisecond

// pushing is a run of pushes: each page is told once, by the other node.
type pushing struct {
	*subject
	pages   []*page
	heard   []chan heard // of each page, once
	tokens  []string
	reading sync.WaitGroup

	mu     sync.Mutex
	told   *hdrhistogram.Histogram
	failed int
	why    error
}

// heard is when a page was told what it waited for, or why it was not.
type heard struct {
	at  time.Time
	err error
}

// openAll opens n pages that wait for a message with the text.
func (run *pushing) openAll(ctx context.Context, n int, text string) error {
	run.pages, run.heard = make([]*page, n), make([]chan heard, n)
	_, err := openAll(ctx, run.kind, run.last().url, "p", n, func(i int, p *page) {
		run.pages[i], run.heard[i] = p, make(chan heard, 1)
		run.reading.Go(func() {
			_, err := p.await(ctx, text)
			run.heard[i] <- heard{time.Now(), err}
			for err == nil { // as a browser would: a server that says goodbye is answered
				_, _, err = p.conn.Read(ctx)
			}
		})
	})
	if err == nil {
		run.tokens, err = tokens(n)
	}
	return err
}

// wait waits until page i is told, and returns when that was.
func (run *pushing) wait(ctx context.Context, i int) (time.Time, error) {
	select {
	case h := <-run.heard[i]:
		return h.at, h.err
	case <-ctx.Done():
		return time.Time{}, fmt.Errorf("page %d was not told: %w", i, ctx.Err())
	}
}

// push measures the time until a page is told, over two nodes: for scanlogin
// from the phone's confirm until the page has its ticket, for the others from
// a publish until the page has the message.
func (r *run) push(ctx context.Context) error {
	for _, k := range r.turns(scanlogin, centrifuge, nchan) {
		if err := r.pushOf(ctx, k); err != nil {
			return fmt.Errorf("push, %s: %w", k, err)
		}
	}
	return nil
}

func (r *run) pushOf(ctx context.Context, k kind) (err error) {
	s, err := r.start(ctx, k, 2)
	if err != nil {
		return err
	}
	defer s.close()
	run := &pushing{subject: s, told: newHistogram()}
	defer run.hangUp()
	n := int(float64(r.Rate) * r.Duration.Seconds())
	if err := run.openAll(ctx, n, `"ticket":"`); err != nil {
		return err
	}
	if k == scanlogin {
		err := each(ctx, n, openers, func(i int) error { return s.step(ctx, "scanned", run.pages[i].name, run.tokens[i]) })
		if err != nil {
			return err
		}
	}
	if err := pause(ctx, settled); err != nil {
		return err
	}
	did, raw, took, err := run.fire(ctx, r.Rate)
	if err != nil {
		return err
	}
	told := run.told.TotalCount()
	say("%s: %d of %d pages were told, %.0f a second", k, told, n, float64(told)/took.Seconds())
	if told == 0 {
		return run.why
	}
	r.failed(fmt.Sprintf("push, %s, %d of %d", k, run.failed, n), run.why)
	r.note("push.p50", k, milliseconds(run.told.ValueAtQuantile(50)))
	r.note("push.p99", k, milliseconds(run.told.ValueAtQuantile(99)))
	r.note("push.lost", k, float64(run.failed))
	r.note("push.cpu", k, perOne(did.nodes, n))
	r.note("push.redis", k, perOne(did.redis, n))
	r.note("raw.p50", k, milliseconds(raw.ValueAtQuantile(50)))
	r.note("raw.p99", k, milliseconds(raw.ValueAtQuantile(99)))
	return nil
}

// fire tells each page in its turn, whether or not the servers keep up. Times
// are counted from when a push was due.
func (run *pushing) fire(ctx context.Context, rate int) (did work, raw *hdrhistogram.Histogram, took time.Duration, err error) {
	probe, err := startProbe(ctx, run.store)
	if err != nil {
		return did, nil, 0, err
	}
	before, err := run.cpu()
	if err != nil {
		_, _ = probe.stop()
		return did, nil, 0, err
	}
	began := time.Now()
	var all sync.WaitGroup
	for i := range run.pages {
		due := began.Add(time.Duration(i) * time.Second / time.Duration(rate))
		if pause(ctx, time.Until(due)) != nil {
			break
		}
		all.Go(func() { run.tell(ctx, i, due) })
	}
	all.Wait()
	took = time.Since(began)
	did, err = run.since(before)
	raw, failed := probe.stop()
	return did, raw, took, cmp.Or(err, failed, ctx.Err())
}

// tell has page i told, and times it.
func (run *pushing) tell(ctx context.Context, i int, due time.Time) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	published := make(chan error, 1)
	go func() { published <- run.publish(ctx, i) }()
	at, err := run.wait(ctx, i)
	took := at.Sub(due)
	err = cmp.Or(<-published, err) // the page's failure follows from the other
	run.mu.Lock()
	defer run.mu.Unlock()
	if err != nil {
		run.failed, run.why = run.failed+1, cmp.Or(run.why, err)
		return
	}
	record(run.told, took)
}

func (run *pushing) publish(ctx context.Context, i int) error {
	if run.kind == scanlogin {
		return run.step(ctx, "confirm", run.pages[i].name, run.tokens[i])
	}
	text := peers.Status(strings.Repeat("t", 74))
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, run.first().url+"/pub/"+run.pages[i].name, strings.NewReader(text))
	if err != nil {
		return err
	}
	q.Header.Set("Content-Type", "application/json")
	_, err = run.call(q)
	return err
}

func (run *pushing) hangUp() {
	for _, p := range run.pages {
		if p != nil { // it could not be opened
			_ = p.conn.CloseNow()
		}
	}
	run.reading.Wait()
}

// probe is Redis alone, beside a load: publish and receive, 100 times a second.
type probe struct {
	client *redis.Client
	cancel context.CancelFunc
	works  sync.WaitGroup
	took   *hdrhistogram.Histogram
	err    error // of the receiver; to be read when works are done
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
	every := time.NewTicker(probeEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
			_ = p.client.Publish(ctx, "probe", strconv.FormatInt(time.Now().UnixNano(), 10)).Err() // one that is lost is not timed
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

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, time.Minute.Microseconds(), 3) // to three digits
}

func record(h *hdrhistogram.Histogram, d time.Duration) {
	_ = h.RecordValue(min(max(d.Microseconds(), 1), h.HighestTrackableValue())) // within bounds, so it cannot fail
}

func milliseconds(microseconds int64) float64 { return float64(microseconds) / 1000 }
