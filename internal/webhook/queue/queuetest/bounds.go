package queuetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scanlogin/scanlogin/internal/webhook/queue"
)

func (s *suite) fullLaneRejects() {
	s.lane.MaxLen = 2
	s.add("one", "two")
	if err := s.b.Add(s.ctx, s.lane, "three"); !errors.Is(err, queue.ErrFull) {
		s.Errorf("entry 3 of 2: %v", err)
	}
	entries := s.take(s.a, 3, long)
	s.expect(entries, "one", "two")
	if err := s.a.Done(s.ctx, s.lane, entries[0].ID); err != nil {
		s.Fatal(err)
	}
	s.add("three")
	s.expect(s.take(s.a, 3, long), "three")
}

func (s *suite) dropsOldest() {
	s.lane.DropOldest, s.lane.MaxLen = true, 200
	for n := range 1000 {
		s.add(fmt.Sprint(n))
	}
	newest, err := s.b.List(s.ctx, s.lane, 3)
	if err != nil {
		s.Fatal(err)
	}
	s.expect(newest, "999", "998", "997")
	all, err := s.b.List(s.ctx, s.lane, 1000)
	if err != nil || len(all) < 200 || len(all) > 400 { // MaxLen is approximate
		s.Errorf("%d entries are kept, %v", len(all), err)
	}
}

// findsReleasedBehindHeld searches one released entry behind 499 held ones.
func (s *suite) findsReleasedBehindHeld() {
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
	for deadline := time.Now().Add(timeout); ; {
		if got := s.take(s.b, 1, long); len(got) > 0 {
			s.expect(got, "499")
			return
		}
		if time.Now().After(deadline) {
			s.Fatal("the released entry was not found")
		}
	}
}

func (s *suite) lanesAreSeparate() {
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

func (s *suite) lanesExpire() {
	s.lane.TTL = 50 * time.Millisecond
	s.add("one")
	for deadline := time.Now().Add(timeout); ; time.Sleep(5 * time.Millisecond) {
		left, err := s.a.List(s.ctx, s.lane, 1)
		if err != nil {
			s.Fatal(err)
		}
		if len(left) == 0 {
			break
		}
		if time.Now().After(deadline) {
			s.Fatal("the lane does not expire")
		}
	}
	s.lane.TTL = long
	s.add("two")
	s.expect(s.take(s.b, 2, long), "two")
}

func (s *suite) canceledContext() {
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	_, take := s.a.Take(ctx, s.lane, 1, long)
	_, list := s.a.List(ctx, s.lane, 1)
	_, before := s.a.ListBefore(ctx, s.lane, "1-1", 1)
	for name, err := range map[string]error{
		"add": s.a.Add(ctx, s.lane, "one"), "take": take, "list": list, "list before": before,
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
