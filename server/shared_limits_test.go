package server_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/ratelimit"
	"github.com/scanlogin/scanlogin/server"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/memstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

// TestTwoNodesTogetherHaveTheLimitsOfOne has an attacker alternate between two nodes that have
// synchronized their counters: together they serve the burst and the refill of one node.
func TestTwoNodesTogetherHaveTheLimitsOfOne(t *testing.T) {
	unknown := func(n *node, user string) answer {
		return n.call("GET", "/check?random="+string(session.NewID()), nil)
	}
	for name, test := range map[string]struct {
		limits login.Limits
		burst  int
		rate   float64 // per second
		exact  bool
		call   func(n *node, code string) answer
	}{
		"CallsOfAnAddress": {login.Limits{AddressRate: 2, UserRate: 1000}, 20, 2, false, func(n *node, code string) answer { return n.phone("scanned", code, "alice") }},
		"BrokenCalls":      {login.Limits{AddressRate: 2}, 20, 2, true, func(n *node, _ string) answer { return n.call("POST", "/scanned", map[string]any{}) }},
		"CallsOfAUser":     {login.Limits{UserRate: 1}, 10, 1, false, func(n *node, code string) answer { return n.phone("scanned", code, "alice") }},
		"CodesOfAnAddress": {login.Limits{CodesPerAddress: 12}, 12, 0.1, false, func(n *node, _ string) answer { return n.call("POST", "/gene?userPoolId=p1", nil) }},
		"CodesOfAPool":     {login.Limits{CodesPerPool: 12}, 12, 0.1, false, func(n *node, _ string) answer { return n.call("POST", "/gene?userPoolId=p1", nil) }},
		"UnknownCodes":     {login.Limits{MissRate: 1}, 10, 1, true, unknown},
		"WrongTickets": {login.Limits{MissRate: 1}, 10, 1, true, func(n *node, code string) answer {
			return n.call("POST", "/userinfo", map[string]any{"ticket": code + "." + strings.Repeat("A", 43), "userPoolId": "p1"})
		}},
		"WrongSecrets": {login.Limits{MissRate: 1}, 10, 1, true, func(n *node, code string) answer {
			return n.call("POST", "/userinfo", map[string]any{"ticket": code}, "Authorization", basic("p1", "wrong"))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			a, b, _ := pair(t, func(o *server.Options) { o.Limits = test.limits }, newPool(t, func(p *pool.Pool) { p.AllowBrowserExchange, p.BindBrowser = true, false }))
			site := []string{"Authorization", basic("p1", poolSecret)} // codes of a site do not count
			code := a.call("POST", "/gene?userPoolId=p1", nil, site...).ok()["random"].(string)
			began, answered := time.Now(), 0
			for i := range 3 * test.burst {
				n := a
				if i%2 == 1 {
					n = b
				}
				if got := test.call(n, code); got.status != 429 {
					answered++
				} else if got.Get("Retry-After") == "" {
					t.Error("no Retry-After")
				}
				n.srv.Settled(t.Context())
			}
			// Each node serves up to one request before it knows, and its part without telling the other.
			most := test.burst + 3 + int(time.Since(began).Seconds()*test.rate)
			if !test.exact {
				most += most * 2 / ratelimit.LocalPart
			}
			if answered < test.burst-1 || answered > most {
				t.Errorf("two nodes answered %d calls, one would answer %d to %d", answered, test.burst-1, most)
			}
		})
	}
}

// checkRetryAfter repeats a call after a refusal: it is refused until the last second of Retry-After,
// and served at its end.
func checkRetryAfter(t *testing.T, refused answer, since time.Time, again func() answer) {
	t.Helper()
	seconds, err := strconv.Atoi(refused.Get("Retry-After"))
	if err != nil || seconds < 1 {
		t.Fatalf("Retry-After %q", refused.Get("Retry-After"))
	}
	refusedAt, wait := time.Now(), time.Duration(seconds)*time.Second
	for deadline := refusedAt.Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		asked := time.Now()
		got := again()
		switch {
		case got.status == 200 && time.Since(since) < wait-time.Second-10*time.Millisecond:
			t.Errorf("Retry-After %v, served after %v", wait, time.Since(since))
		case got.status == 429 && asked.Sub(refusedAt) > wait+10*time.Millisecond:
			t.Fatalf("Retry-After %v, refused after %v: %s", wait, asked.Sub(refusedAt), got.raw)
		case time.Now().After(deadline):
			t.Fatal("never served")
		}
		if got.status == 200 {
			return
		}
	}
}

