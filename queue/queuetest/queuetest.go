// Package queuetest is the law of queue in executable form: one suite that each
// implementation passes, over two nodes on one storage.
package queuetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/queue"
)

const (
	// patience is how long the suite waits for what must come.
	patience = 20 * time.Second
	// long is a hold that no test sees the end of.
	long = time.Hour
)

// Run runs the suite; open makes two nodes on one storage that t cleans up.
func Run(t *testing.T, open func(t *testing.T) (a, b queue.Queue)) {
	for _, test := range []struct {
		name string
		run  func(*suite)
	}{
		{"TakenInTheirOrderAndOnce", (*suite).takenInTheirOrderAndOnce},
		{"EachIsGivenToOne", (*suite).eachIsGivenToOne},
		{"HeldComesBack", (*suite).heldComesBack},
		{"LetGoComesBackAtOnce", (*suite).letGoComesBackAtOnce},
		{"HoldIsRenewed", (*suite).holdIsRenewed},
		{"DoneIsDone", (*suite).doneIsDone},
		{"FullRefuses", (*suite).fullRefuses},
		{"RollingForgetsTheOldest", (*suite).rollingForgetsTheOldest},
		{"ManyHeldHideNone", (*suite).manyHeldHideNone},
		{"LanesNeverCross", (*suite).lanesNeverCross},
		{"LifeEnds", (*suite).lifeEnds},
		{"NothingHappensWhenTheContextIsOver", (*suite).nothingOnceContextIsOver},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
			t.Cleanup(cancel)
			a, b := open(t)
			test.run(&suite{T: t, ctx: ctx, a: a, b: b, lane: queue.Lane{Name: t.Name(), Most: 1000, Life: long}})
		})
	}
}

type suite struct {
	*testing.T
	ctx  context.Context
	a, b queue.Queue
	lane queue.Lane
}

func (s *suite) add(texts ...string) {
	s.Helper()
	for _, text := range texts {
		if err := s.a.Add(s.ctx, s.lane, text); err != nil {
			s.Fatal(err)
		}
	}
}

func (s *suite) take(q queue.Queue, n int, hold time.Duration) []queue.Entry {
	s.Helper()
	entries, err := q.Take(s.ctx, s.lane, n, hold)
	if err != nil {
		s.Fatal(err)
	}
	return entries
}

// await takes until there is something.
func (s *suite) await(q queue.Queue) []queue.Entry {
	s.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if entries := s.take(q, 10, long); len(entries) > 0 {
			return entries
		}
		if time.Now().After(deadline) {
			s.Fatalf("nothing came back in %v", patience)
		}
	}
}

func (s *suite) expect(got []queue.Entry, want ...string) {
	s.Helper()
	if texts := textsOf(got); !slices.Equal(texts, want) {
		s.Fatalf("got %q, want %q", texts, want)
	}
}

func textsOf(entries []queue.Entry) []string {
	texts := []string{}
	for _, e := range entries {
		texts = append(texts, e.Text)
	}
	return texts
}

func idsOf(entries []queue.Entry) []string {
	ids := []string{}
	for _, e := range entries {
		ids = append(ids, e.ID)
	}
	return ids
}

func (s *suite) takenInTheirOrderAndOnce() {
	began := time.Now()
	s.expect(s.take(s.a, 10, long))
	s.add("one", "two", "drei \x00 \"{}\" ü")
	first := s.take(s.a, 2, long)
	s.expect(first, "one", "two")
	s.expect(s.take(s.b, 2, long), "drei \x00 \"{}\" ü")
	s.expect(s.take(s.a, 2, long))
	if at := first[0].Added; at.Before(began.Add(-time.Minute)) || at.After(time.Now().Add(time.Minute)) {
		s.Errorf("added at %v", at)
	}
}

func (s *suite) eachIsGivenToOne() {
	const each = 50
	var adding, taking sync.WaitGroup
	for i := range 4 {
		adding.Go(func() {
			for n := range each {
				if err := s.a.Add(s.ctx, s.lane, fmt.Sprint(i, " ", n)); err != nil {
					s.Error(err)
				}
			}
		})
	}
	var mu sync.Mutex
	seen := make(map[string]int)
	count := func() int { mu.Lock(); defer mu.Unlock(); return len(seen) }
	for i := range 4 {
		q := []queue.Queue{s.a, s.b}[i%2]
		taking.Go(func() {
			for deadline := time.Now().Add(patience); count() < 4*each && time.Now().Before(deadline); {
				entries, err := q.Take(s.ctx, s.lane, 7, long)
				if err != nil {
					s.Error(err)
					return
				}
				mu.Lock()
				for _, e := range entries {
					seen[e.Text]++
				}
				mu.Unlock()
			}
		})
	}
	adding.Wait()
	taking.Wait()
	for text, n := range seen {
		if n != 1 {
			s.Errorf("%q was given %d times", text, n)
		}
	}
	if len(seen) != 4*each {
		s.Errorf("%d of %d were given", len(seen), 4*each)
	}
}

func (s *suite) heldComesBack() {
	s.add("one")
	s.expect(s.take(s.a, 1, 50*time.Millisecond), "one")
	s.add("two")
	back := s.await(s.b)
	if back[0].Text == "two" { // the hold was not over yet
		back = append(s.await(s.b), back...)
	}
	s.expect(back, "one", "two")
}

