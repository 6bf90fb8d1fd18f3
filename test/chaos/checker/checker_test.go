package checker

import (
	"slices"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/test/chaos/history"
)

var terms = &history.Lifetimes{Code: 2 * time.Minute, Confirm: time.Minute, Ticket: 5 * time.Minute}

// at returns an event of the code "c" that begins at a time in milliseconds and takes
// 10 ms; change completes it.
func at(ms int, do history.Action, answer int, change ...func(*history.Event)) history.Event {
	call := time.Duration(ms) * time.Millisecond
	e := history.Event{Call: call, Return: call + 10*time.Millisecond, Action: do, Actor: "actor", Code: "c", Answer: answer, HTTP: 200}
	for _, c := range change {
		c(&e)
	}
	return e
}

func by(user string) func(*history.Event) { return func(e *history.Event) { e.User = user } }

func saw(status string, version int64) func(*history.Event) {
	return func(e *history.Event) { e.State = &history.State{Status: status, Version: version} }
}

func on(conn int64) func(*history.Event) { return func(e *history.Event) { e.Conn = conn } }

// proven adds data that only the browser and the site receive.
func proven(user string, ticket bool) func(*history.Event) {
	return func(e *history.Event) { e.Proven, e.State.User, e.State.Ticket = true, user, ticket }
}

func gene(ms int) history.Event {
	return at(ms, history.Gene, 200, func(e *history.Event) { e.Lifetimes = terms })
}

// login is the beginning of most histories.
func login() []history.Event {
	return []history.Event{gene(0), at(100, history.Scan, 200, by("a")), at(200, history.Confirm, 200, by("a"))}
}

func redeem(ms int) history.Event { return at(ms, history.Redeem, 200, by("a")) }

// then returns a login that continues with more events.
func then(more ...history.Event) []history.Event { return append(login(), more...) }

// onlyScanned returns a login up to the scan that continues with more events.
func onlyScanned(more ...history.Event) []history.Event { return append(login()[:2], more...) }

func fault(kind string, from, to time.Duration) []history.Fault {
	return []history.Fault{{Kind: kind, From: from, To: to, Gone: to}}
}

var flushed = []history.Fault{{Kind: "flushall", Lossy: true, From: time.Second, To: 2 * time.Second}}

// example is a history, with the rule that it violates, if any.
type example struct {
	what, rule string
	events     []history.Event
	faults     []history.Fault
}

