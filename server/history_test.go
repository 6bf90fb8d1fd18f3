package server_test

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/ratelimit"
	"github.com/scanlogin/scanlogin/internal/risk"
	"github.com/scanlogin/scanlogin/server"
	"github.com/scanlogin/scanlogin/session"
)

func TestCodesOfAnAddressAreKnownOnAllNodes(t *testing.T) {
	a, b, _ := pair(t, nil, newPool(t, nil))
	for range 3 {
		a.gene("p1")
		b.gene("p1")
	}
	b.dial("userPoolId=p1", nil).event("code")
	a.srv.Settled(t.Context())
	b.srv.Settled(t.Context())
	for _, n := range []*node{a, b} {
		if got := n.recentCodes("127.0.0.1"); got != 7 {
			t.Errorf("%d codes", got)
		}
		if got := n.recentCodes("127.0.0.2"); got != 0 {
			t.Errorf("%d codes of another address", got)
		}
	}
}

// history returns the history that n shares with other nodes.
func (n *node) history() *risk.History {
	n.Helper()
	if n.counts == nil {
		n.Fatal("the node has its counts in itself")
	}
	return risk.NewHistory(n.pools, ratelimit.NewBatcher(n.counts, slog.New(slog.DiscardHandler)), n.store.Now)
}

// recentCodes returns the number of codes that an address requested in the last ten minutes.
func (n *node) recentCodes(address string) int {
	n.Helper()
	known, err := n.history().Of(n.Context(), n.pools.All()[0], session.Session{Client: session.Client{IP: address}}, "")
	if err != nil {
		n.Fatal(err)
	}
	return *known.RecentCodes
}

// setRecentCodes records that an address requested so many codes now, and none before.
func (n *node) setRecentCodes(address string, codes int) {
	n.Helper()
	n.srv.Settled(n.Context())
	before := risk.NewHistory(n.pools, nil, func() time.Time { return n.store.Now().Add(-10 * time.Minute) })
	request := n.history().CodeRequested(address)
	ops := []ratelimit.Op{ratelimit.Reset(request.Key), ratelimit.Reset(before.CodeRequested(address).Key)}
	if _, err := n.counts.Do(n.Context(), append(ops, slices.Repeat([]ratelimit.Op{request}, codes)...)...); err != nil {
		n.Fatal(err)
	}
}

// remember records that a user of the first pool confirmed a code.
func (n *node) remember(code session.Session, user string) {
	n.Helper()
	counts := ratelimit.NewBatcher(n.counts, slog.New(slog.DiscardHandler))
	code.User.ID = user
	risk.NewHistory(n.pools, counts, n.store.Now).Confirmed(n.Context(), n.pools.All()[0], code)
	if _, err := counts.Do(n.Context()); err != nil { // waits for what was enqueued
		n.Fatal(err)
	}
}

// knowsBrowser reports whether a user of the first pool has confirmed for a browser with the
// cookie.
func (n *node) knowsBrowser(user, cookie string) bool {
	n.Helper()
	sum := sha256.Sum256([]byte(cookie))
	known, err := n.history().Of(n.Context(), n.pools.All()[0], session.Session{CookieHash: sum[:]}, user)
	if err != nil {
		n.Fatal(err)
	}
	return *known.Browser
}

// cookie returns the browser cookie with which a code was created.
func (n *node) cookie(c code) string {
	n.Helper()
	at, err := url.Parse(n.url)
	if err != nil {
		n.Fatal(err)
	}
	for _, cookie := range c.browser.Jar.Cookies(at) {
		if cookie.Name == "scanlogin_browser" {
			return cookie.Value
		}
	}
	n.Fatal("the browser has no cookie")
	return ""
}

func TestABrowserIsKnownOnceItsUserConfirmed(t *testing.T) {
	a, b, _ := pair(t, nil, newPool(t, nil))
	c := a.gene("p1")
	cookie := a.cookie(c)
	a.phone("scanned", c.random, "alice").ok()
	if a.knowsBrowser("alice", cookie) {
		t.Error("known before the user has confirmed")
	}
	a.phone("confirm", c.random, "alice").ok()
	a.srv.Settled(t.Context())
	if !a.knowsBrowser("alice", cookie) || !b.knowsBrowser("alice", cookie) {
		t.Error("not known after the user has confirmed")
	}
	if a.knowsBrowser("bob", cookie) || a.knowsBrowser("alice", "another") {
		t.Error("the browser is known for another user, or another browser for this one")
	}
	declined := b.gene("p1")
	b.phone("scanned", declined.random, "alice").ok()
	b.phone("cancel", declined.random, "alice").ok()
	if b.knowsBrowser("alice", b.cookie(declined)) {
		t.Error("a browser whose login was canceled is known")
	}
}

// TestCountersInRedisContainNoUsersOrAddresses searches the keys and values of the limits for users
// and addresses.
func TestCountersInRedisContainNoUsersOrAddresses(t *testing.T) {
	a, _, redis := pair(t, func(o *server.Options) { // low, so that the counters have not expired
		o.Limits = login.Limits{AddressRate: 1, UserRate: 1, MissRate: 1, CodesPerAddress: 10, CodesPerPool: 10}
	}, newPool(t, nil))
	c, _ := a.confirmed("p1")
	scanAndCancel(a, "alice")
	a.call("GET", "/check?random=made-up", nil)
	a.srv.Settled(t.Context())
	keys, _ := redis.Do("KEYS", "test:tally:*").([]any)
	if len(keys) < 5 { // codes, recent codes, a known browser and a cancel are stored for minutes
		t.Errorf("%d keys", len(keys))
	}
	for _, key := range keys {
		for _, name := range []string{"alice", "127.0.0.1", a.cookie(c), c.random} {
			if text := fmt.Sprint(key, redis.Do("HGETALL", key)); strings.Contains(text, name) {
				t.Errorf("%s holds %s", text, name)
			}
		}
	}
}
