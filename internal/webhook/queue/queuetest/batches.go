package queuetest

import "fmt"

// doneRemovesSeveral removes several entries with one call; the others stay.
func (s *suite) doneRemovesSeveral() {
	s.add("one", "two", "three", "four")
	ids := idsOf(s.take(s.a, 4, long))
	if err := s.b.Done(s.ctx, s.lane, ids[0], ids[1], ids[3]); err != nil {
		s.Fatal(err)
	}
	left, err := s.a.List(s.ctx, s.lane, 10)
	if err != nil {
		s.Fatal(err)
	}
	s.expect(left, "three")
}

// takeReturnsAtMostN takes from a lane with released and new entries.
func (s *suite) takeReturnsAtMostN() {
	s.add("one", "two", "three")
	ids := idsOf(s.take(s.a, 3, long))
	s.add("four", "five", "six")
	if err := s.a.Hold(s.ctx, s.lane, 0, ids...); err != nil {
		s.Fatal(err)
	}
	s.expect(s.take(s.b, 2, long), "one", "two")
	s.expect(s.take(s.b, 2, long), "three", "four")
	s.expect(s.take(s.b, 1, long), "five")
	s.expect(s.take(s.b, 5, long), "six")
}

// takeAmongHeldEntries takes two at a time from 100 held entries of which the first, and ten
// further back, are released.
func (s *suite) takeAmongHeldEntries() {
	for range 100 {
		s.add("held")
	}
	ids := idsOf(s.take(s.a, 100, long))
	if err := s.a.Hold(s.ctx, s.lane, 0, append([]string{ids[0]}, ids[50:60]...)...); err != nil {
		s.Fatal(err)
	}
	for free := 11; free > 0; {
		got := len(s.take(s.b, 2, long))
		if free -= got; got > 2 || free < 0 {
			s.Fatalf("%d entries were taken, %d are left", got, free)
		}
		if s.ctx.Err() != nil {
			s.Fatalf("%d entries are left", free)
		}
	}
}

// listBefore lists 25 entries ten at a time, and removes each page before it lists the next.
func (s *suite) listBefore() {
	for n := range 25 {
		s.add(fmt.Sprint(n))
	}
	var last string
	for _, page := range [][2]int{{24, 10}, {14, 10}, {4, 5}, {0, 0}} {
		var want []string
		for i := range page[1] {
			want = append(want, fmt.Sprint(page[0]-i))
		}
		entries, err := s.b.ListBefore(s.ctx, s.lane, last, 10)
		if err != nil {
			s.Fatal(err)
		}
		s.expect(entries, want...)
		if len(entries) == 0 {
			break
		}
		last = entries[len(entries)-1].ID
		if err := s.a.Done(s.ctx, s.lane, idsOf(entries)...); err != nil {
			s.Fatal(err)
		}
	}
}
