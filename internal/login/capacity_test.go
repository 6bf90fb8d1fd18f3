package login

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// filling is a store whose usage has the ratios, one after the other and then the last one; a
// negative one is a store that does not answer.
type filling struct {
	session.Store
	ratios []float64
	at     []time.Time // of the calls
}

func (s *filling) Usage(context.Context) (session.Usage, error) {
	ratio := s.ratios[min(len(s.at), len(s.ratios)-1)]
	s.at = append(s.at, time.Now())
	if ratio < 0 {
		return session.Usage{}, errors.New("away")
	}
	return session.Usage{Used: int64(ratio * 1e6), Max: 1e6}, nil
}

// measureFor lets a capacity measure for a time of the bubble.
func measureFor(t *testing.T, d time.Duration, ratios ...float64) (*capacity, *filling) {
	st := &filling{ratios: ratios}
	c := newCapacity(st, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	c.run(ctx)
	return c, st
}

func TestUsageIsMeasuredMoreOftenWhileTheStoreFills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, st := measureFor(t, 30*time.Second, 0, watchGrowth, watchGrowth, watchFrom-0.01, watchFrom, watchFrom, watchFrom-0.01)
		var pauses []time.Duration
		for i, at := range st.at[1:] {
			pauses = append(pauses, at.Sub(st.at[i]))
		}
		want := []time.Duration{usageEvery, usageSoon, usageEvery, usageSoon, usageSoon, usageSoon, usageEvery}
		if len(pauses) < len(want) || !slices.Equal(pauses[:len(want)], want) {
			t.Errorf("pauses %v, want %v and more", pauses, want)
		}
	})
}

// TestAMeasurementCountsForAMinute while the store does not answer.
func TestAMeasurementCountsForAMinute(t *testing.T) {
	for d, isKnown := range map[time.Duration]bool{usageStale + usageSoon/2: true, usageStale + 3*usageSoon/2: false} {
		synctest.Test(t, func(t *testing.T) {
			if c, _ := measureFor(t, d, 0.9, -1); math.IsNaN(c.ratio()) == isKnown {
				t.Errorf("after %v: %v", d, c.ratio())
			}
		})
	}
}
