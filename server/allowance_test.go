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

// TestTwoNodesGiveNoMoreThanOne has an attacker ask two nodes by turns, each when
// the other has told what it counted: what is answered is what one node would
// give, and what came back meanwhile.
func TestTwoNodesGiveNoMoreThanOne(t *testing.T) {
	unknown := func(n *node, user string) answer {
		return n.call("GET", "/check?random="+string(session.NewID()), nil)
	}
	for name, test := range map[string]struct {
		limits login.Limits
		burst  int
		rate   float64 // a second
		call   func(n *node, code string) answer
	}{
		"CallsOfAnAddress": {login.Limits{AddressRate: 2, UserRate: 1000}, 20, 2, func(n *node, code string) answer { return n.phone("scanned", code, "alice") }},
		"BrokenCalls":      {login.Limits{AddressRate: 2}, 20, 2, func(n *node, _ string) answer { return n.call("POST", "/scanned", map[string]any{}) }},
		"CallsOfAUser":     {login.Limits{UserRate: 1}, 10, 1, func(n *node, code string) answer { return n.phone("scanned", code, "alice") }},
		"CodesOfAnAddress": {login.Limits{CodesPerAddress: 12}, 12, 0.1, func(n *node, _ string) answer { return n.call("POST", "/gene?userPoolId=p1", nil) }},
		"CodesOfAPool":     {login.Limits{CodesPerPool: 12}, 12, 0.1, func(n *node, _ string) answer { return n.call("POST", "/gene?userPoolId=p1", nil) }},
		"UnknownCodes":     {login.Limits{MissRate: 1}, 10, 1, unknown},
		"WrongTickets": {login.Limits{MissRate: 1}, 10, 1, func(n *node, code string) answer {
			return n.call("POST", "/userinfo", map[string]any{"ticket": code + "." + strings.Repeat("A", 43), "userPoolId": "p1"})
		}},
		"WrongSecrets": {login.Limits{MissRate: 1}, 10, 1, func(n *node, code string) answer {
			return n.call("POST", "/userinfo", map[string]any{"ticket": code}, "Authorization", basic("p1", "wrong"))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			a, b, _ := pair(t, func(o *server.Options) { o.Limits = test.limits }, newPool(t, func(p *pool.Pool) { p.AllowBrowserExchange, p.BindBrowser = true, false }))
			site := []string{"Authorization", basic("p1", poolSecret)} // makes the code uncounted
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
			most := test.burst + 3 + int(time.Since(began).Seconds()*test.rate) // each node learns it by one that was too many
			if answered < test.burst-1 || answered > most {
				t.Errorf("two nodes answered %d calls, one would answer %d to %d", answered, test.burst-1, most)
			}
		})
	}
}

// heldToItsWord waits out a refusal: not served before the last second that it
// names, and served by then.
func heldToItsWord(t *testing.T, refused answer, since time.Time, again func() answer) {
	t.Helper()
	seconds, err := strconv.Atoi(refused.Get("Retry-After"))
	if err != nil || seconds < 1 {
		t.Fatalf("Retry-After %q", refused.Get("Retry-After"))
	}
	told, wait := time.Now(), time.Duration(seconds)*time.Second
	for deadline := told.Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		asked := time.Now()
		got := again()
		switch {
		case got.status == 200 && time.Since(since) < wait-time.Second-10*time.Millisecond:
			t.Errorf("told to wait %v, served after %v", wait, time.Since(since))
		case got.status == 429 && asked.Sub(told) > wait+10*time.Millisecond:
			t.Fatalf("told to wait %v, refused after %v: %s", wait, asked.Sub(told), got.raw)
		case time.Now().After(deadline):
			t.Fatal("never served")
		}
		if got.status == 200 {
			return
		}
	}
}

func TestRetryAfterIsTrue(t *testing.T) {
	n := limited(t, login.Limits{CodesPerAddress: 40}) // one each three seconds
	gene := func() answer { return n.call("POST", "/gene?userPoolId=p1", nil) }
	for {
		asked := time.Now()
		if got := gene(); got.status == 429 {
			if after := got.Get("Retry-After"); after != "3" && after != "2" && after != "1" {
				t.Errorf("Retry-After %s where one comes back each three seconds", after)
			}
			heldToItsWord(t, got, asked, gene)
			return
		}
	}
}

// cancelOn lets a user scan and cancel a new code.
func cancelOn(n *node, user string) {
	n.Helper()
	code := n.gene("p1").random
	n.phone("scanned", code, user).ok()
	n.phone("cancel", code, user).ok()
	n.srv.Settled(n.Context())
}

