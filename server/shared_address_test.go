package server_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// sharedAddress runs logins of many users behind one address, on two nodes.
type sharedAddress struct {
	*testing.T
	nodes [2]*node
}

// page logs user i in with a socket on one node and a phone on the other.
func (s sharedAddress) page(i int) {
	user, here, there := fmt.Sprintf("user%d", i), s.nodes[i%2], s.nodes[(i+1)%2]
	p := here.dial("userPoolId=p1", nil)
	random := p.event("code")["random"].(string)
	s.served(func() answer { return there.phone("scanned", random, user) })
	p.event("scanned")
	s.served(func() answer { return there.phone("confirm", random, user) })
	s.exchange(here, p.event("confirmed")["ticket"], user)
	p.closed(1000)
}

// poll logs user i in as the SDKs do.
func (s sharedAddress) poll(i int) {
	user, here, there := fmt.Sprintf("user%d", i), s.nodes[i%2], s.nodes[(i+1)%2]
	c := s.served(func() answer { return here.call("POST", "/gene?userPoolId=p1", nil, "Origin", siteOrigin) })
	random := c["random"].(string)
	check := func() answer {
		return here.call("GET", "/check?random="+random, nil, "X-Browser-Key", c["browserKey"].(string))
	}
	s.served(check)
	s.served(func() answer { return there.phone("scanned", random, user) })
	s.served(check)
	s.served(func() answer { return there.phone("confirm", random, user) })
	s.exchange(there, s.served(check)["ticket"], user)
}

func (s sharedAddress) exchange(at *node, ticket any, user string) {
	got := at.call("POST", "/userinfo", map[string]any{"ticket": ticket}, "Authorization", basic("p1", poolSecret))
	if got.status != 200 || got.data["id"] != user {
		s.Errorf("%s: %d %s", user, got.status, got.raw)
	}
}

// served returns the data of a successful response. A busy machine may delay Redis (1000), after which
// clients try again; a limit fails the test.
func (s sharedAddress) served(call func() answer) map[string]any {
	var got answer
	eventually(s, "an answer", func() bool { got = call(); return got.code != 1000 })
	return got.ok()
}

// guesser guesses codes on both nodes, as page and as phone.
type guesser struct{ answered, refused atomic.Int64 }

// run makes two hundred guesses per second, twenty times the limit of an address.
func (g *guesser) run(s sharedAddress, stop <-chan struct{}) {
	pace := time.NewTicker(5 * time.Millisecond)
	defer pace.Stop()
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		case <-pace.C:
		}
		n, random := s.nodes[i%2], string(session.NewID())
		call := func() answer { return n.call("GET", "/check?random="+random, nil) }
		if i%4 > 1 {
			call = func() answer { return n.phone("scanned", random, "mallory") }
		}
		if call().status == 429 {
			g.refused.Add(1)
		} else {
			g.answered.Add(1)
		}
	}
}

// TestManyLoginsBehindTheAddressOfAGuesser has two hundred users behind one address log
// in within a minute, on two nodes, under the default limits. None of them is refused, while a guesser at
// the same address is, and while an attacker repeatedly shows codes to another user.
func TestManyLoginsBehindTheAddressOfAGuesser(t *testing.T) {
	t.Parallel()
	a, b, _ := pair(t, nil, newPool(t, nil))
	s := sharedAddress{t, [2]*node{a, b}}
	began := time.Now()
	var mallory guesser
	var guessing sync.WaitGroup
	stop := make(chan struct{})
	guessing.Go(func() { mallory.run(s, stop) })
	eventually(t, "the guesser is refused", func() bool { return mallory.refused.Load() > 10 })

	opened := time.Now()
	var logins sync.WaitGroup
	logins.Go(func() { // the victim scans and cancels one code after the other
		for i := range 3 {
			scanAndCancel(s.nodes[i%2], "victim")
		}
		b.phone("scanned", a.gene("p1").random, "victim").refused(429, 429)
	})
	slots := make(chan struct{}, 20) // logins at the same time
	for i := range 200 {
		slots <- struct{}{}
		logins.Go(func() {
			defer func() { <-slots }()
			if i%2 == 0 {
				s.page(i)
			} else {
				s.poll(i)
			}
		})
	}
	logins.Wait()
	took := time.Since(opened)
	close(stop)
	guessing.Wait()
	client.CloseIdleConnections()

	answered, most := mallory.answered.Load(), 102+int64(10*time.Since(began).Seconds())
	t.Logf("200 logins in %v; the guesser had %d answers, at most %d, and %d refusals", took, answered, most, mallory.refused.Load())
	if answered > most {
		t.Errorf("the guesser had %d answers on two nodes, the limit is %d", answered, most)
	}
	if took > time.Minute {
		t.Errorf("the logins took %v", took)
	}
}
