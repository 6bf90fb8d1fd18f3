package checker

import (
	"slices"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/test/chaos/history"
)

var terms = &history.Terms{Code: 2 * time.Minute, Confirm: time.Minute, Ticket: 5 * time.Minute}

// at is an event about the code "c" that begins at so many milliseconds and
// takes 10; change completes it.
func at(ms int, do history.Do, answer int, change ...func(*history.Event)) history.Event {
	call := time.Duration(ms) * time.Millisecond
	e := history.Event{Call: call, Return: call + 10*time.Millisecond, Do: do, Who: "somebody", Code: "c", Answer: answer, HTTP: 200}
	for _, c := range change {
		c(&e)
	}
	return e
}

func by(user string) func(*history.Event) { return func(e *history.Event) { e.User = user } }

func saw(status string, version int64) func(*history.Event) {
	return func(e *history.Event) { e.Seen = &history.Seen{Status: status, Version: version} }
}

func on(conn int64) func(*history.Event) { return func(e *history.Event) { e.Conn = conn } }

// proven adds what only the browser and the site are told.
func proven(user string, ticket bool) func(*history.Event) {
	return func(e *history.Event) { e.Proven, e.Seen.User, e.Seen.Ticket = true, user, ticket }
}

func gene(ms int) history.Event {
	return at(ms, history.Gene, 200, func(e *history.Event) { e.Terms = terms })
}

// login is the beginning of most histories.
func login() []history.Event {
	return []history.Event{gene(0), at(100, history.Scan, 200, by("a")), at(200, history.Confirm, 200, by("a"))}
}

func redeem(ms int) history.Event { return at(ms, history.Redeem, 200, by("a")) }

// then is a login that goes on.
func then(more ...history.Event) []history.Event { return append(login(), more...) }

// onlyScanned is one in which the user has not decided.
func onlyScanned(more ...history.Event) []history.Event { return append(login()[:2], more...) }

func fault(kind string, from, to time.Duration) []history.Strike {
	return []history.Strike{{Kind: kind, From: from, To: to, Gone: to}}
}

var flushed = []history.Strike{{Kind: "flushall", Lossy: true, From: time.Second, To: 2 * time.Second}}

// broken are histories that must not be, with the rule that must say so.
var broken = []struct {
	what, rule string
	events     []history.Event
	strikes    []history.Strike
}{
	{what: "another user confirms", rule: "second user", events: then(at(300, history.Confirm, 200, by("b")))},
	{what: "another user scans", rule: "second user", events: then(at(300, history.Scan, 200, by("b")))},
	{what: "a ticket works twice", rule: "ticket worked twice", events: then(redeem(300), redeem(400))},
	{what: "… at the same instant", rule: "no order explains it", events: then(redeem(300), redeem(300))},
	{what: "a ticket gives another user", rule: "no order explains it", events: then(at(300, history.Redeem, 200, by("b")))},
	{what: "a ticket without a confirm", rule: "no order explains it", events: onlyScanned(redeem(300))},
	{what: "confirmed and canceled", rule: "no order explains it", events: then(at(300, history.Cancel, 200, by("a")))},
	{what: "confirm without a scan", rule: "no order explains it",
		events: []history.Event{gene(0), at(100, history.Confirm, 200, by("a"))}},
	{what: "an acknowledged scan is lost", rule: "no order explains it",
		events: onlyScanned(at(300, history.Check, 200, saw("waiting", 1)))},
	{what: "an acknowledged confirm is lost", rule: "no order explains it",
		events: then(at(300, history.Check, 200, saw("scanned", 2)))},
	{what: "the code is forgotten", rule: "no order explains it", events: then(at(300, history.Check, 2241))},
	{what: "expired before its time", rule: "no order explains it",
		events: []history.Event{gene(0), at(60_000, history.Scan, 2242, by("a"))}},
	{what: "alive after its time", rule: "no order explains it",
		events: []history.Event{gene(0), at(121_000, history.Scan, 200, by("a"))}},
	{what: "told before it happened", rule: "no order explains it",
		events: onlyScanned(at(150, history.Push, 0, saw("confirmed", 3), on(1)), at(200, history.Confirm, 200, by("a")))},
	{what: "no ticket for the browser", rule: "no order explains it",
		events: then(at(300, history.Check, 200, saw("confirmed", 3), proven("a", false)))},
	{what: "an older version after a newer", rule: "older version",
		events: then(at(300, history.Push, 0, saw("confirmed", 3), on(1)), at(310, history.Push, 0, saw("scanned", 2), on(1)))},
	{what: "a state after the final one", rule: "state after the final one",
		events: then(at(300, history.Push, 0, saw("expired", 4), on(1)), at(310, history.Push, 0, saw("waiting", 5), on(1)))},
	{what: "a ticket for a stranger", rule: "told without proof",
		events: then(at(300, history.Check, 200, saw("confirmed", 3), func(e *history.Event) { e.Seen.Ticket = true }))},
	{what: "an answer that nothing can cause", rule: "unexpected answer", events: then(at(300, history.Check, 2231))},
	{what: "a fault of the server", rule: "unexpected answer",
		events: then(at(300, history.Confirm, 500, by("a"), func(e *history.Event) { e.HTTP = 500 }))},
	{what: "an answer that takes too long", rule: "slow answer", events: then(at(300, history.Check, history.Busy, taking(4*time.Second)))},
	{what: "a page that stays behind", rule: "page not current", events: then(shows(0), leaves(12_000))},
	{what: "a page that stays behind after a fault", rule: "page not current",
		events: then(shows(0), leaves(20_000)), strikes: fault("cut", time.Second, 2*time.Second)},
	{what: "a page shows what is gone", rule: "page shows what is gone", strikes: flushed,
		events: onlyScanned(shows(0), at(150, history.Push, 0, saw("scanned", 2), on(1), byPage), leaves(20_000))},
	{what: "a node leaves without a word", rule: "left without a word",
		events: then(at(1500, history.Close, history.None, on(1))), strikes: fault("node-term", time.Second, 2*time.Second)},
	{what: "a node cannot leave", rule: "left badly",
		events: login(), strikes: []history.Strike{{Kind: "node-term", Exit: "did not end", From: time.Second, To: 2 * time.Second}}},
}