func TestRequestsAreServedAfterRetryAfter(t *testing.T) {
	t.Parallel()
	n := limited(t, login.Limits{CodesPerAddress: 40}) // refilled every three seconds
	gene := func() answer { return n.call("POST", "/gene?userPoolId=p1", nil) }
	for {
		asked := time.Now()
		if got := gene(); got.status == 429 {
			if after := got.Get("Retry-After"); after != "3" && after != "2" && after != "1" {
				t.Errorf("Retry-After %s with a refill every three seconds", after)
			}
			checkRetryAfter(t, got, asked, gene)
			return
		}
	}
}

// scanAndCancel scans and cancels a new code as a user.
func scanAndCancel(n *node, user string) {
	n.Helper()
	code := n.gene("p1").random
	n.phone("scanned", code, user).ok()
	n.phone("cancel", code, user).ok()
	n.srv.Settled(n.Context())
}

func TestCancelsInARowBeginACoolDown(t *testing.T) {
	t.Parallel()
	a, b, _ := pair(t, func(o *server.Options) { o.Limits.UserRate = 1000 }, newPool(t, nil)) // the test makes many calls
	scanAndCancel(a, "alice")
	scanAndCancel(b, "alice")
	code := a.gene("p1").random
	a.phone("scanned", code, "alice").ok() // two cancels do not start a cool-down
	asked := time.Now()
	b.phone("cancel", code, "alice").ok()
	b.srv.Settled(t.Context())
	next := b.gene("p1").random
	for _, n := range []*node{a, b} {
		got := n.phone("scanned", next, "alice")
		got.refused(429, 429)
		if !strings.Contains(got.message, "canceled several times") {
			t.Errorf("message %q", got.message)
		}
	}
	a.phone("scanned", a.gene("p1").random, "bob").ok()
	refused := a.phone("scanned", next, "alice")
	checkRetryAfter(t, refused, asked, func() answer { return b.phone("scanned", next, "alice") })
}

func TestAConfirmResetsTheCancelsInARow(t *testing.T) {
	a, b, _ := pair(t, nil, newPool(t, nil))
	early := a.gene("p1").random
	a.phone("scanned", early, "alice").ok()
	for range 2 {
		scanAndCancel(a, "alice")
		scanAndCancel(b, "alice")
		b.confirmed("p1") // alice
		b.srv.Settled(t.Context())
	}
	for range 3 {
		scanAndCancel(a, "alice")
	}
	code := a.gene("p1").random
	a.phone("scanned", code, "alice").refused(429, 429)
	b.phone("confirm", early, "alice").ok()
	b.srv.Settled(t.Context())
	a.phone("scanned", code, "alice").ok() // the cool-down has ended, too
}

func TestACancelThatIsRepeatedCountsOnce(t *testing.T) {
	n := alone(t, newPool(t, nil))
	code := n.gene("p1").random
	n.phone("scanned", code, "alice").ok()
	for range 5 {
		n.phone("cancel", code, "alice").ok()
	}
	n.phone("scanned", n.gene("p1").random, "alice").ok()
}

// counting starts one node with the given counters.
func counting(t *testing.T, far ratelimit.Store, pools ...*pool.Pool) *node {
	st := memstore.New()
	return start(t, sessiontest.Node{Store: st, Bus: st.Bus()}, func(o *server.Options) { o.Counts = far }, pools...)
}

