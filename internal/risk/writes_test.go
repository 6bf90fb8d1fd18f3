package risk_test

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/ratelimit"
	"github.com/scanlogin/scanlogin/internal/risk"
	"github.com/scanlogin/scanlogin/session"
)

// recorder is a storage that remembers its operations.
type recorder struct {
	*ratelimit.Memory
	mu  sync.Mutex
	ops []ratelimit.Op
}

func (r *recorder) Do(ctx context.Context, ops ...ratelimit.Op) ([]ratelimit.Result, error) {
	r.mu.Lock()
	r.ops = append(r.ops, ops...)
	r.mu.Unlock()
	return r.Memory.Do(ctx, ops...)
}

// TestHistoryStoresOnlyWhatItNeeds counts the operations that write.
func TestHistoryStoresOnlyWhatItNeeds(t *testing.T) {
	p := &pool.Pool{ID: "p1", Secret: pool.NewSecret(poolSecret)}
	withCookie := session.Session{CookieHash: []byte("hash"), User: session.User{ID: "alice"}}
	withoutCookie := session.Session{User: session.User{ID: "alice"}}
	for name, c := range map[string]struct {
		remember time.Duration
		record   func(*testing.T, *risk.History)
		writes   int
	}{
		"the first two cancels": {0, func(t *testing.T, h *risk.History) {
			for range 2 {
				if err := h.Canceled(t.Context(), p, "alice"); err != nil {
					t.Fatal(err)
				}
			}
		}, 2},
		"three cancels": {0, func(t *testing.T, h *risk.History) {
			for range 3 {
				if err := h.Canceled(t.Context(), p, "alice"); err != nil {
					t.Fatal(err)
				}
			}
		}, 4},
		"a confirm":                            {time.Hour, func(t *testing.T, h *risk.History) { h.Confirmed(t.Context(), p, withCookie) }, 3},
		"a confirm without a cookie":           {time.Hour, func(t *testing.T, h *risk.History) { h.Confirmed(t.Context(), p, withoutCookie) }, 2},
		"a confirm in a pool without browsers": {0, func(t *testing.T, h *risk.History) { h.Confirmed(t.Context(), p, withCookie) }, 2},
	} {
		storage := &recorder{Memory: ratelimit.NewMemory()}
		counts := ratelimit.NewBatcher(storage, slog.New(slog.DiscardHandler))
		p.KnownBrowserTTL = c.remember
		c.record(t, risk.NewHistory(pool.NewRegistry(p), counts, time.Now))
		if _, err := counts.Do(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(storage.ops) != c.writes {
			t.Errorf("%s: %d operations, want %d", name, len(storage.ops), c.writes)
		}
	}
}

func TestSignalsOfACode(t *testing.T) {
	country := func(a netip.Addr) string {
		return map[string]string{"198.51.100.1": "DE", "198.51.100.2": "DE", "203.0.113.1": "FR"}[a.String()]
	}
	now := time.Now()
	for name, c := range map[string]struct {
		page, phone          string
		age                  time.Duration
		wantAge              int
		sameCountry, sameNet *bool
	}{
		"one country":           {"198.51.100.1", "198.51.100.2", 90 * time.Second, 90, yes(), no()},
		"one address":           {"198.51.100.1", "198.51.100.1", 0, 0, yes(), yes()},
		"two countries":         {"198.51.100.1", "203.0.113.1", time.Second, 1, no(), no()},
		"page unknown":          {"192.0.2.1", "203.0.113.1", time.Second, 1, nil, no()},
		"phone unknown":         {"203.0.113.1", "192.0.2.1", time.Second, 1, nil, no()},
		"both unknown":          {"192.0.2.1", "192.0.2.2", time.Second, 1, nil, no()},
		"created in the future": {"198.51.100.1", "198.51.100.2", -time.Minute, 0, yes(), no()},
	} {
		known := risk.Known{Browser: yes(), RecentCodes: count(3)}
		code := session.Session{Client: session.Client{IP: c.page}, CreatedAt: now.Add(-c.age)}
		got := risk.SignalsOf(code, known, netip.MustParseAddr(c.phone), now, country)
		if got.Age != c.wantAge || !equal(got.SameCountry, c.sameCountry) || !equal(got.SameNetwork, c.sameNet) {
			t.Errorf("%s: age %d, country %v, network %v", name, got.Age, text(got.SameCountry), text(got.SameNetwork))
		}
		if got.KnownBrowser != known.Browser || got.RecentCodes != known.RecentCodes {
			t.Errorf("%s: %+v does not contain what is known", name, got)
		}
	}
}

func equal(a, b *bool) bool { return text(a) == text(b) }

func text(b *bool) string {
	switch {
	case b == nil:
		return "unknown"
	case *b:
		return "yes"
	}
	return "no"
}
