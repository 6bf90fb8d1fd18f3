package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// pollEvery is how often a page asks that is not pushed to, as SDKs do.
const pollEvery = 800 * time.Millisecond

// poll measures the alternative to a push: pages that ask scanlogin itself.
func (r *run) poll(ctx context.Context) error {
	s, err := r.start(ctx, scanlogin, 1)
	if err != nil {
		return err
	}
	defer s.close()
	p := &polling{subject: s, codes: make([]code, r.Polls), due: make([]time.Time, r.Polls), delay: newHistogram()}
	if p.tokens, err = tokens(r.Polls); err != nil {
		return err
	}
	err = each(ctx, r.Polls, openers, func(i int) error {
		var err error
		if p.codes[i], err = s.gene(ctx); err != nil {
			return err
		}
		return s.step(ctx, "scanned", p.codes[i].Random, p.tokens[i])
	})
	if err != nil {
		return fmt.Errorf("polling: %w", err)
	}
	waiting, err := p.run(ctx, r.Duration)
	if err != nil {
		return fmt.Errorf("polling: %w", err)
	}
	say("%d pages asked each %v", r.Polls, pollEvery)
	r.note("poll.page", scanlogin, perOne(waiting.nodes, r.Polls)/r.Duration.Seconds()*1000)
	r.note("poll.redis", scanlogin, perOne(waiting.redis, r.Polls)/r.Duration.Seconds()*1000)
	r.note("poll.mean", scanlogin, p.delay.Mean()/1000)
	r.note("poll.p99", scanlogin, milliseconds(p.delay.ValueAtQuantile(99)))
	return nil
}

type polling struct {
	*subject
	codes  []code
	tokens []string

	mu    sync.Mutex
	due   []time.Time // when each was confirmed
	delay *hdrhistogram.Histogram
}

// run has all pages ask: for watch while nothing happens, and then until each
// has its ticket. It returns the work of the first time.
func (p *polling) run(ctx context.Context, watch time.Duration) (did work, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, 2*watch+time.Minute, fmt.Errorf("pages waited in vain"))
	defer cancel()
	pages := make(chan error, 1)
	go func() {
		pages <- each(ctx, len(p.codes), len(p.codes), func(i int) error { return p.page(ctx, i) })
	}()
	before, err := p.cpu()
	if err == nil {
		_ = pause(ctx, watch)
		did, err = p.since(before)
	}
	if err == nil {
		err = p.confirmAll(ctx, watch)
	}
	if err != nil {
		cancel()
		<-pages
		return did, err
	}
	return did, <-pages
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
		if err := p.step(ctx, "confirm", c.Random, p.tokens[i]); err != nil {
			return err
		}
	}
	return nil
}

// page asks again and again until it has its ticket.
func (p *polling) page(ctx context.Context, i int) error {
	if err := pause(ctx, rand.N(pollEvery)); err != nil { // pages are not opened at the same instant
		return context.Cause(ctx)
	}
	every := time.NewTicker(pollEvery)
	defer every.Stop()
	for {
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, p.first().url+api+"check?random="+p.codes[i].Random, nil)
		if err != nil {
			return err
		}
		q.Header.Set("X-Browser-Key", p.codes[i].BrowserKey)
		text, err := p.call(q)
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
