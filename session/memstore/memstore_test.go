package memstore_test

import (
	"context"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/memstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMemoryConformance(t *testing.T) { sessiontest.Run(t, storage) }

func TestMemoryConformanceOfSwap(t *testing.T) { sessiontest.RunPrevious(t, storage) }

func storage(*testing.T) sessiontest.Storage {
	st := memstore.New()
	return sessiontest.Storage{
		A:      sessiontest.Node{Store: st, Bus: st.Bus()},
		B:      sessiontest.Node{Store: st, Bus: st.Bus()},
		Forget: st.Forget,
		TTL:    st.TTL,
	}
}

// TestCodesAreEvictedInTime creates many codes and makes no steps afterwards.
func TestCodesAreEvictedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memstore.New()
		bus := st.Bus()
		ctx, stop := context.WithCancel(t.Context())
		go bus.Run(ctx, func(session.Snapshot, error) {})
		for i := range 10_000 {
			life := time.Minute
			if i%2 == 0 {
				life = 2 * time.Minute
			}
			if _, err := st.Create(t.Context(), sessiontest.New(st, life)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute + session.Retention + 15*time.Second)
		if n := st.Len(); n != 5_000 {
			t.Errorf("%d codes are stored after half have expired", n)
		}
		time.Sleep(time.Minute)
		if n := st.Len(); n != 0 {
			t.Errorf("%d expired codes are stored", n)
		}
		stop()
		synctest.Wait()
	})
}

func BenchmarkSwap(b *testing.B) {
	st := memstore.NewBounded(math.MaxInt64)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := st.Create(b.Context(), sessiontest.New(st, time.Second)); err != nil {
			b.Fatal(err)
		}
	}
}

// worst returns an unscanned code with texts of maximum length.
func worst(st session.Store) session.Session {
	s := sessiontest.New(st, time.Minute)
	s.Payload = strings.Repeat("p", 800)
	s.CustomData = strings.Repeat("c", 512)
	s.Client = session.Client{IP: "2001:db8:1234:5678:9abc:def0:1234:5678", UserAgent: strings.Repeat("u", 256)}
	s.CookieHash, s.Challenge, s.Trace = make([]byte, 32), strings.Repeat("c", 43), strings.Repeat("t", 55)
	return s
}

// TestTheSizeOfACodeIsNotUnderestimated fills stores with small and with large codes, and
// compares the estimate with the heap.
func TestTheSizeOfACodeIsNotUnderestimated(t *testing.T) {
	for name, make := range map[string]func(session.Store) session.Session{
		"small": func(st session.Store) session.Session { return sessiontest.New(st, time.Minute) },
		"worst": worst,
	} {
		st := memstore.New()
		const codes = 20_000
		before := heap()
		for range codes {
			if _, err := st.Create(t.Context(), make(st)); err != nil {
				t.Fatal(err)
			}
		}
		took := heap() - before
		usage, err := st.Usage(t.Context())
		t.Logf("%s: a code takes %d bytes, the estimate is %d", name, took/codes, usage.Used/codes)
		if err != nil || took > usage.Used || usage.Used > 4*took {
			t.Errorf("%s: %d bytes on the heap, the estimate is %d, %v", name, took, usage.Used, err)
		}
		runtime.KeepAlive(st)
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestAFullStoreAcceptsStepsAndRejectsNewCodes also checks that a full store has room again
// when its codes have expired.
func TestAFullStoreAcceptsStepsAndRejectsNewCodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := memstore.NewBounded(1 << 20)
		var last session.Session
		var err error
		for n := 0; err == nil; n++ {
			if n > 1<<20 {
				t.Fatal("the store is never full")
			}
			var made session.Session
			if made, err = st.Create(t.Context(), worst(st)); err == nil {
				last = made
			}
		}
		if !errors.Is(err, session.ErrFull) {
			t.Fatalf("a full store returns %v", err)
		}
		if usage, _ := st.Usage(t.Context()); usage.Used > usage.Max || usage.Ratio() < 0.9 {
			t.Errorf("usage: %+v", usage)
		}
		change := session.Change{Action: session.Scan, User: session.User{ID: "alice"}, TTL: time.Minute}
		if _, err := sessiontest.Step(t.Context(), st, last, change); err != nil {
			t.Errorf("a step: %v", err)
		}
		time.Sleep(5 * time.Minute)
		if _, err := st.Create(t.Context(), worst(st)); err != nil {
			t.Errorf("after all codes have expired: %v", err)
		}
		if usage, _ := st.Usage(t.Context()); usage.Used > 10_000 {
			t.Errorf("usage with one code: %+v", usage)
		}
	})
}
