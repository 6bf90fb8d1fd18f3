package ratelimit

import (
	"strconv"
	"testing"
	"time"
)

// TestANewKeyExaminesABoundedNumberOfOthers fills a map with keys that are all in use, the
// most expensive case: a search takes the mark from each key that it passes over.
func TestANewKeyExaminesABoundedNumberOfOthers(t *testing.T) {
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
