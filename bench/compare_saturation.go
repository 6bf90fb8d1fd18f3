package main

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// saturate measures as many scans a second as go on one node: scanlogin's, and
// those of Echo with the same Redis calls and nothing else.
func (r *run) saturate(ctx context.Context) error {
	for _, k := range r.turns(scanlogin, bareEcho) {
		if err := r.saturateOf(ctx, k); err != nil {
			return fmt.Errorf("saturation, %s: %w", k, err)
		}
	}
	return nil
}

// callers is how many call at once.
const callers = 64

func (r *run) saturateOf(ctx context.Context, k kind) error {
	s, err := r.start(ctx, k, 1)
	if err != nil {
		return err
	}
	defer s.close()
	signed, err := tokens(r.Scans)
	if err != nil {
		return err
	}
	names := make([]string, r.Scans)
	err = each(ctx, r.Scans, callers, func(i int) error {
		if k == scanlogin {
			c, err := s.gene(ctx)
			names[i] = c.Random
			return err
		}
		names[i] = "floor" + strconv.Itoa(i) + "aaaaaaaaaaaaaaaaaaaa" // about as long as a code
		q, err := request(ctx, s.first().url+"/gene/"+names[i], nil)
		if err == nil {
			_, err = s.call(q)
		}
		return err
	})
	if err != nil {
		return err
	}
	before, err := s.cpu()
	if err != nil {
		return err
	}
	began := time.Now()
	err = each(ctx, r.Scans, callers, func(i int) error {
		if k == scanlogin {
			return s.step(ctx, "scanned", names[i], signed[i])
		}
		q, err := request(ctx, s.first().url+"/scanned/"+names[i], map[string]string{"random": names[i]})
		if err == nil {
			q.Header.Set("Authorization", "Bearer "+signed[i])
			_, err = s.call(q)
		}
		return err
	})
	took := time.Since(began)
	if err != nil {
		return err
	}
	did, err := s.since(before)
	if err != nil {
		return err
	}
	say("%s: %.0f scans a second", k, float64(r.Scans)/took.Seconds())
	r.note("scan.rate", k, float64(r.Scans)/took.Seconds())
	r.note("scan.cpu", k, perOne(did.nodes, r.Scans))
	r.note("scan.redis", k, perOne(did.redis, r.Scans))
	return nil
}