func TestCancelsInARowBeginACoolDown(t *testing.T) {
	t.Parallel()
	a, b, _ := pair(t, func(o *server.Options) { o.Limits.UserRate = 1000 }, newPool(t, nil)) // the test asks often
	cancelOn(a, "alice")
	cancelOn(b, "alice")
	code := a.gene("p1").random
	a.phone("scanned", code, "alice").ok() // two are not enough
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
	heldToItsWord(t, refused, asked, func() answer { return b.phone("scanned", next, "alice") })
}

func TestAConfirmEndsTheRow(t *testing.T) {
	a, b, _ := pair(t, nil, newPool(t, nil))
	early := a.gene("p1").random
	a.phone("scanned", early, "alice").ok()
	for range 2 {
		cancelOn(a, "alice")
		cancelOn(b, "alice")
		b.confirmed("p1") // alice
		b.srv.Settled(t.Context())
	}
	for range 3 {
		cancelOn(a, "alice")
	}
	code := a.gene("p1").random
	a.phone("scanned", code, "alice").refused(429, 429)
	b.phone("confirm", early, "alice").ok()
	b.srv.Settled(t.Context())
	a.phone("scanned", code, "alice").ok() // the pause is over as well
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

// counting is a node alone with the given counts.
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
		cancelOn(n, user)
		got := n.phone("scanned", n.gene("p1").random, user)
		if want == 0 {
			got.ok()
		} else if after, _ := strconv.Atoi(got.Get("Retry-After")); got.status != 429 || after > want || after < want-4 {
			t.Errorf("after %d cancels: %d, Retry-After %d, want %d", before+1, got.status, after, want)
		}
	}
}

// TestAGuesserIsNotToldWhichSecretIsRight tries all ways in which a secret can
// be shown.
func TestAGuesserIsNotToldWhichSecretIsRight(t *testing.T) {
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
			told := func() bool { // what the right secret changes
				got := show(n, c, poolSecret)
				return got.status != 429 && (name != "check" || got.ok()["isBrowser"] == true)
			}
			eventually(t, "the guesser is stopped", func() bool {
				for range 20 {
					show(n, c, "wrong")
				}
				return !told()
			})
			eventually(t, "the right secret works again", told)
		})
	}
}

// TestASiteIsNotLockedOutByItsUsers has a site pass on what visitors make up.
func TestASiteIsNotLockedOutByItsUsers(t *testing.T) {
	n := limited(t, login.Limits{MissRate: 1, AddressRate: 1, CodesPerAddress: 5})
	for range 50 {
		n.call("POST", "/userinfo", map[string]any{"ticket": "made up"}, "Authorization", basic("p1", poolSecret)).refused(410, 2246)
		n.call("POST", "/scanned", map[string]any{"random": "made up"}, "Authorization", basic("p1", poolSecret)).refused(404, 500)
		n.call("POST", "/gene?userPoolId=p1", nil, "Authorization", basic("p1", poolSecret)).ok()
	}
	if got := until(t, 50, func() answer { // another pool's secret is no way around the limit
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
	if got := until(t, 100, func() answer { return n.phone("scanned", c.random, "alice") }); got > 30 {
		t.Errorf("%d calls of one user", got)
	}
	if got := until(t, 100, func() answer { return n.call("POST", "/gene?userPoolId=p1", nil) }); got > 15 {
		t.Errorf("%d codes", got)
	}
	for range 30 {
		n.call("POST", "/gene?userPoolId=p2", nil).ok()
	}
}

// brokenCounts are counts that do not answer.
type brokenCounts struct{}

func (brokenCounts) Do(context.Context, ...ratelimit.Op) ([]ratelimit.Result, error) {
	return nil, errors.New("away")
}

// silentCounts answer only when their caller gives up.
type silentCounts struct{}

func (silentCounts) Do(ctx context.Context, _ ...ratelimit.Op) ([]ratelimit.Result, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestWithoutSharedCountsUsersGoOnAndGuessersDoNot(t *testing.T) {
	n := counting(t, brokenCounts{}, newPool(t, nil))
	if got := until(t, 1000, func() answer { return n.call("GET", "/check?random="+string(session.NewID()), nil) }); got < 100 || got > 900 {
		t.Errorf("%d guesses before 429", got)
	}
	for range 5 {
		n.confirmed("p1")
		cancelOn(n, "bob")
	}
	c := n.gene("p1")
	if consent, _ := n.phone("scanned", c.random, "alice").consent(); consent["codesLately"] != nil || consent["knownBrowser"] != nil {
		t.Errorf("signals that are unknown: %v", consent)
	}
}
