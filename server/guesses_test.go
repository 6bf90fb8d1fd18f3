package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/server"
	"github.com/scanlogin/scanlogin/session"
)

// guesses looks up codes that do not exist until a request is refused.
func guesses(n *node, from *http.Client) answer {
	var a answer
	for range 100 {
		if a = n.callWith(from, "GET", "/check?random="+string(session.NewID()), nil); a.status == 429 {
			return a
		}
	}
	n.Errorf("100 guesses were answered")
	return a
}

// TestARefusedGuesserDoesNotLearnWhichCodesExist has an address above its limit look
// up codes of others.
func TestARefusedGuesserDoesNotLearnWhichCodesExist(t *testing.T) {
	open := func(p *pool.Pool) { p.AllowBrowserExchange, p.BindBrowser = true, false }
	for name, call := range map[string]func(n *node, from *http.Client, c code, ticket string) answer{
		"check": func(n *node, from *http.Client, c code, _ string) answer {
			return n.callWith(from, "GET", "/check?random="+c.random, nil)
		},
		"wrong key": func(n *node, from *http.Client, c code, _ string) answer {
			return n.callWith(from, "GET", "/check?random="+c.random, nil, "X-Browser-Key", strings.Repeat("A", 43))
		},
		"events": func(n *node, from *http.Client, c code, _ string) answer {
			return n.callWith(from, "GET", "/events?random="+c.random, nil)
		},
		"picture": func(n *node, from *http.Client, c code, _ string) answer {
			return n.callWith(from, "GET", "/image/"+c.random+".png", nil)
		},
		"link": func(n *node, from *http.Client, c code, _ string) answer {
			return n.callWith(from, "GET", "/s/"+c.random, nil)
		},
		"link of pool": func(n *node, from *http.Client, c code, _ string) answer {
			return n.callWith(from, "GET", "/s/p1/"+c.random, nil)
		},
		"link of another pool": func(n *node, from *http.Client, c code, _ string) answer {
			return n.callWith(from, "GET", "/s/other/"+c.random, nil)
		},
		"socket": func(n *node, from *http.Client, c code, _ string) answer {
			return n.callWith(from, "GET", "/ws?random="+c.random, nil, "Connection", "Upgrade", "Upgrade", "websocket",
				"Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol", "scanlogin.v1")
		},
		"origin": func(n *node, from *http.Client, c code, _ string) answer {
			return n.callWith(from, "GET", "/check?random="+c.random, nil, "Origin", "https://nobody.example.com")
		},
		"phone": func(n *node, from *http.Client, c code, _ string) answer {
			return n.callWith(from, "POST", "/scanned", map[string]any{"random": c.random}, "Authorization", "Bearer made up")
		},
		"exchange": func(n *node, from *http.Client, _ code, ticket string) answer {
			return n.callWith(from, "POST", "/userinfo", map[string]any{"ticket": ticket, "userPoolId": "p1"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			n := start(t, memNode(), func(o *server.Options) { o.Limits = login.Limits{MissRate: 1, CheckRate: 1000} }, newPool(t, open), secondPool(t))
			attacker := clientAt(t, "127.0.0.2")
			for range 5 { // on a slow machine the limit may refill between the calls
				live, ticket := n.gene("p1"), ""
				if name == "exchange" {
					live, ticket = n.confirmed("p1")
				}
				guesses(n, attacker)
				got := call(n, attacker, live, ticket)
				if got.status == 429 {
					if got.Get("Retry-After") == "" || got.code != 429 {
						t.Errorf("refused by %v: %s", got.Header, got.raw)
					}
					return
				}
			}
			t.Error("requests for existing codes were answered each time")
		})
	}
}

// TestPagesAtTheAddressOfAGuesserAreServed has pages poll from the address of a
// guesser: with a key, with a cookie, or as SDKs do without cookies, from the address that requested
// the code; and phones with valid tokens.
func TestPagesAtTheAddressOfAGuesserAreServed(t *testing.T) {
	n := start(t, memNode(), func(o *server.Options) { o.Limits = login.Limits{MissRate: 1} }, newPool(t, nil))
	elsewhere := clientAt(t, "127.0.0.2")
	moved := n.gene("p1") // its page continues from the guesser's address
	at := clientAt(t, "127.0.0.3")
	own := n.callWith(at, "POST", "/gene?userPoolId=p1", nil).ok()
	for range 3 {
		for _, guesser := range []*http.Client{elsewhere, at} {
			guesses(n, guesser)
		}
		n.callWith(elsewhere, "GET", "/check?random="+moved.random, nil, "X-Browser-Key", moved.key).ok()
		moved.browser.Transport = elsewhere.Transport
		n.callWith(moved.browser, "GET", "/check?random="+moved.random, nil).ok()
		n.callWith(at, "GET", "/check?random="+own["random"].(string), nil).ok()
		if a := n.callWith(at, "GET", "/image/"+own["random"].(string)+".png", nil); a.status != 200 {
			t.Errorf("the page's picture: %d", a.status)
		}
		guesses(n, elsewhere)
		n.callWith(elsewhere, "POST", "/scanned", map[string]any{"random": moved.random}, "Authorization", "Bearer "+userToken(t, "alice")).ok()
	}
}

// shown returns the response to a back end at an address that sends a secret.
func shown(n *node, address, secret string) answer {
	return n.call("POST", "/userinfo", map[string]any{"ticket": "x"}, "Authorization", basic("p1", secret), "X-Forwarded-For", address)
}

// TestASiteIsNotLockedOutByGuessesFromItsSubnet has a host send wrong secrets, and
// sites at other addresses of its /64, and at its own address for another pool, the right ones.
func TestASiteIsNotLockedOutByGuessesFromItsSubnet(t *testing.T) {
	n := start(t, memNode(), behindProxy(login.Limits{}), newPool(t, nil), secondPool(t))
	eventually(t, "the guesser is refused", func() bool { // again if the machine is slower than the refill
		for shown(n, "2001:db8:1:2::bad", "wrong").status != 429 {
		}
		return shown(n, "2001:db8:1:2::bad", poolSecret).status == 429
	})
	if got := shown(n, "2001:db8:1:2::1", poolSecret); got.code != 2246 {
		t.Errorf("a site beside the guesser: %s", got.raw)
	}
	got := n.call("POST", "/userinfo", map[string]any{"ticket": "x"}, "Authorization", basic("p2", otherSecret), "X-Forwarded-For", "2001:db8:1:2::bad")
	if got.code != 2246 {
		t.Errorf("another pool's site at the guesser's address: %s", got.raw)
	}
}

// TestGuessesOfASubnetAreBounded has a guesser send each wrong secret from
// another address of a /64. A site that used the subnet before continues.
func TestGuessesOfASubnetAreBounded(t *testing.T) {
	a, b, _ := pair(t, behindProxy(login.Limits{MissRate: 1}), newPool(t, nil))
	if got := shown(a, "2001:db8:1:2::1", poolSecret); got.code != 2246 {
		t.Fatalf("the site at first: %s", got.raw)
	}
	a.srv.Settled(t.Context())
	began, answered := time.Now(), 0
	for i := range 300 {
		n := []*node{a, b}[i%2]
		if got := shown(n, fmt.Sprintf("2001:db8:1:2::bad:%x", i), "wrong"); got.status != 429 {
			answered++
		}
	}
	if most := 102 + 10*int(time.Since(began).Seconds()+1); answered < 99 || answered > most {
		t.Errorf("%d guesses of a /64 were answered, at most %d are documented", answered, most)
	}
	for _, n := range []*node{a, b} {
		eventually(t, "the guesser is stopped", func() bool { return shown(n, "2001:db8:1:2::bad:ffff", "wrong").status == 429 })
		if got := shown(n, "2001:db8:1:2::1", poolSecret); got.code != 2246 {
			t.Errorf("the site that was there before: %s", got.raw)
		}
	}
}
