package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"
)

// pollInterval is how often a page polls, the interval of common SDKs.
const pollInterval = 800 * time.Millisecond

// errPolled means that pages have polled long enough.
var errPolled = errors.New("the pages have polled")

// poll measures the alternative to a push: pages that poll scanlogin.
func (r *comparing) poll(ctx context.Context) error {
	s, err := r.start(ctx, startOptions{kind: scanlogin, nodes: 1})
	if err != nil {
		return err
	}
	defer s.close()
	codes := make([]code, r.Polls)
	err = each(ctx, r.Polls, openers, func(i int) (err error) {
		codes[i], err = s.createCode(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("polling: %w", err)
	}
	before, err := s.cpu(ctx)
	if err != nil {
		return err
	}
	polling, stop := context.WithTimeoutCause(ctx, r.Duration, errPolled)
	defer stop()
	err = each(polling, r.Polls, r.Polls, func(i int) error { return s.pollPage(polling, codes[i]) })
	if err != nil && !errors.Is(err, errPolled) {
		return fmt.Errorf("polling: %w", err)
	}
	used, err := s.cpuSince(ctx, before)
	if err != nil {
		return err
	}
	progress("%d pages polled every %v", r.Polls, pollInterval)
	r.record("poll.cpu", scanlogin, used.nodes.Seconds()/r.Duration.Seconds()*100)
	r.record("poll.redis", scanlogin, used.redis.Seconds()/r.Duration.Seconds()*100)
	return nil
}

// pollPage polls until ctx ends.
func (s *system) pollPage(ctx context.Context, c code) error {
	if pause(ctx, rand.N(pollInterval)) != nil { // pages are not opened at the same instant
		return nil
	}
	every := time.NewTicker(pollInterval)
	defer every.Stop()
	for {
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, s.first().url+api+"check?random="+c.Random, nil)
		if err != nil {
			return err
		}
		q.Header.Set("X-Browser-Key", c.BrowserKey)
		if _, _, err := s.send(q); err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
		}
	}
}
