package ratelimittest

import (
	"time"

	"github.com/scanlogin/scanlogin/internal/ratelimit"
)

// lifeIsExact compares how long keys are held with what was taken and noted, to
// the time that the calls took: an end by a clock that is read wrongly is off by
// more.
func (s *suite) lifeIsExact() {
	const rounding = 2 * time.Millisecond // of the clock, and of the key's end
	for key, op := range map[string]ratelimit.Op{
		s.key + "taken": ratelimit.Take(s.key+"taken", ratelimit.Limit{Most: 2, Over: 2 * time.Hour}),
		s.key + "noted": ratelimit.Note(s.key+"noted", time.Hour),
	} {
		began := time.Now()
		s.do(s.A, op)
		life := s.Life(key)
		if took := time.Since(began); life < time.Hour-took-rounding || life > time.Hour+rounding {
			s.Errorf("%s lives for %v, want an hour less at most %v", key, life, took)
		}
	}
}
