package login

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
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

// logged is what a capacity logs, as text.
func logged(c *capacity) *bytes.Buffer {
	text := new(bytes.Buffer)
	c.log = slog.New(slog.NewTextHandler(text, nil))
	return text
}

// unmeasurable is a store that answers, but not with its usage.
type unmeasurable struct {
	session.Store
	err error
}

func (s unmeasurable) Usage(context.Context) (session.Usage, error) {
	return session.Usage{Used: 1}, s.err
}

// TestAStoreThatCannotTellItsUsageIsNamedOnce with the reason, and not while the node stops.
func TestAStoreThatCannotTellItsUsageIsNamedOnce(t *testing.T) {
	for reason, err := range map[string]error{"has no bound": nil, "NOPERM": fmt.Errorf("%w: NOPERM", session.ErrRefused)} {
		c := newCapacity(unmeasurable{err: err}, nil)
		text := logged(c)
		c.learn(t.Context(), 0.1)
		stopping, cancel := context.WithCancel(t.Context())
		cancel()
		if !c.measure(stopping) || text.Len() > 0 {
			t.Errorf("while the node stops: %s", text)
		}
		for range 2 {
			if !c.measure(t.Context()) || !math.IsNaN(c.ratio()) {
				t.Errorf("%s: usage %v", reason, c.ratio())
			}
		}
		if n := strings.Count(text.String(), "store usage is not known"); n != 1 || !strings.Contains(text.String(), reason) {
			t.Errorf("%s: logged %q", reason, text)
		}
	}
}

// TestAFillingStoreIsLoggedWithItsUsage and refuses new codes when it is nearly full.
func TestAFillingStoreIsLoggedWithItsUsage(t *testing.T) {
	c := newCapacity(&filling{}, nil)
	text := logged(c)
	c.learn(t.Context(), 0.8749)
	if !strings.Contains(text.String(), "store is filling up") || !strings.Contains(text.String(), "usage=0.87\n") {
		t.Errorf("logged %q", text)
	}
	c.learn(t.Context(), 0.99)
	if err := c.admit(newPool(nil), "192.0.2.1"); !errors.As(err, new(StoreFull)) {
		t.Errorf("a nearly full store: %v", err)
	}
}

// TestAServiceLogsWhereItIsTold a warning that only the service's own log can show.
func TestAServiceLogsWhereItIsTold(t *testing.T) {
	text := new(bytes.Buffer)
	f := newService(t, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(text, nil)) })
	f.capacity.learn(t.Context(), 0.99)
	if !strings.Contains(text.String(), "store is nearly full") {
		t.Errorf("logged %q", text)
	}
}
