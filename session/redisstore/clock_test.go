package redisstore_test

import (
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/redisstore"
)

// TestOnlyTheClockOfRedisDecides has a node that believes, before each step, that the clock of
// Redis is an hour ahead or behind.
func TestOnlyTheClockOfRedisDecides(t *testing.T) {
	client := redistest.Open(t, redisclient.Options{URL: redistest.Start(t).URL(), Prefix: "test"})
	st := redisstore.New(client, redisstore.Options{})
	for _, wrong := range []time.Duration{-time.Hour, time.Hour} {
		apply := func(code session.Session, a session.Action, ttl time.Duration) (session.Session, session.Outcome) {
			t.Helper()
			c := by(a, code)
			c.TTL = ttl
			now := time.Now()
			client.ObserveClock(now, now, now.Add(wrong))
			if off := time.Until(st.Now()) - wrong; off.Abs() > time.Minute {
				t.Fatalf("the estimate is %v off", off)
			}
			got, outcome, err := st.Apply(t.Context(), code.ID, c.Transition())
			if err != nil {
				t.Fatal(err)
			}
			return got, outcome
		}
		began := time.Now().Truncate(time.Millisecond)
		code, outcome := apply(create(t, st), session.Scan, time.Minute)
		if outcome != session.Applied || code.ScannedAt.Before(began) || code.ScannedAt.After(time.Now()) {
			t.Errorf("%v wrong: %v, scanned at %v", wrong, outcome, code.ScannedAt)
		}
		code, outcome = apply(code, session.Confirm, 0) // ends now
		if outcome != session.Applied || code.ExpiresAt.Before(began) || code.ExpiresAt.After(time.Now()) {
			t.Errorf("%v wrong: %v, ends at %v", wrong, outcome, code.ExpiresAt)
		}
		if code, outcome = apply(code, session.Redeem, 0); outcome != session.Refused || code.Status != session.Expired {
			t.Errorf("%v wrong: an exchange after the end: %v, %s", wrong, outcome, code.Status.Event())
		}
	}
}