// invalid are invalid histories, with the rule that each violates.
var invalid = []example{
	{what: "another user confirms", rule: "second user", events: then(at(300, history.Confirm, 200, by("b")))},
	{what: "another user scans", rule: "second user", events: then(at(300, history.Scan, 200, by("b")))},
	{what: "a ticket is exchanged twice", rule: "ticket exchanged twice", events: then(redeem(300), redeem(400))},
	{what: "a ticket is exchanged twice at the same time", rule: "not linearizable", events: then(redeem(300), redeem(300))},
	{what: "a ticket is exchanged for another user", rule: "not linearizable", events: then(at(300, history.Redeem, 200, by("b")))},
	{what: "a ticket is exchanged without a confirm", rule: "not linearizable", events: onlyScanned(redeem(300))},
	{what: "confirmed and canceled", rule: "not linearizable", events: then(at(300, history.Cancel, 200, by("a")))},
	{what: "confirm without a scan", rule: "not linearizable",
		events: []history.Event{gene(0), at(100, history.Confirm, 200, by("a"))}},
	{what: "an acknowledged scan is lost", rule: "not linearizable",
		events: onlyScanned(at(300, history.Check, 200, saw("waiting", 1)))},
	{what: "an acknowledged confirm is lost", rule: "not linearizable",
		events: then(at(300, history.Check, 200, saw("scanned", 2)))},
	{what: "the code is unknown too early", rule: "not linearizable", events: then(at(300, history.Check, 2241))},
	{what: "expired too early", rule: "not linearizable",
		events: []history.Event{gene(0), at(60_000, history.Scan, 2242, by("a"))}},
	{what: "expired too late", rule: "not linearizable",
		events: []history.Event{gene(0), at(121_000, history.Scan, 200, by("a"))}},
	{what: "a message before its step", rule: "not linearizable",
		events: onlyScanned(at(150, history.Push, 0, saw("confirmed", 3), on(1)), at(200, history.Confirm, 200, by("a")))},
	{what: "no ticket for the browser", rule: "not linearizable",
		events: then(at(300, history.Check, 200, saw("confirmed", 3), proven("a", false)))},
	{what: "an older version after a newer", rule: "older version",
		events: then(at(300, history.Push, 0, saw("confirmed", 3), on(1)), at(310, history.Push, 0, saw("scanned", 2), on(1)))},
	{what: "a status after the final one", rule: "status after the final one",
		events: then(at(300, history.Push, 0, saw("expired", 4), on(1)), at(310, history.Push, 0, saw("waiting", 5), on(1)))},
	{what: "a ticket without proof", rule: "secret without proof",
		events: then(at(300, history.Check, 200, saw("confirmed", 3), func(e *history.Event) { e.State.Ticket = true }))},
	{what: "an impossible answer", rule: "unexpected answer", events: then(at(300, history.Check, 2231))},
	{what: "an internal error", rule: "unexpected answer",
		events: then(at(300, history.Confirm, 500, by("a"), func(e *history.Event) { e.HTTP = 500 }))},
	{what: "a slow answer", rule: "slow answer", events: then(at(300, history.Check, history.Busy, taking(4*time.Second)))},
	{what: "a stale page", rule: "stale page", events: then(shows(0), leaves(12_000))},
	{what: "a stale page after a fault", rule: "stale page",
		events: then(shows(0), leaves(20_000)), faults: fault("cut", time.Second, 2*time.Second)},
	{what: "a page shows a deleted code", rule: "page shows deleted code", faults: flushed,
		events: onlyScanned(shows(0), at(150, history.Push, 0, saw("scanned", 2), on(1), byPage), leaves(20_000))},
	{what: "a node shuts down without close frames", rule: "no close frame",
		events: then(at(1500, history.Close, history.None, on(1))), faults: fault("node-term", time.Second, 2*time.Second)},
	{what: "a node does not shut down", rule: "shutdown failed",
		events: login(), faults: []history.Fault{{Kind: "node-term", Exit: "did not end", From: time.Second, To: 2 * time.Second}}},
}

func TestEveryViolationIsFound(t *testing.T) {
	for _, test := range slices.Concat(invalid, invalidTokens) {
		t.Run(test.what, func(t *testing.T) {
			v := Check(history.History{Events: test.events, Faults: test.faults, End: 30 * time.Second})
			if !slices.ContainsFunc(v.Violations, func(v Violation) bool { return v.Rule == test.rule }) {
				t.Errorf("violation %q was not found, only %v", test.rule, v.Violations)
			}
		})
	}
}

func taking(d time.Duration) func(*history.Event) {
	return func(e *history.Event) { e.Return = e.Call + d }
}

func shows(ms int) history.Event {
	return at(ms, history.Show, 0, func(e *history.Event) { e.Actor, e.Transport = "page", "ws watch" })
}

func leaves(ms int) history.Event {
	return at(ms, history.Leave, 0, func(e *history.Event) { e.Actor = "page" })
}

// tries returns a phone's calls during an outage: too many for the search, if each
// were a separate operation.
func tries(user string) (all []history.Event) {
	for i := range 6 {
		all = append(all, at(100+200*i, history.Scan, history.Busy, by(user)), at(5000+200*i, history.Confirm, history.Busy, by(user)))
	}
	return all
}

func byPage(e *history.Event) { e.Actor = "page" }

