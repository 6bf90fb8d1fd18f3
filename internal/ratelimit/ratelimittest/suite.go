// Package ratelimittest is the conformance suite of ratelimit: every storage passes it,
// over two nodes.
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

// Storage is a storage with two nodes over it.
type Storage struct {
	A, B ratelimit.Tally
	// Life is how long the storage will go on holding a key by itself:
	// negative for ever, 0 if it holds none.
	Life func(key string) time.Duration
}

// patience is how long the suite waits for what must come.
const patience = 30 * time.Second

// Run runs the suite; open makes a storage that t cleans up. Keys of one open
// storage may be there for another.
func Run(t *testing.T, open func(t *testing.T) Storage) {
	var keys atomic.Int64
	for _, test := range []struct {
		name string
		run  func(*suite)
	}{
		{"MostAtOnceAndNoMore", (*suite).mostAtOnce},
		{"NodesShareOneAllowance", (*suite).oneAllowance},
		{"ARefusalTakesNothing", (*suite).refusalTakesNothing},
		{"ItComesBackWhenItWasSaid", (*suite).comesBack},
		{"AllComesBack", (*suite).allComesBack},
		{"EachTakesItsShare", (*suite).shares},
		{"PeekTakesNothing", (*suite).peek},
		{"NotesOfAllNodesAddUp", (*suite).notes},
		{"NotesAreForgottenInTime", (*suite).notesEnd},
		{"ForgottenIsAsIfItHadNeverBeen", (*suite).forget},
		{"AnswersStandInOrder", (*suite).order},
		{"EveryKeyHasAnEndOfLife", (*suite).everyKeyEnds},
		{"AKeyLivesAsLongAsItCounts", (*suite).lifeIsExact},
		{"NothingHappensWhenTheContextIsOver", (*suite).contextIsOver},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
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

// never is a time within which nothing comes back.
const never = 1000 * time.Hour

// do does one op.
func (s *suite) do(on ratelimit.Tally, op ratelimit.Op) ratelimit.Answer {
	s.Helper()
	answers, err := on.Do(s.ctx, op)
	if err != nil || len(answers) != 1 {
		s.Fatalf("%d answers, error %v", len(answers), err)
	}
	return answers[0]
}

// wait takes one, and returns how long to wait.
func (s *suite) wait(on ratelimit.Tally, key string, l ratelimit.Limit) time.Duration {
	s.Helper()
	return s.do(on, ratelimit.Take(key, l)).Wait
}

func (s *suite) mostAtOnce() {
	limit := ratelimit.Limit{Most: 7, Over: never}
	for i := range 7 {
		if wait := s.wait(s.A, s.key, limit); wait != 0 {
			s.Fatalf("the %d. must wait %v", i+1, wait)
		}
	}
	if wait := s.wait(s.A, s.key, limit); wait <= 0 || wait > limit.Share() {
		s.Errorf("the 8. must wait %v, and there is one each %v", wait, limit.Share())
	}
	if wait := s.wait(s.A, s.key+"other", limit); wait != 0 {
		s.Errorf("another key must wait %v", wait)
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
			answers, err := on.Do(s.ctx, ratelimit.Take(s.key, ratelimit.Limit{Most: most, Over: never}))
			if err != nil {
				s.Error(err)
			} else if answers[0].Wait == 0 {
				taken.Add(1)
			}
		})
	}
	wg.Wait()
	if taken.Load() != most {
		s.Errorf("two nodes took %d of %d", taken.Load(), most)
	}
}

func (s *suite) refusalTakesNothing() {
	limit := ratelimit.Limit{Most: 1, Over: never}
	s.wait(s.A, s.key, limit)
	first := s.wait(s.A, s.key, limit)
	for range 100 {
		s.wait(s.B, s.key, limit)
	}
	if last := s.wait(s.A, s.key, limit); last > first {
		s.Errorf("the wait grew from %v to %v", first, last)
	}
}

// comesBack holds the answer to its word: not before, and then at once.
func (s *suite) comesBack() {
	limit := ratelimit.Limit{Most: 2, Over: time.Second}
	s.wait(s.A, s.key, limit)
	s.wait(s.A, s.key, limit)
	var wait time.Duration
	var sent time.Time
	for wait == 0 { // on a machine that is slow enough, one came back meanwhile
		sent = time.Now()
		wait = s.wait(s.A, s.key, limit)
	}
	for refused := time.Now(); ; time.Sleep(time.Millisecond) {
		asked := time.Now()
		again := s.wait(s.B, s.key, limit)
		switch {
		case again == 0 && time.Since(sent) < wait-10*time.Millisecond: // clocks differ in pace
			s.Errorf("told to wait %v, it came after %v", wait, time.Since(sent))
		case again > 0 && asked.Sub(refused) > wait+10*time.Millisecond:
			s.Fatalf("told to wait %v, and after %v to wait %v more", wait, asked.Sub(refused), again)
		}
		if again == 0 {
			return
		}
	}
}

func (s *suite) allComesBack() {
	limit := ratelimit.Limit{Most: 50, Over: 50 * time.Millisecond}
	for range 50 {
		s.wait(s.A, s.key, limit)
	}
	s.eventually("all is back", func() bool { return s.do(s.B, ratelimit.Peek(s.key)).Wait == 0 })
}

