// Package ratelimittest is the conformance suite of ratelimit: every Store passes it, with
// two nodes on one storage.
package ratelimittest

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/ratelimit"
)

// Storage is a storage with two nodes.
type Storage struct {
	A, B ratelimit.Store
	// TTL returns the time until the storage deletes a key: negative if it never will,
	// 0 if there is no such key.
	TTL func(key string) time.Duration
}

// timeout is how long the suite waits for a condition.
const timeout = 30 * time.Second

// Run runs the suite. open creates a storage, which it cleans up with t; it may contain the
// keys of another.
func Run(t *testing.T, open func(t *testing.T) Storage) {
	var keys atomic.Int64
	for _, test := range []struct {
		name string
		run  func(*suite)
	}{
		{"BurstIsAllowedAndNoMore", (*suite).burst},
		{"NodesShareOneAllowance", (*suite).oneAllowance},
		{"ARefusalUsesNothing", (*suite).refusalUsesNothing},
		{"RetryAfterIsTrue", (*suite).retryAfterIsTrue},
		{"TheAllowanceRefillsCompletely", (*suite).refills},
		{"DifferentLimitsShareAKey", (*suite).differentLimits},
		{"PeekUsesNothing", (*suite).peek},
		{"NodesShareOneWindow", (*suite).oneWindow},
		{"ARequestGivenBackCanBeTakenAgain", (*suite).giveBack},
		{"AWindowSlides", (*suite).slides},
		{"ARepeatedRequestCountsOnce", (*suite).takeTwice},
		{"IncrementsOfAllNodesAddUp", (*suite).increments},
		{"CountersExpire", (*suite).countersExpire},
		{"ResetDeletesTheKey", (*suite).reset},
		{"ResultsAreInOrder", (*suite).order},
		{"EveryKeyHasAnExpiry", (*suite).everyKeyExpires},
		{"TheExpiryIsExact", (*suite).expiryIsExact},
		{"ACanceledContextDoesNothing", (*suite).canceledContext},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*timeout)
			t.Cleanup(cancel)
			key := "suite" + strconv.FormatInt(keys.Add(1), 10) + "-" + strconv.FormatInt(time.Now().UnixNano(), 36)
			test.run(&suite{T: t, Storage: open(t), ctx: ctx, key: key})
		})
	}
}

type suite struct {
	*testing.T
	Storage
	ctx context.Context
	key string
}

// long is a period in which nothing is refilled or expires during a test.
const long = 1000 * time.Hour

// do runs one operation.
func (s *suite) do(on ratelimit.Store, op ratelimit.Op) ratelimit.Result {
	s.Helper()
	results, err := on.Do(s.ctx, op)
	if err != nil || len(results) != 1 {
		s.Fatalf("%d results, error %v", len(results), err)
	}
	return results[0]
}

// wait makes one request and returns how long to wait.
func (s *suite) wait(on ratelimit.Store, key string, l ratelimit.Limit) time.Duration {
	s.Helper()
	return s.do(on, ratelimit.Allow(key, l)).RetryAfter
}

func (s *suite) burst() {
	limit := ratelimit.Limit{Burst: 7, Period: long}
	for i := range 7 {
		if wait := s.wait(s.A, s.key, limit); wait != 0 {
			s.Fatalf("request %d must wait %v", i+1, wait)
		}
	}
	if wait := s.wait(s.A, s.key, limit); wait <= 0 || wait > limit.Interval() {
		s.Errorf("request 8 must wait %v, and one is refilled every %v", wait, limit.Interval())
	}
	if wait := s.wait(s.A, s.key+"other", limit); wait != 0 {
		s.Errorf("a request for another key must wait %v", wait)
	}
}

