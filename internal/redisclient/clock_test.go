package redisclient

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestScriptsAndGoAgreeOnTheEnd(t *testing.T) {
	for range 1000 {
		end := time.Unix(1_700_000_000, rand.Int64N(5e6)).Round(time.Duration(rand.IntN(1000)) * time.Microsecond)
		for ms := int64(-6); ms < 12; ms++ {
			now := end.Truncate(time.Millisecond).Add(time.Duration(ms) * time.Millisecond)
			if script, inGo := now.UnixMilli() < CeilMillis(end), now.Before(end); script != inGo {
				t.Fatalf("at %v, before an end at %v: %v in a script, %v in Go", now, end, script, inGo)
			}
		}
	}
}

func TestClockIsAsAccurateAsTheFastestAnswer(t *testing.T) {
	const ahead = time.Hour
	var c clock
	local := time.Now().Round(0)
	answer := func(there, back time.Duration) {
		stamp := local.Add(there + ahead).Truncate(time.Millisecond)
		c.observe(local, local.Add(there+back), stamp)
		local = local.Add(time.Second)
	}
	within := func(d time.Duration) {
		t.Helper()
		if off := (time.Duration(c.offset.Load()) - ahead).Abs(); off > d {
			t.Errorf("%v off, want at most %v", off, d)
		}
	}
	answer(300*time.Millisecond, 100*time.Millisecond)
	within(401 * time.Millisecond)
	answer(time.Millisecond, time.Millisecond)
	within(3 * time.Millisecond)
	answer(0, 400*time.Millisecond)
	within(3 * time.Millisecond)
}

func TestClockFollowsAJump(t *testing.T) {
	var c clock
	local := time.Now()
	for _, ahead := range []time.Duration{0, time.Hour, -time.Minute} {
		c.observe(local, local.Add(time.Millisecond), local.Add(ahead))
		if off := (time.Duration(c.offset.Load()) - ahead).Abs(); off > 2*time.Millisecond {
			t.Errorf("%v off with a clock %v ahead", off, ahead)
		}
	}
}
