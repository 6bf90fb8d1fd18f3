package ratelimittest

import (
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scanlogin/scanlogin/internal/ratelimit"
)

// take takes the request id from the window of the suite's key, and returns how long to wait.
func (s *suite) take(on ratelimit.Store, l ratelimit.Limit, id string) time.Duration {
	s.Helper()
	return s.do(on, ratelimit.Take(s.key, l, id)).RetryAfter
}

func (s *suite) oneWindow() {
	const most = 5
	limit := ratelimit.Limit{Burst: most, Period: long}
	var taken atomic.Int64
	var wg sync.WaitGroup
	for i := range 8 * most {
		on := []ratelimit.Store{s.A, s.B}[i%2]
		wg.Go(func() {
			results, err := on.Do(s.ctx, ratelimit.Take(s.key, limit, strconv.Itoa(i)))
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
	first := s.take(s.A, limit, "another")
	for i := range 20 {
		s.take(s.B, limit, "refused"+strconv.Itoa(i))
	}
	if last := s.take(s.A, limit, "last"); last > first || last <= long-time.Hour || first > long {
		s.Errorf("the wait went from %v to %v", first, last)
	}
}

func (s *suite) giveBack() {
	limit := ratelimit.Limit{Burst: 2, Period: long}
	s.do(s.A, ratelimit.GiveBack(s.key, "nothing was taken"))
	s.take(s.A, limit, "first")
	s.take(s.B, limit, "second")
	s.do(s.B, ratelimit.GiveBack(s.key, "unknown"))
	if wait := s.take(s.A, limit, "third"); wait == 0 {
		s.Error("a third request was allowed")
	}
	s.do(s.B, ratelimit.GiveBack(s.key, "first"))
	s.do(s.B, ratelimit.GiveBack(s.key, "first"))
	if wait := s.take(s.A, limit, "third"); wait != 0 {
		s.Errorf("after one was given back, the next must wait %v", wait)
	}
	if wait := s.take(s.A, limit, "fourth"); wait == 0 {
		s.Error("one was given back, and two were allowed")
	}
}

// slides takes two of two requests at different times. The first one's place is free first.
func (s *suite) slides() {
	limit := ratelimit.Limit{Burst: 2, Period: 2 * time.Second}
	started := time.Now()
	s.take(s.A, limit, "first")
	for time.Since(started) < limit.Period/4 {
		time.Sleep(time.Millisecond)
	}
	before := time.Now()
	if s.take(s.A, limit, "second") != 0 || s.take(s.B, limit, "first") != 0 || s.take(s.B, limit, "third") == 0 {
		if time.Since(started) < limit.Period {
			s.Error("within a period, not exactly two of three requests were allowed")
		}
		return
	}
	for i := 0; s.take(s.B, limit, "later"+strconv.Itoa(i)) != 0; i++ {
		time.Sleep(time.Millisecond)
	}
	if time.Since(started) < limit.Period-time.Millisecond { // clocks may differ by rounding
		s.Error("a request was allowed before the first one had left the window")
	}
	if wait := s.take(s.A, limit, "too early"); wait == 0 && time.Since(before) < limit.Period {
		s.Error("a request was allowed before the second one had left the window")
	}
}

func (s *suite) takeTwice() {
	limit := ratelimit.Limit{Burst: 2, Period: long}
	for range 3 {
		if s.take(s.A, limit, "same") != 0 || s.take(s.B, limit, "same") != 0 {
			s.Fatal("a repeated request was refused")
		}
	}
	if s.take(s.A, limit, "second") != 0 || s.take(s.A, limit, "third") == 0 || s.take(s.A, limit, "second") != 0 {
		s.Error("not exactly two requests were allowed, each also if it was repeated")
	}
}