// valid are valid histories.
var valid = []example{
	{what: "a login", events: then(redeem(300), at(400, history.Redeem, 2246),
		at(500, history.Confirm, 200, by("a")), at(600, history.Check, 200, saw("confirmed", 4), proven("a", false)))},
	{what: "two users, one wins", events: []history.Event{gene(0), at(100, history.Scan, 2245, by("b")), at(100, history.Scan, 200, by("a")),
		at(200, history.Confirm, 2245, by("b")), at(200, history.Confirm, 200, by("a")), at(300, history.Confirm, 2244, by("b"))}},
	{what: "confirm and cancel at the same time, one wins", events: then(at(200, history.Cancel, 2244, by("a")))},
	{what: "an exchange of unknown outcome took effect",
		events: then(at(300, history.Redeem, history.Busy), at(400, history.Redeem, 2246))},
	{what: "an exchange of unknown outcome took effect much later", events: then(at(300, history.Redeem, history.None),
		at(400, history.Check, 200, saw("confirmed", 3), proven("a", true)),
		at(500, history.Check, 200, saw("confirmed", 4), proven("a", false)))},
	{what: "an exchange of unknown outcome never took effect", events: then(at(300, history.Redeem, history.Busy), redeem(400))},
	{what: "a call that was not sent",
		events: onlyScanned(at(200, history.Cancel, history.NotSent, by("a")), at(300, history.Confirm, 200, by("a")))},
	{what: "two phones that retry during an outage",
		events: slices.Concat([]history.Event{gene(0)}, tries("a"), tries("b"), []history.Event{at(9000, history.Check, 200, saw("waiting", 1))})},
	{what: "a code expires",
		events: []history.Event{gene(0), at(120_100, history.Scan, 2242, by("a")), at(121_000, history.Check, 200, saw("expired", 2))}},
	{what: "a scan extends the lifetime",
		events: []history.Event{gene(0), at(119_000, history.Scan, 200, by("a")), at(178_000, history.Confirm, 200, by("a"))}},
	{what: "an expired code is unknown after a while", events: []history.Event{gene(0), at(220_000, history.Check, 2241)}},
	{what: "the page withdraws the code", events: onlyScanned(at(150, history.Withdraw, history.None),
		at(300, history.Confirm, 2242, by("a")), at(400, history.Check, 200, saw("expired", 3), proven("a", false)))},
	{what: "a fresh page", events: then(shows(0), at(50, history.Push, 0, saw("waiting", 1), on(1), byPage),
		at(120, history.Push, 0, saw("scanned", 2), on(1), byPage), at(320, history.Push, 0, saw("confirmed", 3), on(1), byPage), leaves(20_000))},
	{what: "a stale page during a fault", events: then(shows(0), leaves(12_000)), faults: fault("freeze", 2*time.Second, 9*time.Second)},
	{what: "a page learns that its code was deleted", faults: flushed, events: onlyScanned(shows(0), at(150, history.Push, 0, saw("scanned", 2), on(1), byPage),
		at(4000, history.Push, 0, saw("expired", 3), on(1), byPage), leaves(20_000))},
	{what: "a frozen node answers late", events: then(at(1500, history.Check, history.Busy, taking(4*time.Second))),
		faults: fault("node-stop", 2*time.Second, 5*time.Second)},
	{what: "a node shuts down in order", events: then(at(1500, history.Close, restart, on(1))),
		faults: fault("node-term", time.Second, 2*time.Second)},
	{what: "a node is killed right after its restart", events: then(at(1900, history.Connect, 0, on(1)), at(2000, history.Close, history.None, on(1))),
		faults: []history.Fault{{Kind: "node-term", From: time.Second, Gone: 1200 * time.Millisecond, To: 1950 * time.Millisecond},
			{Kind: "node-kill", From: 1950 * time.Millisecond, To: 3 * time.Second}}},
}

func TestValidHistoriesHaveNoViolations(t *testing.T) {
	for _, test := range slices.Concat(valid, validTokens) {
		t.Run(test.what, func(t *testing.T) {
			v := Check(history.History{Events: test.events, Faults: test.faults, End: 30 * time.Second})
			if len(v.Violations) > 0 || v.Undecided > 0 {
				t.Errorf("blamed: %v", v.Violations)
			}
		})
	}
}

func TestViolationsAfterLostWritesAreCountedSeparately(t *testing.T) {
	failover := []history.Fault{{Kind: "failover", Lossy: true, From: time.Second, To: 2 * time.Second}}
	twice := then(redeem(1500), redeem(1600))
	v := Check(history.History{Events: twice, Faults: failover})
	if len(v.Violations) > 0 || len(v.Lost) == 0 || v.Lossy != 1 {
		t.Errorf("violations %v, lost %v", v.Violations, v.Lost)
	}
	ahead := onlyScanned(shows(0), at(300, history.Push, 0, saw("confirmed", 3), on(1), byPage),
		at(15_000, history.Check, 200, saw("scanned", 2)), leaves(16_000))
	v = Check(history.History{Events: ahead, Faults: failover, End: 20 * time.Second})
	if len(v.Violations) == 0 {
		t.Error("a page that continues to show a lost version is not reported")
	}
	leak := append(twice, at(1700, history.Push, 0, saw("confirmed", 3), func(e *history.Event) { e.State.Ticket = true }))
	v = Check(history.History{Events: leak, Faults: failover})
	if len(v.Violations) == 0 {
		t.Error("a leak is not reported when writes were lost")
	}
}
