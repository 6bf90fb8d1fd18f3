package risk_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/ratelimit"
	"github.com/scanlogin/scanlogin/internal/risk"
	"github.com/scanlogin/scanlogin/session"
)

const poolSecret = "test secret of the only pool, long enough"

// newHistory returns a history with a clock that tests set, and its pool.
func newHistory() (*risk.History, *ratelimit.Batcher, *pool.Pool, *time.Time) {
	p := &pool.Pool{ID: "p1", Secret: pool.NewSecret(poolSecret), KnownBrowserTTL: time.Hour}
	now := time.Now()
	counts := ratelimit.NewBatcher(nil, slog.New(slog.DiscardHandler))
	return risk.NewHistory(pool.NewRegistry(p), counts, func() time.Time { return now }), counts, p, &now
}

func recentCodes(t *testing.T, h *risk.History, p *pool.Pool) int {
	t.Helper()
	known, err := h.Of(t.Context(), p, session.Session{Client: session.Client{IP: "192.0.2.7"}}, "alice")
	if err != nil {
		t.Fatal(err)
	}
	return *known.RecentCodes
}

// TestCodesOfLongAgoAreForgotten requests 100 codes at different distances from the border
// between two periods.
func TestCodesOfLongAgoAreForgotten(t *testing.T) {
	for _, passed := range []time.Duration{0, time.Minute, 5 * time.Minute, 10*time.Minute - time.Nanosecond} {
		h, counts, p, now := newHistory()
		*now = now.Truncate(10 * time.Minute).Add(passed)
		begin := *now
		for range 100 {
			counts.Enqueue(t.Context(), h.CodeRequested("192.0.2.7"))
		}
		last := 100
		for ahead := time.Duration(0); ahead <= 20*time.Minute; ahead += time.Minute {
			*now = begin.Add(ahead)
			got := recentCodes(t, h, p)
			want := 100 // while the period lasts, then less each minute
			if after := passed + ahead - 10*time.Minute; after >= 0 {
				want = max(0, 100-int(after.Minutes()*10))
			}
			if got > last || got < want-1 || got > want+1 {
				t.Errorf("%d codes %v after a request at %v of a period, want %d, at most %d", got, ahead, passed, want, last)
			}
			last = got
		}
		if last != 0 {
			t.Errorf("%d codes after twenty minutes", last)
		}
	}
}

// TestABrowserIsKnownOnlyIfThePoolRemembersIt also has a browser without a cookie, which is
// never known.
func TestABrowserIsKnownOnlyIfThePoolRemembersIt(t *testing.T) {
	for _, test := range []struct {
		ttl    time.Duration
		cookie []byte
		want   any
	}{
		{time.Hour, []byte("hash"), true}, {0, []byte("hash"), false}, {time.Hour, nil, nil},
	} {
		h, _, p, _ := newHistory()
		p.KnownBrowserTTL = test.ttl
		code := session.Session{CookieHash: test.cookie, User: session.User{ID: "alice"}}
		h.Confirmed(t.Context(), p, code)
		known, err := h.Of(t.Context(), p, code, "alice")
		if err != nil {
			t.Fatal(err)
		}
		var got any
		if known.Browser != nil {
			got = *known.Browser
		}
		if got != test.want {
			t.Errorf("remembered for %v, cookie hash %q: known %v, want %v", test.ttl, test.cookie, got, test.want)
		}
	}
}

func TestAConfirmEndsTheRowOfCancels(t *testing.T) {
	h, _, p, _ := newHistory()
	code := session.Session{User: session.User{ID: "alice"}}
	coolDown := func() time.Duration {
		known, err := h.Of(t.Context(), p, code, "alice")
		if err != nil {
			t.Fatal(err)
		}
		return known.CoolDown
	}
	cancel := func() {
		h.Canceled(t.Context(), p, "alice")
	}
	cancel()
	cancel()
	if rest := coolDown(); rest != 0 {
		t.Errorf("a cool-down of %v after two cancels", rest)
	}
	for range 7 { // so many that the cool-down lasts for minutes
		cancel()
	}
	if rest := coolDown(); rest <= 0 || rest > 5*time.Minute {
		t.Errorf("a cool-down of %v after nine cancels", rest)
	}
	h.Confirmed(t.Context(), p, code)
	cancel()
	if rest := coolDown(); rest != 0 {
		t.Errorf("a cool-down of %v after a confirm and one cancel", rest)
	}
}
