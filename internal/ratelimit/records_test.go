package ratelimit

import (
	"strconv"
	"testing"
	"time"
)

// TestANewKeyExaminesALimitedNumberOfOthers fills a map with keys that are all in use, the
// most expensive case: a search takes the mark from each key that it passes over.
func TestANewKeyExaminesALimitedNumberOfOthers(t *testing.T) {
	const max = 50_000
	rs, now := newRecords(max), time.Now()
	inUse := func() (n int) {
		for _, r := range rs.byKey {
			if r.used {
				n++
			}
		}
		return n
	}
	for range 2 {
		for i := range max {
			rs.put(strconv.Itoa(i), record{end: now.Add(time.Hour)}, now)
		}
	}
	if n := inUse(); n != max {
		t.Fatalf("%d of %d keys are in use", n, max)
	}
	for i := range 100 {
		before := inUse()
		rs.put("new"+strconv.Itoa(i), record{end: now.Add(time.Hour)}, now)
		if examined := before - inUse(); examined > maxExamined {
			t.Fatalf("new key %d examined %d others, want at most %d", i+1, examined, maxExamined)
		}
		if len(rs.byKey) != max || len(rs.ring) != max {
			t.Fatalf("%d keys in %d slots, want %d", len(rs.byKey), len(rs.ring), max)
		}
	}
}

func TestAnExpiredKeyIsEvictedBeforeOthers(t *testing.T) {
	rs, now := newRecords(maxExamined), time.Now()
	for i := range maxExamined {
		rs.put(strconv.Itoa(i), record{end: now.Add(time.Hour)}, now)
	}
	rs.reset("5")
	rs.put("new", record{end: now.Add(time.Hour)}, now)
	for i := range maxExamined {
		if _, stored := rs.byKey[strconv.Itoa(i)]; stored == (i == 5) {
			t.Errorf("key %d stored: %v", i, stored)
		}
	}
}

// TestTheFirstUnusedKeyIsEvicted has keys in use at both ends of what is examined.
func TestTheFirstUnusedKeyIsEvicted(t *testing.T) {
	for name, c := range map[string]struct {
		used    []int
		expired []int
		evicted int
	}{
		"none in use":            {evicted: 0},
		"the first in use":       {used: []int{0}, evicted: 1},
		"the second in use":      {used: []int{1}, evicted: 0},
		"all but the last":       {used: []int{0, 1, 2, 3, 4, 5, 6}, evicted: 7},
		"all in use":             {used: []int{0, 1, 2, 3, 4, 5, 6, 7}, evicted: 7},
		"the first of two ended": {expired: []int{2, 5}, evicted: 2},
	} {
		rs, now := newRecords(2*maxExamined), time.Now()
		put := func(i int) { rs.put(strconv.Itoa(i), record{end: now.Add(time.Hour)}, now) }
		for i := range 2 * maxExamined {
			put(i)
		}
		for _, i := range c.used {
			put(i)
		}
		for _, i := range c.expired {
			rs.reset(strconv.Itoa(i))
		}
		put(1000)
		if _, stored := rs.byKey[strconv.Itoa(c.evicted)]; stored || len(rs.byKey) != 2*maxExamined {
			t.Errorf("%s: key %d is stored: %v, want it evicted; %d keys", name, c.evicted, stored, len(rs.byKey))
		}
	}
}
