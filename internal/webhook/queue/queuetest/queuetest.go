// Package queuetest is the conformance suite of queue: every implementation passes it, with
// two nodes on one storage.
package queuetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/webhook/queue"
)

const (
	// timeout is how long the suite waits for a condition.
	timeout = 20 * time.Second
	// long is a hold that does not expire during a test.
	long = time.Hour
)

// Run runs the suite. open creates two nodes on one storage, which it cleans up with t.
func Run(t *testing.T, open func(t *testing.T) (a, b queue.Queue)) {
	for _, test := range []struct {
		name string
		run  func(*suite)
	}{
		{"EntriesAreTakenInOrderAndOnce", (*suite).inOrderAndOnce},
		{"EachEntryIsGivenToOneNode", (*suite).givenToOneNode},
		{"HoldsExpire", (*suite).holdsExpire},
		{"ReleasedEntriesAreAvailableAtOnce", (*suite).released},
		{"HoldsAreRenewed", (*suite).holdIsRenewed},
		{"DoneIsFinalAndRepeatable", (*suite).doneIsFinal},
		{"AFullLaneRejectsEntries", (*suite).fullLaneRejects},
		{"DropOldestMakesRoom", (*suite).dropsOldest},
		{"AReleasedEntryIsFoundBehindHeldOnes", (*suite).findsReleasedBehindHeld},
		{"DoneRemovesSeveralEntries", (*suite).doneRemovesSeveral},
		{"TakeReturnsAtMostN", (*suite).takeReturnsAtMostN},
		{"TakeFindsEntriesAmongHeldOnes", (*suite).takeAmongHeldEntries},
		{"ListBeforeContinuesAList", (*suite).listBefore},
		{"LanesAreSeparate", (*suite).lanesAreSeparate},
		{"LanesExpire", (*suite).lanesExpire},
		{"ACanceledContextDoesNothing", (*suite).canceledContext},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*timeout)
			t.Cleanup(cancel)
			a, b := open(t)
			test.run(&suite{T: t, ctx: ctx, a: a, b: b, lane: queue.Lane{Name: t.Name(), MaxLen: 1000, TTL: long}})
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

// await calls Take until it returns entries.
func (s *suite) await(q queue.Queue) []queue.Entry {
	s.Helper()
	for deadline := time.Now().Add(timeout); ; time.Sleep(5 * time.Millisecond) {
		if entries := s.take(q, 10, long); len(entries) > 0 {
			return entries
		}
		if time.Now().After(deadline) {
			s.Fatalf("no entry within %v", timeout)
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

func (s *suite) inOrderAndOnce() {
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

func (s *suite) givenToOneNode() {
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
	taken := &takenEntries{counts: make(map[string]int)}
	for i := range 4 {
		q := []queue.Queue{s.a, s.b}[i%2]
		taking.Go(func() { s.takeUntil(q, taken, 4*each) })
	}
	adding.Wait()
	taking.Wait()
	for text, n := range taken.counts {
		if n != 1 {
			s.Errorf("%q was taken %d times", text, n)
		}
	}
	if n := taken.distinct(); n != 4*each {
		s.Errorf("%d of %d entries were taken", n, 4*each)
	}
}

// takenEntries counts how often each entry was taken.
type takenEntries struct {
	mu     sync.Mutex
	counts map[string]int // by text
}

func (e *takenEntries) distinct() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.counts)
}

// takeUntil takes entries of q until want different ones were taken by all callers together.
func (s *suite) takeUntil(q queue.Queue, taken *takenEntries, want int) {
	for deadline := time.Now().Add(timeout); taken.distinct() < want && time.Now().Before(deadline); {
		entries, err := q.Take(s.ctx, s.lane, 7, long)
		if err != nil {
			s.Error(err)
			return
		}
		taken.mu.Lock()
		for _, e := range entries {
			taken.counts[e.Text]++
		}
		taken.mu.Unlock()
	}
}

func (s *suite) holdsExpire() {
	s.add("one")
	s.expect(s.take(s.a, 1, 50*time.Millisecond), "one")
	s.add("two")
	back := s.await(s.b)
	if back[0].Text == "two" { // the hold had not expired yet
		back = append(s.await(s.b), back...)
	}
	s.expect(back, "one", "two")
}

func (s *suite) released() {
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
	s.expect(s.await(s.b), "two") // so without renewal the first would be available
	s.expect(s.take(s.b, 2, long))
}

func (s *suite) doneIsFinal() {
	s.add("one", "two")
	entries := s.take(s.a, 2, long)
	for range 2 { // a call that is repeated
		if err := s.b.Done(s.ctx, s.lane, entries[0].ID); err != nil {
			s.Fatal(err)
		}
	}
	if err := s.a.Hold(s.ctx, s.lane, 0, idsOf(entries)...); err != nil {
		s.Fatal(err)
	}
	s.expect(s.take(s.a, 2, long), "two")
	if err := s.a.Done(s.ctx, s.lane); err != nil {
		s.Errorf("without ids: %v", err)
	}
	if left, err := s.a.List(s.ctx, s.lane, 10); err != nil || len(left) != 1 {
		s.Errorf("left: %v, %v", left, err)
	}
}