func (s *suite) letGoComesBackAtOnce() {
	s.add("one", "two")
	ids := idsOf(s.take(s.a, 2, long))
	if err := s.a.Hold(s.ctx, s.lane, 0, ids[0]); err != nil {
		s.Fatal(err)
	}
	s.expect(s.take(s.b, 2, long), "one")
}

func (s *suite) holdIsRenewed() {
	s.add("one", "two")
	entries := s.take(s.a, 2, 300*time.Millisecond)
	s.expect(entries, "one", "two")
	if err := s.a.Hold(s.ctx, s.lane, queue.LongestHold, entries[0].ID); err != nil {
		s.Fatal(err)
	}
	s.expect(s.await(s.b), "two") // so the first would have come back by now
	s.expect(s.take(s.b, 2, long))
}

func (s *suite) doneIsDone() {
	s.add("one", "two")
	entries := s.take(s.a, 2, long)
	for range 2 { // a call that is tried again
		if err := s.b.Done(s.ctx, s.lane, entries[0].ID); err != nil {
			s.Fatal(err)
		}
	}
	if err := s.a.Hold(s.ctx, s.lane, 0, idsOf(entries)...); err != nil {
		s.Fatal(err)
	}
	s.expect(s.take(s.a, 2, long), "two")
	if err := s.a.Done(s.ctx, s.lane); err != nil {
		s.Errorf("none of them done: %v", err)
	}
	if left, err := s.a.List(s.ctx, s.lane, 10); err != nil || len(left) != 1 {
		s.Errorf("left: %v, %v", left, err)
	}
}

func (s *suite) fullRefuses() {
	s.lane.Most = 2
	s.add("one", "two")
	if err := s.b.Add(s.ctx, s.lane, "three"); !errors.Is(err, queue.ErrFull) {
		s.Errorf("the third of two: %v", err)
	}
	entries := s.take(s.a, 3, long)
	s.expect(entries, "one", "two")
	if err := s.a.Done(s.ctx, s.lane, entries[0].ID); err != nil {
		s.Fatal(err)
	}
	s.add("three")
	s.expect(s.take(s.a, 3, long), "three")
}

func (s *suite) rollingForgetsTheOldest() {
	s.lane.Rolls, s.lane.Most = true, 200
	for n := range 1000 {
		s.add(fmt.Sprint(n))
	}
	newest, err := s.b.List(s.ctx, s.lane, 3)
	if err != nil {
		s.Fatal(err)
	}
	s.expect(newest, "999", "998", "997")
	all, err := s.b.List(s.ctx, s.lane, 1000)
	if err != nil || len(all) < 200 || len(all) > 400 { // "about"
		s.Errorf("%d are kept, %v", len(all), err)
	}
}

// manyHeldHideNone looks for one that is free behind many that are held.
func (s *suite) manyHeldHideNone() {
	for n := range 500 {
		s.add(fmt.Sprint(n))
	}
	for range 5 {
		s.take(s.a, 100, long)
	}
	all, err := s.a.List(s.ctx, s.lane, 1)
	if err != nil {
		s.Fatal(err)
	}
	if err := s.a.Hold(s.ctx, s.lane, 0, all[0].ID); err != nil {
		s.Fatal(err)
	}
	for deadline := time.Now().Add(patience); ; {
		if got := s.take(s.b, 1, long); len(got) > 0 {
			s.expect(got, "499")
			return
		}
		if time.Now().After(deadline) {
			s.Fatal("never found")
		}
	}
}

func (s *suite) lanesNeverCross() {
	s.add("one")
	other := s.lane
	other.Name += "x"
	if got, err := s.a.Take(s.ctx, other, 1, long); err != nil || len(got) > 0 {
		s.Errorf("in the other lane: %v, %v", got, err)
	}
	id := s.take(s.a, 1, long)[0].ID
	if err := s.a.Done(s.ctx, other, id); err != nil {
		s.Error(err)
	}
	if left, err := s.a.List(s.ctx, s.lane, 1); err != nil || len(left) != 1 {
		s.Errorf("left: %v, %v", left, err)
	}
}

func (s *suite) lifeEnds() {
	s.lane.Life = 50 * time.Millisecond
	s.add("one")
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		left, err := s.a.List(s.ctx, s.lane, 1)
		if err != nil {
			s.Fatal(err)
		}
		if len(left) == 0 {
			break
		}
		if time.Now().After(deadline) {
			s.Fatal("it is kept for ever")
		}
	}
	s.lane.Life = long
	s.add("two")
	s.expect(s.take(s.b, 2, long), "two")
}

func (s *suite) nothingOnceContextIsOver() {
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	_, take := s.a.Take(ctx, s.lane, 1, long)
	_, list := s.a.List(ctx, s.lane, 1)
	for name, err := range map[string]error{
		"add": s.a.Add(ctx, s.lane, "one"), "take": take, "list": list,
		"hold": s.a.Hold(ctx, s.lane, 0, "1-1"), "done": s.a.Done(ctx, s.lane, "1-1"),
	} {
		if !errors.Is(err, context.Canceled) {
			s.Errorf("%s: %v", name, err)
		}
	}
	if left, err := s.a.List(s.ctx, s.lane, 1); err != nil || len(left) != 0 {
		s.Errorf("left: %v, %v", left, err)
	}
}
