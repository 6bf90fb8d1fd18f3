package checker

import (
	"fmt"
	"slices"
	"time"

	"github.com/scanlogin/scanlogin/test/chaos/history"
)

// users: at most one user's steps succeed.
func (c code) users() []Violation {
	first := ""
	for _, e := range c.events {
		if e.Answer != history.OK || e.User == "" || e.HTTP != 200 {
			continue
		}
		if first != "" && e.User != first {
			return []Violation{c.violation("second user", "%s and then %s were told success", first, e.User)}
		}
		first = e.User
	}
	return nil
}

// exchanges: a ticket works once.
func (c code) exchanges() []Violation {
	n := 0
	for _, e := range c.events {
		if e.Do == history.Redeem && e.Answer == history.OK {
			n++
		}
	}
	if n > 1 {
		return []Violation{c.violation("ticket worked twice", "%d exchanges succeeded", n)}
	}
	return nil
}

// told groups what each connection told, in the order in which it came.
func (c code) told() map[int64][]history.Event {
	told := make(map[int64][]history.Event)
	for _, e := range c.events {
		if e.Do == history.Push {
			told[e.Conn] = append(told[e.Conn], e)
		}
	}
	return told
}

// versions: on one connection, no older version after a newer.
func (c code) versions() (all []Violation) {
	for conn, told := range c.told() {
		for i := 1; i < len(told); i++ {
			if before, now := told[i-1].Seen.Version, told[i].Seen.Version; now < before {
				all = append(all, c.violation("older version", "connection %d told version %d after %d", conn, now, before))
			}
		}
	}
	return all
}

// finals: nothing else after canceled or expired. (Confirmed may expire.)
func (c code) finals() (all []Violation) {
	for conn, told := range c.told() {
		final := ""
		for _, e := range told {
			if final != "" && e.Seen.Status != final {
				all = append(all, c.violation("state after the final one", "connection %d told %s after %s", conn, e.Seen.Status, final))
			}
			if e.Seen.Status == "canceled" || e.Seen.Status == "expired" {
				final = e.Seen.Status
			}
		}
	}
	return all
}

// proofs: who does not prove to be the browser learns neither ticket nor user.
func (c code) proofs() (all []Violation) {
	for _, e := range c.events {
		if e.Seen != nil && !e.Proven && (e.Seen.Ticket || e.Seen.User != "") {
			all = append(all, c.violation("told without proof", "%s got ticket %v, user %q", e.Who, e.Seen.Ticket, e.Seen.User))
		}
	}
	return all
}

// restart is the close code by which a leaving node sends its pages elsewhere.
const restart = 1012

// drained: a node that is asked to leave closes its sockets with a code, and
// ends in time and in order. The socket's last moments may be noted late; those
// of a connection to the node that was started in its place, which may be struck
// at once, are none of its.
func drained(events []history.Event, strikes []history.Strike) (all []Violation) {
	made := make(map[int64]time.Duration) // by connection
	for _, e := range events {
		if e.Do == history.Connect {
			made[e.Conn] = e.Return
		}
	}
	for _, s := range strikes {
		if s.Kind != "node-term" {
			continue
		}
		if s.Exit != "" {
			all = append(all, Violation{Rule: "left badly", Text: fmt.Sprintf("%s at %v: %s", s.Target, s.From, s.Exit)})
		}
		broken := slices.DeleteFunc(slices.Clone(events), func(e history.Event) bool {
			isBroken := e.Do == history.Close && e.Answer == history.None && e.Node == s.Node
			return !isBroken || e.Return < s.From || e.Return > s.Gone+time.Second || made[e.Conn] > s.Gone
		})
		if len(broken) > 0 {
			all = append(all, Violation{
				Rule: "left without a word", Events: broken,
				Text: fmt.Sprintf("%s left at %v and broke %d connections instead of closing them with %d", s.Target, s.From, len(broken), restart),
			})
		}
	}
	return all
}

// possible are the answers that the cast may get: its calls are well-formed and
// come from whom they should.
var possible = []int{
	history.OK, history.TooMany, history.Busy, history.None, history.NotSent,
	2241, 2242, 2243, 2244, 2245, 2246, 500,
}

// answers: nothing but what the contract's table has for such calls.
func answers(events []history.Event) (all []Violation) {
	for _, e := range events {
		isCall := e.Do != history.Push && e.Do != history.Close && e.Do != history.Connect
		internal := e.HTTP >= 500 && e.Answer != history.Busy
		if isCall && (internal || !slices.Contains(possible, e.Answer)) {
			all = append(all, Violation{
				Rule: "unexpected answer", Code: e.Code, Events: []history.Event{e},
				Text: fmt.Sprintf("%s was answered with %d (HTTP %d)", e.Do, e.Answer, e.HTTP),
			})
		}
	}
	return all
}

// answerTime is what the contract allows while Redis is away, and slack what a
// busy machine may add.
const (
	answerTime = 2 * time.Second
	slack      = time.Second
)

// slow: nobody waits for longer, unless his node was struck itself.
func slow(events []history.Event, strikes []history.Strike) (all []Violation) {
	for _, e := range events {
		isCall := e.Conn == 0 && !e.Held && e.Answer != history.NotSent
		struck := slices.ContainsFunc(strikes, func(s history.Strike) bool {
			return s.Node == e.Node && s.From < e.Return && e.Call < s.To+slack
		})
		if took := e.Return - e.Call; isCall && !struck && took > answerTime+slack {
			all = append(all, Violation{Rule: "slow answer", Code: e.Code, Events: []history.Event{e}, Text: fmt.Sprintf("%s took %v", e.Do, took)})
		}
	}
	return all
}
