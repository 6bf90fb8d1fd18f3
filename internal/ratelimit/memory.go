package ratelimit

import (
	"context"
	"slices"
	"sync"
	"time"
)

// maxKeys bounds a Memory: 30 MB, at 150 bytes per key. A window has 70 bytes per request more.
const maxKeys = 200_000

// Memory is a Store in the memory of one process, by the process's clock. It stores at
// most 200,000 keys: a new key then evicts one that has expired or was not used recently.
// The time for an operation does not depend on the number of keys.
type Memory struct {
	mu      sync.Mutex
	records *records
}

// NewMemory creates an empty Memory.
func NewMemory() *Memory { return &Memory{records: newRecords(maxKeys)} }

// Do implements Store. The only error is ctx's.
func (m *Memory) Do(ctx context.Context, ops ...Op) ([]Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	results := make([]Result, len(ops))
	for i, op := range ops {
		results[i] = m.do(op, now)
	}
	return results, nil
}

// do runs one operation; m.mu is held.
func (m *Memory) do(op Op, now time.Time) Result {
	r := m.records.get(op.Key, now)
	switch op.Kind {
	case KindAllow:
		full := r.end
		if full.Before(now) {
			full = now
		}
		full = full.Add(op.Limit.Interval())
		if wait := full.Sub(now) - op.Limit.Period; wait > 0 {
			if !r.used {
				m.records.put(op.Key, r, now) // refused requests keep the key from being evicted
			}
			return Result{RetryAfter: wait}
		}
		if op.Limit.Interval() > 0 {
			m.records.put(op.Key, record{end: full}, now)
		}
		return Result{}
	case KindTake:
		return m.take(op, r, now)
	case KindGiveBack:
		r.taken = slices.DeleteFunc(slices.Clone(r.taken), func(q request) bool { return q.id == op.ID })
		if !r.end.IsZero() {
			m.records.put(op.Key, r, now)
		}
		return Result{}
	case KindIncr:
		r = record{count: r.count + 1, end: now.Add(op.TTL)}
		m.records.put(op.Key, r, now)
	case KindReset:
		m.records.reset(op.Key)
		return Result{}
	}
	return Result{Count: r.count}
}

// take records a request in the window r; m.mu is held.
func (m *Memory) take(op Op, r record, now time.Time) Result {
	since := now.Add(-op.Limit.Period)
	r.taken = slices.DeleteFunc(slices.Clone(r.taken), func(q request) bool { return !q.at.After(since) })
	var result Result
	switch {
	case slices.ContainsFunc(r.taken, func(q request) bool { return q.id == op.ID }):
	case len(r.taken) >= op.Limit.Burst:
		result.RetryAfter = r.taken[0].at.Sub(since)
	default:
		r.taken, r.end = append(r.taken, request{op.ID, now}), now.Add(op.Limit.Period)
	}
	m.records.put(op.Key, r, now) // also if it is refused: a key in use is not evicted
	return result
}

// exhaust makes allowances that another storage refused as exhausted here, so that what is
// left here is not given in addition.
func (m *Memory) exhaust(ops []Op, results []Result) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for i, op := range ops {
		if op.Kind != KindAllow || op.Limit.Burst <= 0 || results[i].RetryAfter <= 0 {
			continue
		}
		full := now.Add(results[i].RetryAfter + op.Limit.Period - op.Limit.Interval())
		if full.After(m.records.get(op.Key, now).end) {
			m.records.put(op.Key, record{end: full}, now)
		}
	}
}