func TestEachBrokenPromiseIsFound(t *testing.T) {
	for _, test := range broken {
		t.Run(test.what, func(t *testing.T) {
			v := Judge(history.File{Events: test.events, Strikes: test.strikes, End: 30 * time.Second})
			if !slices.ContainsFunc(v.Violations, func(v Violation) bool { return v.Rule == test.rule }) {
				t.Errorf("%q was not found, but %v", test.rule, v.Violations)
			}
		})
	}
}

func taking(d time.Duration) func(*history.Event) {
	return func(e *history.Event) { e.Return = e.Call + d }
}

func shows(ms int) history.Event {
	return at(ms, history.Show, 0, func(e *history.Event) { e.Who, e.Via = "page", "ws watch" })
}

func leaves(ms int) history.Event {
	return at(ms, history.Leave, 0, func(e *history.Event) { e.Who = "page" })
}

// tries are a phone's calls while nothing answers: more than could be put into
// every order, if each counted.
func tries(user string) (all []history.Event) {
	for i := range 6 {
		all = append(all, at(100+200*i, history.Scan, history.Busy, by(user)), at(5000+200*i, history.Confirm, history.Busy, by(user)))
	}
	return all
}

func byPage(e *history.Event) { e.Who = "page" }

// right are histories that may be.
var right = []struct {
	what    string
	events  []history.Event
	strikes []history.Strike
}{
	{what: "a login", events: then(redeem(300), at(400, history.Redeem, 2246),
		at(500, history.Confirm, 200, by("a")), at(600, history.Check, 200, saw("confirmed", 4), proven("a", false)))},
	{what: "two users, one wins", events: []history.Event{gene(0), at(100, history.Scan, 2245, by("b")), at(100, history.Scan, 200, by("a")),
		at(200, history.Confirm, 2245, by("b")), at(200, history.Confirm, 200, by("a")), at(300, history.Confirm, 2244, by("b"))}},
	{what: "two minds, one wins", events: then(at(200, history.Cancel, 2244, by("a")))},
	{what: "an exchange of unknown outcome that was done",
		events: then(at(300, history.Redeem, history.Busy), at(400, history.Redeem, 2246))},
	{what: "… that was done much later", events: then(at(300, history.Redeem, history.None),
		at(400, history.Check, 200, saw("confirmed", 3), proven("a", true)),
		at(500, history.Check, 200, saw("confirmed", 4), proven("a", false)))},
	{what: "… that never was", events: then(at(300, history.Redeem, history.Busy), redeem(400))},
	{what: "a call that was not sent",
		events: onlyScanned(at(200, history.Cancel, history.NotSent, by("a")), at(300, history.Confirm, 200, by("a")))},
	{what: "two phones that try through an outage",
		events: slices.Concat([]history.Event{gene(0)}, tries("a"), tries("b"), []history.Event{at(9000, history.Check, 200, saw("waiting", 1))})},
	{what: "time ends a code",
		events: []history.Event{gene(0), at(120_100, history.Scan, 2242, by("a")), at(121_000, history.Check, 200, saw("expired", 2))}},
	{what: "a scan lengthens its life",
		events: []history.Event{gene(0), at(119_000, history.Scan, 200, by("a")), at(178_000, history.Confirm, 200, by("a"))}},
	{what: "it is forgotten in the end", events: []history.Event{gene(0), at(220_000, history.Check, 2241)}},
	{what: "the page withdraws it", events: onlyScanned(at(150, history.Withdraw, history.None),
		at(300, history.Confirm, 2242, by("a")), at(400, history.Check, 200, saw("expired", 3), proven("a", false)))},
	{what: "a page that follows", events: then(shows(0), at(50, history.Push, 0, saw("waiting", 1), on(1), byPage),
		at(120, history.Push, 0, saw("scanned", 2), on(1), byPage), at(320, history.Push, 0, saw("confirmed", 3), on(1), byPage), leaves(20_000))},
	{what: "a page that cannot know", events: then(shows(0), leaves(12_000)), strikes: fault("freeze", 2*time.Second, 9*time.Second)},
	{what: "a page is told what is gone", strikes: flushed, events: onlyScanned(shows(0), at(150, history.Push, 0, saw("scanned", 2), on(1), byPage),
		at(4000, history.Push, 0, saw("expired", 3), on(1), byPage), leaves(20_000))},
	{what: "a frozen node answers late", events: then(at(1500, history.Check, history.Busy, taking(4*time.Second))),
		strikes: fault("node-stop", 2*time.Second, 5*time.Second)},
	{what: "a node leaves in order", events: then(at(1500, history.Close, restart, on(1))),
		strikes: fault("node-term", time.Second, 2*time.Second)},
	{what: "a node is killed right after it came back", events: then(at(1900, history.Connect, 0, on(1)), at(2000, history.Close, history.None, on(1))),
		strikes: []history.Strike{{Kind: "node-term", From: time.Second, Gone: 1200 * time.Millisecond, To: 1950 * time.Millisecond},
			{Kind: "node-kill", From: 1950 * time.Millisecond, To: 3 * time.Second}}},
}

