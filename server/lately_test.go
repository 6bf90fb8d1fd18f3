package server_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/server"
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
		if got, err := n.srv.CodesLately(t.Context(), "127.0.0.1"); got != 7 || err != nil {
			t.Errorf("%d codes, error %v", got, err)
		}
		if got, err := n.srv.CodesLately(t.Context(), "127.0.0.2"); got != 0 || err != nil {
			t.Errorf("%d codes of another address, error %v", got, err)
		}
	}
}

func TestCodesOfLongAgoAreForgotten(t *testing.T) {
	n := alone(t, newPool(t, nil))
	for range 100 {
		n.gene("p1")
	}
	lately := func(ahead time.Duration) int {
		n.store.Ahead(ahead)
		got, err := n.srv.CodesLately(t.Context(), "127.0.0.1")
		if err != nil {
			t.Error(err)
		}
		return got
	}
	// Ten minutes cut time; how far into such a span the test runs is chance.
	passed := time.Duration(time.Now().UnixNano()) % (10 * time.Minute)
	last := 100
	for ahead := time.Duration(0); ahead <= 20*time.Minute; ahead += time.Minute {
		got := lately(ahead)
		if got > last {
			t.Errorf("%d codes after %v, %d a minute before", got, ahead, last)
		}
		if want := 100 - int((passed+ahead-10*time.Minute).Minutes()*10); ahead+passed > 10*time.Minute && got > max(0, want)+5 {
			t.Errorf("%d codes after %v, want about %d", got, ahead, want)
		}
		last = got
	}
	if last != 0 {
		t.Errorf("%d codes after twenty minutes", last)
	}
}

// cookie is the browser cookie that a code was made under.
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
	known := func(n *node, user, cookie string) bool {
		got, err := n.srv.KnownBrowser(t.Context(), "p1", user, cookie)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	c := a.gene("p1")
	cookie := a.cookie(c)
	a.phone("scanned", c.random, "alice").ok()
	if known(a, "alice", cookie) {
		t.Error("known before the user has confirmed")
	}
	a.phone("confirm", c.random, "alice").ok()
	a.srv.Settled(t.Context())
	if !known(a, "alice", cookie) || !known(b, "alice", cookie) {
		t.Error("not known after the user has confirmed")
	}
	if known(a, "bob", cookie) || known(a, "alice", "another") {
		t.Error("another user's, or another browser, is known")
	}
	declined := b.gene("p1")
	b.phone("scanned", declined.random, "alice").ok()
	b.phone("cancel", declined.random, "alice").ok()
	if known(b, "alice", b.cookie(declined)) {
		t.Error("a browser that was declined is known")
	}
}

func TestAPoolMayRememberNoBrowser(t *testing.T) {
	n := alone(t, newPool(t, func(p *pool.Pool) { p.KnownBrowserTTL = 0 }))
	c, _ := n.confirmed("p1")
	if known, err := n.srv.KnownBrowser(t.Context(), "p1", "alice", n.cookie(c)); known || err != nil {
		t.Errorf("known %v, error %v", known, err)
	}
}

// TestTheTallyInRedisNamesNobody looks for people in all that the limits leave
// there.
func TestTheTallyInRedisNamesNobody(t *testing.T) {
	a, _, redis := pair(t, func(o *server.Options) { // low, so that what is taken is seen before it is back
		o.Limits = server.Limits{AddressRate: 1, UserRate: 1, MissRate: 1, CodesPerAddress: 10, CodesPerPool: 10}
	}, newPool(t, nil))
	c, _ := a.confirmed("p1")
	cancelOn(a, "alice")
	a.call("GET", "/check?random=made-up", nil)
	a.srv.Settled(t.Context())
	keys, _ := redis.Do("KEYS", "test:tally:*").([]any)
	if len(keys) < 5 { // codes, codes lately, a known browser and a cancel live long on any machine
		t.Errorf("%d keys", len(keys))
	}
	for _, key := range keys {
		for _, name := range []string{"alice", "127.0.0.1", a.cookie(c), "p1", c.random} {
			if text := fmt.Sprint(key, redis.Do("HGETALL", key)); strings.Contains(text, name) {
				t.Errorf("%s holds %s", text, name)
			}
		}
	}
}
