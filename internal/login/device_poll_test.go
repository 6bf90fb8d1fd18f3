package login

import (
	"testing"
	"time"
)

// TestTheIntervalGrowsWithEachPollThatIsTooEarly follows RFC 8628, 3.5.
func TestTheIntervalGrowsWithEachPollThatIsTooEarly(t *testing.T) {
	now := time.Now()
	var stored map[string]string
	for i, step := range []struct {
		wait     time.Duration
		isEarly  bool
		interval string
	}{
		{0, false, "5000"},
		{5 * time.Second, false, "5000"},
		{4600 * time.Millisecond, false, "5000"}, // within the leeway
		{4 * time.Second, true, "10000"},
		{9 * time.Second, true, "15000"},
		{15 * time.Second, false, "15000"},
		{14 * time.Second, true, "20000"},
		{20 * time.Second, false, "20000"},
	} {
		now = now.Add(step.wait)
		var isEarly bool
		if stored, isEarly = nextPoll(stored, now); isEarly != step.isEarly || stored[pollEvery] != step.interval {
			t.Errorf("poll %d: too early: %t, %v", i, isEarly, stored)
		}
	}
	for range 100 {
		stored, _ = nextPoll(stored, now)
	}
	if stored[pollEvery] != "300000" {
		t.Errorf("after a flood: %v", stored)
	}
}
