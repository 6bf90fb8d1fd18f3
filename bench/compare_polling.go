package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// pollInterval is how often a page polls, the interval of common SDKs.
const pollInterval = 800 * time.Millisecond

// poll measures the alternative to a push: pages that poll scanlogin.
func (r *comparing) poll(ctx context.Context) error {
	s, err := r.start(ctx, startOptions{kind: scanlogin, nodes: 1})
	if err != nil {
		return err
	}
	defer s.close()
	p := &polling{system: s, codes: make([]code, r.Polls), due: make([]time.Time, r.Polls), delay: newHistogram()}
	if p.phones, err = s.newPhones(r.Polls); err != nil {
		return err
	}
	err = each(ctx, r.Polls, openers, func(i int) (err error) {
		if p.codes[i], err = s.createCode(ctx); err != nil {
			return err
		}
		return p.phones[i].step(ctx, "scanned", p.codes[i].Random)
	})
	if err != nil {
		return fmt.Errorf("polling: %w", err)
	}
	waiting, err := p.run(ctx, r.Duration)
	if err != nil {
		return fmt.Errorf("polling: %w", err)
	}
	progress("%d pages polled every %v", r.Polls, pollInterval)
	r.record("poll.page", scanlogin, perItem(waiting.nodes, r.Polls)/r.Duration.Seconds()*1000)
	r.record("poll.redis", scanlogin, perItem(waiting.redis, r.Polls)/r.Duration.Seconds()*1000)
	r.record("poll.mean", scanlogin, p.delay.Mean()/1000)
	r.record("poll.p99", scanlogin, milliseconds(p.delay.ValueAtQuantile(99)))
	return nil
}

type polling struct {
	*system
	codes  []code
	phones []*phone

	mu    sync.Mutex
	due   []time.Time // when each was confirmed
	delay *hdrhistogram.Histogram
}

// run lets all pages poll: during watch nothing changes, and then until each page
// has its ticket. It returns the CPU time used during watch.
func (p *polling) run(ctx context.Context, watch time.Duration) (used cpuTime, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, 2*watch+time.Minute, errors.New("not every page received its ticket"))
	defer cancel()
	pages := make(chan error, 1)
	go func() {
		pages <- each(ctx, len(p.codes), len(p.codes), func(i int) error { return p.page(ctx, i) })
	}()
	before, err := p.cpu(ctx)
	if err == nil {
		_ = pause(ctx, watch)
		used, err = p.cpuSince(ctx, before)
	}
	if err == nil {
		err = p.confirmAll(ctx, watch)
	}
	if err != nil {
		cancel()
		<-pages
		return used, err
	}
	return used, <-pages
}

// confirmAll confirms all codes, evenly spread over the time.
func (p *polling) confirmAll(ctx context.Context, within time.Duration) error {
	began := time.Now()
	for i, c := range p.codes {
		if err := pause(ctx, time.Until(began.Add(within*time.Duration(i)/time.Duration(len(p.codes))))); err != nil {
			return context.Cause(ctx)
		}
		p.mu.Lock()
		p.due[i] = time.Now()
		p.mu.Unlock()
		if err := p.phones[i].step(ctx, "confirm", c.Random); err != nil {
			return err
		}
	}
	return nil
}

// page polls until it has its ticket.
func (p *polling) page(ctx context.Context, i int) error {
	if err := pause(ctx, rand.N(pollInterval)); err != nil { // pages are not opened at the same instant
		return context.Cause(ctx)
	}
	every := time.NewTicker(pollInterval)
	defer every.Stop()
	for {
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, p.first().url+api+"check?random="+p.codes[i].Random, nil)
		if err != nil {
			return err
		}
		q.Header.Set("X-Browser-Key", p.codes[i].BrowserKey)
		text, err := p.send(q)
		if err != nil {
			return err
		}
		if bytes.Contains(text, []byte(`"ticket":"`)) {
			p.mu.Lock()
			defer p.mu.Unlock()
			record(p.delay, time.Since(p.due[i]))
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-every.C:
		}
	}
}