func TestWhatIsRightIsNotBlamed(t *testing.T) {
	for _, test := range right {
		t.Run(test.what, func(t *testing.T) {
			v := Judge(history.File{Events: test.events, Strikes: test.strikes, End: 30 * time.Second})
			if len(v.Violations) > 0 || v.Undecided > 0 {
				t.Errorf("blamed: %v", v.Violations)
			}
		})
	}
}

func TestWhatRedisLostIsCountedApart(t *testing.T) {
	failover := []history.Strike{{Kind: "failover", Lossy: true, From: time.Second, To: 2 * time.Second}}
	twice := then(redeem(1500), redeem(1600))
	v := Judge(history.File{Events: twice, Strikes: failover})
	if len(v.Violations) > 0 || len(v.Lost) == 0 || v.Lossy != 1 {
		t.Errorf("violations %v, lost %v", v.Violations, v.Lost)
	}
	ahead := onlyScanned(shows(0), at(300, history.Push, 0, saw("confirmed", 3), on(1), byPage),
		at(15_000, history.Check, 200, saw("scanned", 2)), leaves(16_000))
	v = Judge(history.File{Events: ahead, Strikes: failover, End: 20 * time.Second})
	if len(v.Violations) == 0 {
		t.Error("a loss excuses no page that goes on showing what was lost")
	}
	stranger := append(twice, at(1700, history.Push, 0, saw("confirmed", 3), func(e *history.Event) { e.Seen.Ticket = true }))
	v = Judge(history.File{Events: stranger, Strikes: failover})
	if len(v.Violations) == 0 {
		t.Error("a loss excuses no leak")
	}
}