func (s *suite) shares() {
	half, tenth := ratelimit.Limit{Most: 2, Over: never}, ratelimit.Limit{Most: 10, Over: never}
	s.wait(s.A, s.key, half)
	for i := range 5 {
		if wait := s.wait(s.B, s.key, tenth); wait != 0 {
			s.Fatalf("tenth %d after a half must wait %v", i+1, wait)
		}
	}
	if s.wait(s.A, s.key, tenth) == 0 || s.wait(s.A, s.key, half) == 0 {
		s.Error("a half and five tenths are not all")
	}
}

func (s *suite) peek() {
	limit := ratelimit.Limit{Most: 1, Over: never}
	for range 3 {
		if wait := s.do(s.A, ratelimit.Peek(s.key)).Wait; wait != 0 {
			s.Fatalf("nothing was taken, and it says %v", wait)
		}
	}
	s.wait(s.A, s.key, limit)
	if wait := s.do(s.B, ratelimit.Peek(s.key)).Wait; wait <= never/2 || wait > never {
		s.Errorf("%v until all is back, want a little less than %v", wait, never)
	}
}

func (s *suite) notes() {
	if n := s.do(s.A, ratelimit.Noted(s.key)).Count; n != 0 {
		s.Errorf("%d of what was never noted", n)
	}
	for i := range 10 {
		on := s.A
		if i%2 == 1 {
			on = s.B
		}
		if n := s.do(on, ratelimit.Note(s.key, never)).Count; n != i+1 {
			s.Errorf("the %d. note counts %d", i+1, n)
		}
	}
	if n := s.do(s.A, ratelimit.Noted(s.key)).Count; n != 10 {
		s.Errorf("%d notes, want 10", n)
	}
}

func (s *suite) notesEnd() {
	s.do(s.A, ratelimit.Note(s.key, never))
	s.do(s.A, ratelimit.Note(s.key, 50*time.Millisecond)) // the last one says for how long
	s.eventually("the notes are forgotten", func() bool { return s.do(s.B, ratelimit.Noted(s.key)).Count == 0 })
	if n := s.do(s.A, ratelimit.Note(s.key, never)).Count; n != 1 {
		s.Errorf("the first after that counts %d", n)
	}
}

func (s *suite) forget() {
	s.do(s.A, ratelimit.Note(s.key, never))
	s.do(s.B, ratelimit.Forget(s.key))
	if n := s.do(s.A, ratelimit.Noted(s.key)).Count; n != 0 {
		s.Errorf("%d notes of what was forgotten", n)
	}
	limit := ratelimit.Limit{Most: 1, Over: never}
	s.wait(s.A, s.key+"taken", limit)
	s.do(s.B, ratelimit.Forget(s.key+"taken"))
	if wait := s.wait(s.A, s.key+"taken", limit); wait != 0 {
		s.Errorf("an allowance that was forgotten must wait %v", wait)
	}
	if n := s.do(s.A, ratelimit.Noted(s.key)).Count; n != 0 {
		s.Errorf("%d notes", n)
	}
}

func (s *suite) order() {
	limit := ratelimit.Limit{Most: 1, Over: never}
	s.wait(s.A, s.key+"full", limit)
	answers, err := s.A.Do(s.ctx, ratelimit.Note(s.key, never), ratelimit.Take(s.key+"full", limit),
		ratelimit.Take(s.key+"free", limit), ratelimit.Noted(s.key), ratelimit.Peek(s.key+"free"))
	if err != nil || len(answers) != 5 {
		s.Fatalf("%v, error %v", answers, err)
	}
	if answers[0].Count != 1 || answers[1].Wait == 0 || answers[2].Wait != 0 || answers[3].Count != 1 || answers[4].Wait == 0 {
		s.Errorf("answers %v", answers)
	}
	if answers, err := s.A.Do(s.ctx); err != nil || len(answers) != 0 {
		s.Errorf("nothing asked: %v, error %v", answers, err)
	}
}

func (s *suite) everyKeyEnds() {
	s.wait(s.A, s.key+"taken", ratelimit.Limit{Most: 2, Over: time.Hour})
	s.do(s.A, ratelimit.Note(s.key+"noted", time.Hour))
	for key, most := range map[string]time.Duration{"taken": 30 * time.Minute, "noted": time.Hour} {
		if life := s.Life(s.key + key); life <= most/2 || life > most+time.Second {
			s.Errorf("%s lives for %v, want about %v", key, life, most)
		}
	}
	s.do(s.A, ratelimit.Peek(s.key))
	s.do(s.A, ratelimit.Noted(s.key))
	s.do(s.A, ratelimit.Forget(s.key))
	if life := s.Life(s.key); life != 0 {
		s.Errorf("who only looked left something for %v", life)
	}
}

func (s *suite) contextIsOver() {
	over, cancel := context.WithCancel(s.ctx)
	cancel()
	if _, err := s.A.Do(over, ratelimit.Note(s.key, never)); err == nil {
		s.Error("no error")
	}
	if n := s.do(s.B, ratelimit.Noted(s.key)).Count; n != 0 {
		s.Errorf("noted %d", n)
	}
}

func (s *suite) eventually(what string, ok func() bool) {
	s.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.Fatalf("never: %s", what)
		}
	}
}
