package server_test

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

func withDigits(p *pool.Pool) { p.Match = session.MatchDigits }

// anotherNumber returns a number other than right.
func anotherNumber(right string) string {
	n, err := strconv.Atoi(right)
	if err != nil {
		panic(err)
	}
	return strconv.Itoa(10 + (n-10+1)%90)
}

// confirmWithNumber confirms with a number.
func (n *node) confirmWithNumber(random, user, number string) answer {
	n.Helper()
	return n.call("POST", "/confirm", map[string]any{"random": random, "matchCode": number}, "Authorization", "Bearer "+userToken(n, user))
}

// scannedWithNumber creates a code that alice scans, and returns the code and its number.
func (n *node) scannedWithNumber() (code, string) {
	n.Helper()
	c := n.gene("p1")
	n.phone("scanned", c.random, "alice").ok()
	number, _ := n.check(c)["matchCode"].(string)
	if !regexp.MustCompile(`^[1-9][0-9]$`).MatchString(number) {
		n.Fatalf("the page shows %q", number)
	}
	return c, number
}

func TestOnlyTheBrowserGetsTheNumberAndOnlyBeforeConfirm(t *testing.T) {
	n := alone(t, newPool(t, withDigits))
	c := n.gene("p1")
	mine, other := n.dial("random="+c.random, nil, "key."+c.key), n.dial("random="+c.random, nil)
	for _, p := range []*page{mine, other} {
		if m := p.event("waiting"); m["matchCode"] != nil {
			t.Errorf("before the scan: %v", m)
		}
	}
	scan := n.phone("scanned", c.random, "alice")
	if d := scan.ok(); d["match"] != "digits" || strings.Contains(scan.raw, "matchCode") {
		t.Errorf("the phone gets %s", scan.raw)
	}
	number, _ := mine.event("scanned")["matchCode"].(string)
	if len(number) != 2 {
		t.Fatalf("the browser gets %q", number)
	}
	if m := other.event("scanned"); m["matchCode"] != nil {
		t.Errorf("others get %v", m)
	}
	if d := n.call("GET", "/check?random="+c.random, nil).ok(); d["matchCode"] != nil {
		t.Errorf("others get %v", d)
	}
	if d := n.callWith(c.browser, "GET", "/check?random="+c.random, nil).ok(); d["matchCode"] != number {
		t.Errorf("with its cookie, the browser gets %v", d)
	}
	n.confirmWithNumber(c.random, "alice", number).ok()
	if m := mine.event("confirmed"); m["matchCode"] != nil || m["ticket"] == nil {
		t.Errorf("after the confirm: %v", m)
	}
}

func TestWithoutBrowserBindingOnlyTheBrowserGetsTheNumber(t *testing.T) {
	n := alone(t, newPool(t, func(p *pool.Pool) { withDigits(p); p.BindBrowser = false }))
	c, _ := n.scannedWithNumber()
	if d := n.call("GET", "/check?random="+c.random, nil).ok(); d["matchCode"] != nil || d["scannedUserId"] != "alice" {
		t.Errorf("others get %v", d)
	}
}

func TestConfirmNeedsTheNumber(t *testing.T) {
	n := alone(t, newPool(t, withDigits))
	c, number := n.scannedWithNumber()
	for range 5 { // a missing number is not an attempt
		n.phone("confirm", c.random, "alice").refused(403, 2249)
		for _, text := range []string{"7", number + "0", "4x", " " + number} {
			n.confirmWithNumber(c.random, "alice", text).refused(400, 2231)
		}
		n.call("POST", "/confirm", `{"random":"`+c.random+`","matchCode":42}`, "Authorization", "Bearer "+userToken(t, "alice")).refused(400, 2231)
	}
	// Another user can neither confirm nor use up the attempts.
	for range session.MaxMismatches {
		n.confirmWithNumber(c.random, "bob", anotherNumber(number)).refused(409, 2245)
	}
	n.confirmWithNumber(c.random, "bob", number).refused(409, 2245)
	for _, want := range []string{"2 tries left", "1 try left"} {
		a := n.confirmWithNumber(c.random, "alice", anotherNumber(number))
		if a.refused(403, 2249); !strings.Contains(a.message, want) {
			t.Errorf("%q does not say %q", a.message, want)
		}
	}
	n.confirmWithNumber(c.random, "alice", number).ok()
	n.confirmWithNumber(c.random, "alice", number).ok() // phones retry
	if d := n.check(c); d["ticket"] == nil {
		t.Errorf("after the right number: %v", d)
	}
	// A confirmed code stays confirmed.
	n.phone("confirm", c.random, "alice").ok()
	n.confirmWithNumber(c.random, "alice", anotherNumber(number)).ok()
}

func TestThreeWrongNumbersEndTheCode(t *testing.T) {
	n := alone(t, newPool(t, withDigits))
	c, number := n.scannedWithNumber()
	watcher := n.dial("random="+c.random, nil, "key."+c.key)
	watcher.event("scanned")
	for range session.MaxMismatches - 1 {
		n.confirmWithNumber(c.random, "alice", anotherNumber(number)).refused(403, 2249)
		if m := watcher.event("scanned"); m["matchCode"] != number {
			t.Errorf("the page shows %v", m)
		}
	}
	last := n.confirmWithNumber(c.random, "alice", anotherNumber(number))
	if last.refused(409, 2244); !strings.Contains(last.message, "last try") {
		t.Errorf("the third wrong number: %q", last.message)
	}
	watcher.event("canceled")
	n.confirmWithNumber(c.random, "alice", number).refused(409, 2244)
	if d := n.check(c); d["event"] != "canceled" || d["ticket"] != nil {
		t.Errorf("after that: %v", d)
	}
}

// The store counts the attempts: using several nodes gives no more of them.
func TestConcurrentWrongNumbersOnTwoNodesAreBothCounted(t *testing.T) {
	a, b, _ := pair(t, nil, newPool(t, withDigits))
	for range 5 {
		c, number := a.scannedWithNumber()
		var tries sync.WaitGroup
		for _, n := range []*node{a, b} {
			tries.Go(func() { n.confirmWithNumber(c.random, "alice", anotherNumber(number)).refused(403, 2249) })
		}
		tries.Wait()
		b.confirmWithNumber(c.random, "alice", anotherNumber(number)).refused(409, 2244)
		a.confirmWithNumber(c.random, "alice", number).refused(409, 2244)
	}
}

func TestWithoutMatchingThereIsNoNumber(t *testing.T) {
	n := alone(t, newPool(t, nil))
	c := n.gene("p1")
	if d := n.phone("scanned", c.random, "alice").ok(); d["match"] != nil {
		t.Errorf("the phone gets %v", d)
	}
	if d := n.check(c); d["matchCode"] != nil {
		t.Errorf("the page gets %v", d)
	}
	n.confirmWithNumber(c.random, "alice", "42").ok() // an unnecessary number is ignored
}

// A reload between creation and scan must not lead to a page that shows a number and a phone that
// does not request it, or the reverse.
func TestAReloadDoesNotChangeTheMatchingOfACode(t *testing.T) {
	n := alone(t, newPool(t, nil))
	before := n.gene("p1")
	n.pools.Replace(newPool(t, withDigits))
	n.phone("scanned", before.random, "alice").ok()
	n.phone("confirm", before.random, "alice").ok()
	c, number := n.scannedWithNumber()
	n.pools.Replace(newPool(t, nil))
	n.phone("confirm", c.random, "alice").refused(http.StatusForbidden, 2249)
	n.confirmWithNumber(c.random, "alice", number).ok()
}
