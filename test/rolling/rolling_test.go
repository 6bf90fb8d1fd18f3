package rolling

import (
	"sync"
	"sync/atomic"
	"testing"
)

const (
	ok          = 200
	invalidCode = 500  // as phones are told
	badTicket   = 2246 // unknown, used or expired
)

// TestNewNodesFinishTheCodesOfOldOnes has the steps of a login alternate between the releases.
func TestNewNodesFinishTheCodesOfOldOnes(t *testing.T) {
	older, newer := startBoth(t)
	for i := range 8 { // each combination of nodes for three steps
		on := func(step int) *node { return []*node{older, newer}[i>>step&1] }
		var p page
		p.connect(t, older, "waiting")
		on(0).step(t, "scanned", p.random, ok)
		on(1).step(t, "confirm", p.random, ok)
		confirmed := p.connect(t, newer, "confirmed")
		if confirmed.Ticket == "" || p.codes != 1 {
			t.Fatalf("a page that resumes on the new node: %+v, after %d codes", confirmed, p.codes)
		}
		redeemOnce(t, confirmed.Ticket, older, newer)
		if code, _ := on(2).post(t, "/userinfo", map[string]any{"ticket": confirmed.Ticket}); code != badTicket {
			t.Errorf("a ticket that was used, on the %s node: %d", on(2).name, code)
		}
	}
}

// redeemOnce exchanges a ticket on all nodes at once, and checks that one exchange succeeds.
func redeemOnce(t *testing.T, ticket string, nodes ...*node) {
	t.Helper()
	const each = 4
	var redeemed atomic.Int64
	var running sync.WaitGroup
	for range each {
		for _, n := range nodes {
			running.Go(func() {
				switch code, data := n.post(t, "/userinfo", map[string]any{"ticket": ticket}); {
				case code == ok && data["id"] == "alice":
					redeemed.Add(1)
				case code != badTicket:
					t.Errorf("an exchange on the %s node: %d, %v", n.name, code, data)
				}
			})
		}
	}
	running.Wait()
	if redeemed.Load() != 1 {
		t.Errorf("the ticket was redeemed %d times", redeemed.Load())
	}
}

// TestOldNodesDoNotKnowNewCodes, and a page that reconnects to one gets another code.
func TestOldNodesDoNotKnowNewCodes(t *testing.T) {
	older, newer := startBoth(t)
	var p page
	p.connect(t, newer, "waiting")
	older.step(t, "scanned", p.random, invalidCode)
	newer.step(t, "scanned", p.random, ok)
	older.step(t, "confirm", p.random, invalidCode)
	newer.step(t, "confirm", p.random, ok)
	confirmed := p.connect(t, newer, "confirmed")
	redeemOnce(t, confirmed.Ticket, older, newer)

	var q page
	q.connect(t, newer, "waiting")
	for i, n := range []*node{older, newer, older, newer, newer} { // only the first gives another code
		q.connect(t, n, "waiting")
		if q.codes != 2 {
			t.Fatalf("reconnect %d, to the %s node: the page has had %d codes", i+1, n.name, q.codes)
		}
	}
	newer.step(t, "scanned", q.random, ok)
	q.connect(t, older, "scanned")
}

// TestAPageOnOneReleaseSeesTheStepsOfTheOther has the page's code be an old one.
func TestAPageOnOneReleaseSeesTheStepsOfTheOther(t *testing.T) {
	older, newer := startBoth(t)
	for _, nodes := range [][2]*node{{older, newer}, {newer, older}} {
		var p page
		p.connect(t, older, "waiting")
		read := p.open(t, nodes[0])
		read("waiting")
		nodes[1].step(t, "scanned", p.random, ok)
		read("scanned")
		nodes[1].step(t, "confirm", p.random, ok)
		if last, leave := read("confirmed"); last.Ticket == "" || p.codes != 1 {
			t.Errorf("%+v, after %d codes", last, p.codes)
		} else {
			leave()
		}
	}
}
