package sessiontest

import (
	"time"

	"pgregory.net/rapid"

	"github.com/scanlogin/scanlogin/session"
)

// walkSteps is the maximum number of steps of a random walk: enough for a complete login with
// refusals and retries between its steps.
const walkSteps = 12

// randomWalks has both nodes execute random changes of random codes: repeated operations,
// other users and pools, wrong credentials, steps that were decided on another operation, and
// codes that end soon, now or in the past.
func (s *suite) randomWalks() {
	rapid.Check(s.T, func(t *rapid.T) {
		code := New(s.A.Store, pick(t, "life", time.Minute, time.Minute, time.Minute, time.Millisecond, -time.Second))
		code.Match = pick(t, "match", session.MatchNone, session.MatchDigits)
		code.Challenge = pick(t, "challenge", "", "challenge")
		if pick(t, "oauth", false, true) {
			code.Grant, code.Authorization = session.GrantAuthorizationCode, Authorization
		}
		made, err := s.A.Store.Create(s.ctx, code)
		if err != nil {
			t.Fatal(err)
		}
		m := &model{suite: s, stored: made}
		var earlier []session.Transition
		for range rapid.IntRange(1, walkSteps).Draw(t, "steps") {
			next := randomChange(t, m.stored).Transition()
			if len(earlier) > 0 && pick(t, "retry", false, false, false, true) {
				next = pick(t, "of", earlier...)
			}
			earlier = append(earlier, next)
			m.apply(pick(t, "node", s.A, s.B).Store, next)
		}
		m.load(s.B.Store)
	})
}

func pick[T any](t *rapid.T, label string, values ...T) T {
	return rapid.SampledFrom(values).Draw(t, label)
}

// randomChange returns a change of s, which is the next one of a login more often than others.
func randomChange(t *rapid.T, s session.Session) session.Change {
	likely := map[session.Status]session.Action{
		session.Waiting: session.Scan, session.Scanned: session.Confirm, session.Confirmed: session.Redeem,
	}[s.Status]
	if likely == "" {
		likely = session.Withdraw
	}
	action := pick(t, "action", likely, likely, likely, session.Scan, session.Confirm, session.Cancel, session.Mismatch, session.Mismatch,
		session.Redeem, session.Withdraw)
	c := ChangeOf(s, action, pick(t, "user", Alice, Alice, Alice, Bob))
	c.TTL = pick(t, "ttl", time.Minute, time.Minute, time.Minute, time.Hour, time.Millisecond, 0, -time.Second, 1500*time.Microsecond)
	c.Loaded = pick(t, "loaded", "", s.Op, s.Op, "lost")
	c.Pool = pick(t, "pool", c.Pool, c.Pool, c.Pool, s.Pool, "other")
	c.ScanQueued = pick(t, "queued", false, true)
	if action == session.Redeem {
		spoil(t, &c.Credential)
	}
	return c
}

// spoil changes one part of a credential, or none.
func spoil(t *rapid.T, c *session.Credential) {
	switch pick(t, "credential", "right", "right", "right", "grant", "secrets", "no secret", "hash", "no hash", "challenge") {
	case "grant":
		c.Grant = session.GrantDeviceCode
	case "secrets":
		c.SecretIDs = []string{"another", "and another"}
	case "no secret":
		c.SecretIDs = nil
	case "hash":
		c.Hash = session.HashSecret("another ticket")
	case "no hash":
		c.Hash = nil
	case "challenge":
		c.Challenge += "x"
	}
}
