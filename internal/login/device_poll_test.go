package login

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/session"
)

// simultaneous is a storage whose reads return only when all callers have read.
type simultaneous struct {
	kv.Store
	readers *sync.WaitGroup
}

func (s simultaneous) Get(ctx context.Context, names ...string) ([]map[string]string, error) {
	found, err := s.Store.Get(ctx, names...)
	s.readers.Done()
	s.readers.Wait()
	return found, err
}

// TestSimultaneousPollsAreCountedExactly has all polls read the same record before any of them is
// recorded.
func TestSimultaneousPollsAreCountedExactly(t *testing.T) {
	const polls = 4
	var readers, done sync.WaitGroup
	readers.Add(polls)
	records := kv.NewMemory()
	f := newService(t, func(o *Options) { o.Records = simultaneous{records, &readers} }, newPool(nil))
	code := session.Session{ID: session.NewID(), ExpiresAt: time.Now().Add(time.Minute)}
	var results [polls]error
	for i := range results {
		done.Go(func() { results[i] = f.countPoll(t.Context(), code) })
	}
	done.Wait()
	early := 0
	for _, err := range results {
		if !errors.Is(err, ErrPending) {
			t.Error(err)
		}
		if errors.Is(err, ErrSlowDown) {
			early++
		}
	}
	found, err := records.Get(t.Context(), pollName(code))
	if early != polls-1 || err != nil || found[0][pollEvery] != "20000" { // 5 s, and 5 s for each of the three
		t.Errorf("%d polls were too early: %v, %v", early, found, err)
	}
}

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
