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
	there.phone("scanned", random, user).ok()
	p.event("scanned")
	there.phone("confirm", random, user).ok()
	o.exchange(here, p.event("confirmed")["ticket"], user)
	p.closed(1000)
}

// poll logs one person in as the SDKs do.
func (o office) poll(person int) {
	user, here, there := fmt.Sprintf("user%d", person), o.nodes[person%2], o.nodes[(person+1)%2]
	c := here.gene("p1", "Origin", siteOrigin)
	here.check(c)
	there.phone("scanned", c.random, user).ok()
	here.check(c)
	there.phone("confirm", c.random, user).ok()
	o.exchange(there, here.check(c)["ticket"], user)
}

func (o office) exchange(at *node, ticket any, user string) {
	got := at.call("POST", "/userinfo", map[string]any{"ticket": ticket}, "Authorization", basic("p1", poolSecret))
	if got.status != 200 || got.data["id"] != user {
		o.Errorf("%s: %d %s", user, got.status, got.raw)
	}
}

// guesser tries codes on both nodes, as page and as phone.
type guesser struct{ answered, refused atomic.Int64 }

func (g *guesser) run(o office, stop <-chan struct{}) {
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		default:
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

// TestAnOfficeAtNineInTheMorning has two hundred people behind one address log
// in within a minute, on two nodes, under the default limits. Nobody of them is
// refused, while one among them guesses codes, and is, and another is bombed.
func TestAnOfficeAtNineInTheMorning(t *testing.T) {
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
			cancelOn(o.nodes[i%2], "victim")
		}
		b.phone("scanned", a.gene("p1").random, "victim").refused(429, 429)
	})
	for person := range 200 {
		people.Go(func() {
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
