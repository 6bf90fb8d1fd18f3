package ratelimittest

import (
	"time"

	"github.com/scanlogin/scanlogin/internal/ratelimit"
)

// expiryIsExact compares the expiry of keys with the expected one, to within the time that the
// calls took: a clock that is read incorrectly is off by more.
func (s *suite) expiryIsExact() {
	const rounding = 2 * time.Millisecond // of the clock, and of the key's expiry
	for key, op := range map[string]ratelimit.Op{
		s.key + "allowance": ratelimit.Allow(s.key+"allowance", ratelimit.Limit{Burst: 2, Period: 2 * time.Hour}),
		s.key + "counter":   ratelimit.Incr(s.key+"counter", time.Hour),
	} {
		began := time.Now()
		s.do(s.A, op)
		ttl := s.TTL(key)
		if took := time.Since(began); ttl < time.Hour-took-rounding || ttl > time.Hour+rounding {
			s.Errorf("%s expires in %v, want an hour minus at most %v", key, ttl, took)
		}
	}
}