func (s *suite) oneAllowance() {
	const most = 20
	var taken atomic.Int64
	var wg sync.WaitGroup
	for i := range 8 * most {
		on := s.A
		if i%2 == 1 {
			on = s.B
		}
		wg.Go(func() {
			results, err := on.Do(s.ctx, ratelimit.Allow(s.key, ratelimit.Limit{Burst: most, Period: long}))
			if err != nil {
				s.Error(err)
			} else if results[0].RetryAfter == 0 {
				taken.Add(1)
			}
		})
	}
	wg.Wait()
	if taken.Load() != most {
		s.Errorf("two nodes allowed %d of %d", taken.Load(), most)
	}
}

func (s *suite) refusalUsesNothing() {
	limit := ratelimit.Limit{Burst: 1, Period: long}
	s.wait(s.A, s.key, limit)
	first := s.wait(s.A, s.key, limit)
	for range 100 {
		s.wait(s.B, s.key, limit)
	}
	if last := s.wait(s.A, s.key, limit); last > first {
		s.Errorf("the wait grew from %v to %v", first, last)
	}
}

// retryAfterIsTrue checks that a request is not allowed before its wait is over, and is allowed
// then.
func (s *suite) retryAfterIsTrue() {
	limit := ratelimit.Limit{Burst: 2, Period: time.Second}
	s.wait(s.A, s.key, limit)
	s.wait(s.A, s.key, limit)
	var wait time.Duration
	var sent time.Time
	for wait == 0 { // on a slow machine one may have been refilled already
		sent = time.Now()
		wait = s.wait(s.A, s.key, limit)
	}
	for refused := time.Now(); ; time.Sleep(time.Millisecond) {
		asked := time.Now()
		again := s.wait(s.B, s.key, limit)
		switch {
		case again == 0 && time.Since(sent) < wait-10*time.Millisecond: // clocks run at different speeds
			s.Errorf("RetryAfter was %v, but it was allowed after %v", wait, time.Since(sent))
		case again > 0 && asked.Sub(refused) > wait+10*time.Millisecond:
			s.Fatalf("RetryAfter was %v, and after %v another %v", wait, asked.Sub(refused), again)
		}
		if again == 0 {
			return
		}
	}
}

func (s *suite) refills() {
	limit := ratelimit.Limit{Burst: 50, Period: 50 * time.Millisecond}
	for range 50 {
		s.wait(s.A, s.key, limit)
	}
	s.eventually("the allowance is full again", func() bool { return s.do(s.B, ratelimit.Peek(s.key)).RetryAfter == 0 })
}

func (s *suite) differentLimits() {
	half, tenth := ratelimit.Limit{Burst: 2, Period: long}, ratelimit.Limit{Burst: 10, Period: long}
	s.wait(s.A, s.key, half)
	for i := range 5 {
		if wait := s.wait(s.B, s.key, tenth); wait != 0 {
			s.Fatalf("request %d of a tenth after one of a half must wait %v", i+1, wait)
		}
	}
	if s.wait(s.A, s.key, tenth) == 0 || s.wait(s.A, s.key, half) == 0 {
		s.Error("more than the whole allowance was used")
	}
}

func (s *suite) peek() {
	limit := ratelimit.Limit{Burst: 1, Period: long}
	for range 3 {
		if wait := s.do(s.A, ratelimit.Peek(s.key)).RetryAfter; wait != 0 {
			s.Fatalf("nothing was used, and Peek returns %v", wait)
		}
	}
	s.wait(s.A, s.key, limit)
	if wait := s.do(s.B, ratelimit.Peek(s.key)).RetryAfter; wait <= long/2 || wait > long {
		s.Errorf("%v until the allowance is full, want a little less than %v", wait, long)
	}
}

func (s *suite) increments() {
	if n := s.do(s.A, ratelimit.Count(s.key)).Count; n != 0 {
		s.Errorf("a counter that was never incremented is %d", n)
	}
	for i := range 10 {
		on := s.A
		if i%2 == 1 {
			on = s.B
		}
		if n := s.do(on, ratelimit.Incr(s.key, long)).Count; n != i+1 {
			s.Errorf("after increment %d the counter is %d", i+1, n)
		}
	}
	if n := s.do(s.A, ratelimit.Count(s.key)).Count; n != 10 {
		s.Errorf("the counter is %d, want 10", n)
	}
}

