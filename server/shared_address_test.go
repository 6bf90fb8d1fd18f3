package server_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// office is two hundred people behind one address, and a guesser among them.
type office struct {
	*testing.T
	nodes [2]*node
}

// page logs one person in by a socket on one node and a phone on the other.
func (o office) page(person int) {
	user, here, there := fmt.Sprintf("user%d", person), o.nodes[person%2], o.nodes[(person+1)%2]
	p := here.dial("userPoolId=p1", nil)
	random := p.event("code")["random"].(string)
	p.event("waiting")
	o.served(func() answer { return there.phone("scanned", random, user) })
	p.event("scanned")
	o.served(func() answer { return there.phone("confirm", random, user) })
	o.exchange(here, p.event("confirmed")["ticket"], user)
	p.closed(1000)
}

// poll logs one person in as the SDKs do.
func (o office) poll(person int) {
	user, here, there := fmt.Sprintf("user%d", person), o.nodes[person%2], o.nodes[(person+1)%2]
	c := o.served(func() answer { return here.call("POST", "/gene?userPoolId=p1", nil, "Origin", siteOrigin) })
	random := c["random"].(string)
	check := func() answer {
		return here.call("GET", "/check?random="+random, nil, "X-Browser-Key", c["browserKey"].(string))
	}
	o.served(check)
	o.served(func() answer { return there.phone("scanned", random, user) })
	o.served(check)
	o.served(func() answer { return there.phone("confirm", random, user) })
	o.exchange(there, o.served(check)["ticket"], user)
}

func (o office) exchange(at *node, ticket any, user string) {
	got := at.call("POST", "/userinfo", map[string]any{"ticket": ticket}, "Authorization", basic("p1", poolSecret))
	if got.status != 200 || got.data["id"] != user {
		o.Errorf("%s: %d %s", user, got.status, got.raw)
	}
}

// served returns what a call brings. A machine that is busy with other tests may
// have its Redis answer late (1000), on which clients ask again; a limit is no
// such thing.
func (o office) served(call func() answer) map[string]any {
	var got answer
	eventually(o, "an answer", func() bool { got = call(); return got.code != 1000 })
	return got.ok()
}

// guesser tries codes on both nodes, as page and as phone.
type guesser struct{ answered, refused atomic.Int64 }

// run makes two hundred tries a second, twenty times what an address has.
func (g *guesser) run(o office, stop <-chan struct{}) {
	pace := time.NewTicker(5 * time.Millisecond)
	defer pace.Stop()
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		case <-pace.C:
		}
		n, random := o.nodes[i%2], string(session.NewID())
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

// TestManyLoginsBehindTheAddressOfAGuesser has two hundred people behind one address log
// in within a minute, on two nodes, under the default limits. Nobody of them is
// refused, while one among them guesses codes, and is, and another is asked again and again.
func TestManyLoginsBehindTheAddressOfAGuesser(t *testing.T) {
	a, b, _ := pair(t, nil, newPool(t, nil))
	o := office{t, [2]*node{a, b}}
	began := time.Now()
	var mallory guesser
	var guessing sync.WaitGroup
	stop := make(chan struct{})
	guessing.Go(func() { mallory.run(o, stop) })
	eventually(t, "the guesser is stopped", func() bool { return mallory.refused.Load() > 10 })

	opened := time.Now()
	var people sync.WaitGroup
	people.Go(func() { // somebody shows one code after the other to victim
		for i := range 3 {
			scanAndCancel(o.nodes[i%2], "victim")
		}
		b.phone("scanned", a.gene("p1").random, "victim").refused(429, 429)
	})
	seats := make(chan struct{}, 20) // they do not all sit down at one instant
	for person := range 200 {
		seats <- struct{}{}
		people.Go(func() {
			defer func() { <-seats }()
			if person%2 == 0 {
				o.page(person)
			} else {
				o.poll(person)
			}
		})
	}
	people.Wait()
	took := time.Since(opened)
	close(stop)
	guessing.Wait()
	client.CloseIdleConnections()

	answered, most := mallory.answered.Load(), 102+int64(10*time.Since(began).Seconds())
	t.Logf("200 logins in %v; the guesser had %d answers, at most %d, and %d refusals", took, answered, most, mallory.refused.Load())
	if answered > most {
		t.Errorf("the guesser had %d answers on two nodes, one would give at most %d", answered, most)
	}
	if took > time.Minute {
		t.Errorf("it took %v", took)
	}
}