func TestTheCoolDownGrowsToFiveMinutes(t *testing.T) {
	p, m := newPool(t, nil), ratelimit.NewMemory()
	n := counting(t, m, p)
	for before, want := range map[int]int{1: 0, 2: 5, 3: 10, 4: 20, 5: 40, 7: 160, 8: 300, 1000: 300} {
		user := fmt.Sprintf("user%d", before)
		for range before {
			if _, err := m.Do(t.Context(), ratelimit.Incr(p.Pseudonym("cancels", user), time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		scanAndCancel(n, user)
		got := n.phone("scanned", n.gene("p1").random, user)
		if want == 0 {
			got.ok()
		} else if after, _ := strconv.Atoi(got.Get("Retry-After")); got.status != 429 || after > want || after < want-4 {
			t.Errorf("after %d cancels: %d, Retry-After %d, want %d", before+1, got.status, after, want)
		}
	}
}

// TestARefusedGuesserDoesNotLearnTheRightSecret tries all ways in which a secret can
// be sent.
func TestARefusedGuesserDoesNotLearnTheRightSecret(t *testing.T) {
	t.Parallel()
	for name, show := range map[string]func(n *node, c code, secret string) answer{
		"userinfo": func(n *node, _ code, secret string) answer {
			return n.call("POST", "/userinfo", map[string]any{"ticket": "x", "client_id": "p1", "client_secret": secret})
		},
		"vouching": func(n *node, c code, secret string) answer {
			return n.call("POST", "/scanned", map[string]any{"random": c.random, "user": map[string]any{"id": "u"}}, "Authorization", basic("p1", secret))
		},
		"gene": func(n *node, _ code, secret string) answer {
			return n.call("POST", "/gene?userPoolId=p1", nil, "Authorization", basic("p1", secret))
		},
		"check": func(n *node, c code, secret string) answer {
			return n.call("GET", "/check?random="+c.random, nil, "Authorization", basic("p1", secret))
		},
	} {
		t.Run(name, func(t *testing.T) {
			n := limited(t, login.Limits{MissRate: 1, CheckRate: 1000})
			c := n.gene("p1")
			if got := show(n, c, poolSecret); got.status == 429 || name == "check" && got.ok()["isBrowser"] != true {
				t.Fatalf("the right secret at first: %s", got.raw)
			}
			works := func() bool { // whether the right secret makes a difference
				got := show(n, c, poolSecret)
				return got.status != 429 && (name != "check" || got.ok()["isBrowser"] == true)
			}
			eventually(t, "the guesser is stopped", func() bool {
				for range 20 {
					show(n, c, "wrong")
				}
				return !works()
			})
			eventually(t, "the right secret works again", works)
		})
	}
}

// TestASiteIsNotLockedOutByWhatItsUsersSend has a site forward invalid tickets from its visitors.
func TestASiteIsNotLockedOutByWhatItsUsersSend(t *testing.T) {
	n := limited(t, login.Limits{MissRate: 1, AddressRate: 1, CodesPerAddress: 5})
	for range 50 {
		n.call("POST", "/userinfo", map[string]any{"ticket": "made up"}, "Authorization", basic("p1", poolSecret)).refused(410, 2246)
		n.call("POST", "/scanned", map[string]any{"random": "made up"}, "Authorization", basic("p1", poolSecret)).refused(404, 500)
		n.call("POST", "/gene?userPoolId=p1", nil, "Authorization", basic("p1", poolSecret)).ok()
	}
	if got := callsBeforeRefusal(t, 50, func() answer { // another pool's secret does not lift the limit
		return n.call("POST", "/gene?userPoolId=p1", nil, "Authorization", basic("p2", otherSecret))
	}); got > 10 {
		t.Errorf("another site made %d codes", got)
	}
}

func TestAPoolHasItsOwnLimits(t *testing.T) {
	n := start(t, memNode(), nil, newPool(t, func(p *pool.Pool) {
		p.Limits = pool.Limits{UserRate: 1, CodesPerPool: 12}
	}), secondPool(t))
	c := n.gene("p1")
	if got := callsBeforeRefusal(t, 100, func() answer { return n.phone("scanned", c.random, "alice") }); got > 30 {
		t.Errorf("%d calls of one user", got)
	}
	if got := callsBeforeRefusal(t, 100, func() answer { return n.call("POST", "/gene?userPoolId=p1", nil) }); got > 15 {
		t.Errorf("%d codes", got)
	}
	for range 30 {
		n.call("POST", "/gene?userPoolId=p2", nil).ok()
	}
}

// failingCounters fail at once.
type failingCounters struct{}

func (failingCounters) Do(context.Context, ...ratelimit.Op) ([]ratelimit.Result, error) {
	return nil, errors.New("away")
}

// hangingCounters answer only when the caller's context ends.
type hangingCounters struct{}

func (hangingCounters) Do(ctx context.Context, _ ...ratelimit.Op) ([]ratelimit.Result, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestWithoutSharedCountersOnlyGuessesAreRefused(t *testing.T) {
	n := counting(t, failingCounters{}, newPool(t, nil))
	if got := callsBeforeRefusal(t, 1000, func() answer { return n.call("GET", "/check?random="+string(session.NewID()), nil) }); got < 100 || got > 900 {
		t.Errorf("%d guesses before 429", got)
	}
	for range 5 {
		n.confirmed("p1")
		scanAndCancel(n, "bob")
	}
	c := n.gene("p1")
	if consent, _ := n.phone("scanned", c.random, "alice").consent(); consent["codesLately"] != nil || consent["knownBrowser"] != nil {
		t.Errorf("signals that are unknown: %v", consent)
	}
}