func (s *suite) countersExpire() {
	s.do(s.A, ratelimit.Incr(s.key, long))
	s.do(s.A, ratelimit.Incr(s.key, 50*time.Millisecond)) // the last one sets the expiry
	s.eventually("the counter expires", func() bool { return s.do(s.B, ratelimit.Count(s.key)).Count == 0 })
	if n := s.do(s.A, ratelimit.Incr(s.key, long)).Count; n != 1 {
		s.Errorf("after the next increment the counter is %d", n)
	}
}

func (s *suite) reset() {
	s.do(s.A, ratelimit.Incr(s.key, long))
	s.do(s.B, ratelimit.Reset(s.key))
	if n := s.do(s.A, ratelimit.Count(s.key)).Count; n != 0 {
		s.Errorf("a counter that was reset is %d", n)
	}
	limit := ratelimit.Limit{Burst: 1, Period: long}
	s.wait(s.A, s.key+"allowance", limit)
	s.do(s.B, ratelimit.Reset(s.key+"allowance"))
	if wait := s.wait(s.A, s.key+"allowance", limit); wait != 0 {
		s.Errorf("a request after a reset must wait %v", wait)
	}
	if n := s.do(s.A, ratelimit.Count(s.key)).Count; n != 0 {
		s.Errorf("the counter is %d", n)
	}
}

func (s *suite) order() {
	limit := ratelimit.Limit{Burst: 1, Period: long}
	s.wait(s.A, s.key+"full", limit)
	results, err := s.A.Do(s.ctx, ratelimit.Incr(s.key, long), ratelimit.Allow(s.key+"full", limit),
		ratelimit.Allow(s.key+"free", limit), ratelimit.Count(s.key), ratelimit.Peek(s.key+"free"))
	if err != nil || len(results) != 5 {
		s.Fatalf("%v, error %v", results, err)
	}
	if results[0].Count != 1 || results[1].RetryAfter == 0 || results[2].RetryAfter != 0 || results[3].Count != 1 || results[4].RetryAfter == 0 {
		s.Errorf("results %v", results)
	}
	if results, err := s.A.Do(s.ctx); err != nil || len(results) != 0 {
		s.Errorf("without operations: %v, error %v", results, err)
	}
}

func (s *suite) everyKeyExpires() {
	s.wait(s.A, s.key+"allowance", ratelimit.Limit{Burst: 2, Period: time.Hour})
	s.do(s.A, ratelimit.Incr(s.key+"counter", time.Hour))
	s.do(s.A, ratelimit.Take(s.key+"window", ratelimit.Limit{Burst: 2, Period: time.Hour}, "request"))
	s.do(s.A, ratelimit.GiveBack(s.key+"window", "request"))
	for key, most := range map[string]time.Duration{"allowance": 30 * time.Minute, "counter": time.Hour, "window": time.Hour} {
		if life := s.TTL(s.key + key); life <= most/2 || life > most+time.Second {
			s.Errorf("%s expires in %v, want about %v", key, life, most)
		}
	}
	s.do(s.A, ratelimit.Peek(s.key))
	s.do(s.A, ratelimit.Count(s.key))
	s.do(s.A, ratelimit.GiveBack(s.key, "request"))
	s.do(s.A, ratelimit.Reset(s.key))
	if life := s.TTL(s.key); life != 0 {
		s.Errorf("reads left a key that expires in %v", life)
	}
}

func (s *suite) canceledContext() {
	canceled, cancel := context.WithCancel(s.ctx)
	cancel()
	if _, err := s.A.Do(canceled, ratelimit.Incr(s.key, long)); err == nil {
		s.Error("no error")
	}
	if n := s.do(s.B, ratelimit.Count(s.key)).Count; n != 0 {
		s.Errorf("the counter is %d", n)
	}
}

func (s *suite) eventually(what string, ok func() bool) {
	s.Helper()
	for deadline := time.Now().Add(timeout); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.Fatalf("timed out: %s", what)
		}
	}
}
