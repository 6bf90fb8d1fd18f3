package main

import (
	"context"
	"errors"
	"fmt"
)

// Pushes while many pages wait: as many nodes, steps per second and pages that take turns.
const (
	wideNodes = 4
	wideRate  = 500
	wideTurns = 100
)

// wide measures pushes over several nodes while many pages wait on each of them. Each
// node and each process that holds pages has its own open files.
func (r *comparing) wide(ctx context.Context) error {
	s, err := r.start(ctx, startOptions{kind: scanlogin, nodes: wideNodes})
	if err != nil {
		return err
	}
	defer s.close()
	pages := make([]pageHolders, len(s.nodes))
	for i := range pages {
		defer pages[i].close()
	}
	if err := r.openWide(ctx, s, pages); err != nil {
		return fmt.Errorf("wide: %w", err)
	}
	result, err := measurePush(ctx, s, pushSizes{Rate: wideRate, Duration: r.Duration, Pages: wideTurns})
	if err != nil {
		return fmt.Errorf("wide: %w", err)
	}
	if result.Failed > 0 {
		r.recordFailure(fmt.Sprintf("wide, %d of %d pushes", result.Failed, result.Due), errors.New(result.Why))
	}
	lost := 0
	for i := range pages {
		one, err := pages[i].close()
		if err != nil {
			return err
		}
		lost += one
	}
	progress("99th percentile of pushes: %.1f ms", result.Received.P99)
	r.record("wide.p50", scanlogin, result.Received.P50)
	r.record("wide.p99", scanlogin, result.Received.P99)
	r.record("wide.lost", scanlogin, float64(lost+result.Failed))
	return nil
}

// openWide opens the pages, as many on each node.
func (r *comparing) openWide(ctx context.Context, s *system, pages []pageHolders) error {
	for i, n := range s.nodes {
		share := r.Wide*(i+1)/len(s.nodes) - r.Wide*i/len(s.nodes)
		_, failed, why, err := pages[i].grow(ctx, s, share, growth{node: n, perProcess: pagesPerProcess})
		if err == nil && failed > 0 {
			err = fmt.Errorf("%d of %d pages could not be opened: %s", failed, share, why)
		}
		if err != nil {
			return fmt.Errorf("node %d: %w", i+1, err)
		}
		progress("%d pages wait on node %d", share, i+1)
	}
	return pause(ctx, settleTime)
}
