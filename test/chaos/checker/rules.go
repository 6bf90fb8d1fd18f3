package checker

import (
	"fmt"
	"slices"
	"time"

	"github.com/scanlogin/scanlogin/test/chaos/history"
)

// users checks that the steps of at most one user succeed.
func (c code) users() []Violation {
	first := ""
	for _, e := range c.events {
		if e.Answer != history.OK || e.User == "" || e.HTTP != 200 {
			continue
		}
		if first != "" && e.User != first {
			return []Violation{c.violation("second user", "steps of both %s and %s succeeded", first, e.User)}
		}
		first = e.User
	}
	return nil
}

// exchanges checks that a ticket, and an authorization code, is exchanged at most once.
func (c code) exchanges() []Violation {
	n := make(map[history.Action]int)
	for _, e := range c.events {
		if isExchange(e) && e.Answer == history.OK {
			n[e.Action]++
		}
	}
	switch {
	case n[history.Exchange] > 1:
		return []Violation{c.violation("code exchanged twice", "%d exchanges succeeded", n[history.Exchange])}
	case n[history.Redeem] > 1:
		return []Violation{c.violation("ticket exchanged twice", "%d exchanges succeeded", n[history.Redeem])}
	}
	return nil
}

// pushes returns the messages of each connection in the order of their arrival.
func (c code) pushes() map[int64][]history.Event {
	messages := make(map[int64][]history.Event)
	for _, e := range c.events {
		if e.Action == history.Push {
			messages[e.Conn] = append(messages[e.Conn], e)
		}
	}
	return messages
}

// versions checks that no connection receives an older version after a newer one.
func (c code) versions() (all []Violation) {
	for conn, messages := range c.pushes() {
		for i := 1; i < len(messages); i++ {
			if before, now := messages[i-1].State.Version, messages[i].State.Version; now < before {
				all = append(all, c.violation("older version", "connection %d received version %d after %d", conn, now, before))
			}
		}
	}
	return all
}

// finals checks that no other status follows canceled or expired. Expired may follow
// confirmed.
func (c code) finals() (all []Violation) {
	for conn, messages := range c.pushes() {
		final := ""
		for _, e := range messages {
			if final != "" && e.State.Status != final {
				all = append(all, c.violation("status after the final one", "connection %d received %s after %s", conn, e.State.Status, final))
			}
			if e.State.Status == "canceled" || e.State.Status == "expired" {
				final = e.State.Status
			}
		}
	}
	return all
}

// proofs checks that callers without proof receive neither ticket nor user nor redirect.
func (c code) proofs() (all []Violation) {
	for _, e := range c.events {
		if e.State != nil && !e.Proven && (e.State.Ticket || e.State.User != "" || e.State.Redirect != "") {
			all = append(all, c.violation("secret without proof", "%s received ticket %v, user %q, redirect %q", e.Actor, e.State.Ticket, e.State.User, e.State.Redirect))
		}
	}
	return all
}

// restart is the close code (Service Restart) of a node that shuts down.
const restart = 1012

// drained checks that a node that is told to shut down closes its connections with a
// code and ends in time. A closed connection may be recorded up to a second late.
// Connections to the restarted node do not count; it may have the next fault already.
func drained(events []history.Event, faults []history.Fault) (all []Violation) {
	made := make(map[int64]time.Duration) // by connection
	for _, e := range events {
		if e.Action == history.Connect {
			made[e.Conn] = e.Return
		}
	}
	for _, f := range faults {
		if f.Kind != "node-term" {
			continue
		}
		if f.Exit != "" {
			all = append(all, Violation{Rule: "shutdown failed", Text: fmt.Sprintf("%s at %v: %s", f.Target, f.From, f.Exit)})
		}
		broken := slices.DeleteFunc(slices.Clone(events), func(e history.Event) bool {
			isBroken := e.Action == history.Close && e.Answer == history.None && e.Node == f.Node
			return !isBroken || e.Return < f.From || e.Return > f.Gone+time.Second || made[e.Conn] > f.Gone
		})
		if len(broken) > 0 {
			all = append(all, Violation{
				Rule: "no close frame", Events: broken,
				Text: fmt.Sprintf("%s shut down at %v and broke %d connections instead of closing them with %d", f.Target, f.From, len(broken), restart),
			})
		}
	}
	return all
}

// possible are the answers that the actors may get: their calls are valid and
// authenticated.
var possible = []int{
	history.OK, history.TooMany, history.Busy, history.None, history.NotSent,
	2241, 2242, 2243, 2244, 2245, history.Refused, 500,
}

// answers checks that calls get only possible answers.
func answers(events []history.Event) (all []Violation) {
	for _, e := range events {
		isCall := e.Action != history.Push && e.Action != history.Close && e.Action != history.Connect
		internal := e.HTTP >= 500 && e.Answer != history.Busy
		if e.Request != "" && e.Answer == history.NoRequest {
			continue // see requests
		}
		if isCall && (internal || !slices.Contains(possible, e.Answer)) {
			all = append(all, Violation{
				Rule: "unexpected answer", Code: e.Code, Events: []history.Event{e},
				Text: fmt.Sprintf("%s was answered with %d (HTTP %d)", e.Action, e.Answer, e.HTTP),
			})
		}
	}
	return all
}

// answerTime is how long an answer may take while Redis is down, and slack is the
// delay that a busy machine may add.
const (
	answerTime = 2 * time.Second
	slack      = time.Second
)

// slow checks that answers arrive in time, unless the node itself had a fault.
func slow(events []history.Event, faults []history.Fault) (all []Violation) {
	for _, e := range events {
		isCall := e.Conn == 0 && !e.LongPoll && e.Answer != history.NotSent
		faulty := slices.ContainsFunc(faults, func(f history.Fault) bool {
			return f.Node == e.Node && f.From < e.Return && e.Call < f.To+slack
		})
		if took := e.Return - e.Call; isCall && !faulty && took > answerTime+slack {
			all = append(all, Violation{Rule: "slow answer", Code: e.Code, Events: []history.Event{e}, Text: fmt.Sprintf("%s took %v", e.Action, took)})
		}
	}
	return all
}
