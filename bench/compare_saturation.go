package main

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// saturate measures the highest rate of scans on one node: of scanlogin, and of
// Echo with the same Redis call and nothing else.
func (r *comparing) saturate(ctx context.Context) error {
	for _, k := range r.turns(scanlogin, bareEcho) {
		if err := r.saturateOf(ctx, k); err != nil {
			return fmt.Errorf("saturation, %s: %w", k, err)
		}
	}
	return nil
}

// concurrentCalls is how many calls are made at the same time.
const concurrentCalls = 64

func (r *comparing) saturateOf(ctx context.Context, k kind) error {
	s, err := r.start(ctx, startOptions{kind: k, nodes: 1})
	if err != nil {
		return err
	}
	defer s.close()
	phones, err := s.newPhones(r.Scans)
	if err != nil {
		return err
	}
	codes := make([]string, r.Scans)
	err = each(ctx, r.Scans, concurrentCalls, func(i int) (err error) {
		codes[i], err = s.createScannable(ctx, i)
		return err
	})
	if err != nil {
		return err
	}
	before, err := s.cpu(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	err = each(ctx, r.Scans, concurrentCalls, func(i int) error { return phones[i].step(ctx, "scanned", codes[i]) })
	took := time.Since(began)
	if err != nil {
		return err
	}
	used, err := s.cpuSince(ctx, before)
	if err != nil {
		return err
	}
	progress("%s: %.0f scans a second", k, float64(r.Scans)/took.Seconds())
	r.record("scan.rate", k, float64(r.Scans)/took.Seconds())
	r.recordCPU("scan", k, used, r.Scans)
	return nil
}

// createScannable creates the i-th code on scanlogin or on the Echo server.
func (s *system) createScannable(ctx context.Context, i int) (string, error) {
	if s.kind.isScanlogin() {
		c, err := s.createCode(ctx)
		return c.Random, err
	}
	code := "floor" + strconv.Itoa(i) + "aaaaaaaaaaaaaaaaaaaa" // about as long as a code of scanlogin
	q, err := jsonRequest(ctx, s.first().url+"/gene/"+code, nil)
	if err == nil {
		err = s.call(q, nil)
	}
	return code, err
}
