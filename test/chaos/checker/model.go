package checker

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/scanlogin/scanlogin/test/chaos/history"
)

// tolerance is what clocks, and the time between a look at one and the act,
// may differ by.
const tolerance = 500 * time.Millisecond

// memory is how long a code that is over must still be known.
const memory = time.Minute

// checkTime bounds the search for an order; histories of a code are short.
const checkTime = 10 * time.Second

const forever = time.Duration(math.MaxInt64 / 4)

// standing is how a code stands, as far as it can be known: the end of its life
// lies somewhere in a span.
type standing struct {
	status   string // as in the contract, and "redeemed"
	version  int64
	user     string
	earliest time.Duration // it cannot end before; for one that is over, it was not before
	latest   time.Duration // it cannot live longer
}

func (s standing) over() bool {
	return s.status == "canceled" || s.status == "expired" || s.status == "redeemed"
}

// explained looks for an order of all calls and messages that explains each
// answer. It is the proof of most that is promised: one user, one exchange,
// nothing lost, nothing after the end.
func (c code) explained() (all []Violation, decided bool) {
	made := c.made()
	model := porcupine.Model{
		Init: func() any {
			return standing{status: "waiting", version: 1, earliest: made.Call + made.Terms.Code, latest: made.Return + made.Terms.Code}
		},
		Step: func(state, input, _ any) (bool, any) {
			return explain(state.(standing), input.(history.Event), made.Terms)
		},
	}
	switch porcupine.CheckOperationsTimeout(model, c.operations(made.Call), checkTime) {
	case porcupine.Illegal:
		return []Violation{c.violation("no order explains it", "its calls and messages contradict each other")}, true
	case porcupine.Unknown:
		return nil, false
	}
	return nil, true
}

// words are what tells messages and calls of unknown outcome apart: a second
// one of the same words adds nothing. Who was told something later proves less
// than who was told it first; and as no step can have its effect twice, the
// first of several tries, which may have it at any later time, stands for all.
// Without that, a phone that tries often through an outage makes more orders
// than anybody can look at.
type words struct {
	do     history.Do
	user   string
	seen   history.Seen
	proven bool
}

// operations are the code's calls and messages as porcupine takes them.
func (c code) operations(made time.Duration) (ops []porcupine.Operation) {
	known := make(map[words]bool)
	for _, e := range slices.SortedStableFunc(slices.Values(c.events), byCall) { // a message is as old as its arrival
		if !isOperation(e) {
			continue
		}
		op := porcupine.Operation{ClientId: len(ops), Input: e, Call: int64(e.Call), Return: int64(e.Return)}
		if e.Do == history.Push || e.Unknown() {
			w := words{do: e.Do, user: e.User, proven: e.Proven}
			if e.Seen != nil {
				w.seen = *e.Seen
			}
			if known[w] {
				continue
			}
			known[w] = true
		}
		switch {
		case e.Do == history.Push: // it held at some instant since the code was made
			op.Call = int64(made)
		case e.Unknown(): // it may have its effect at any time, or never
			op.Return = math.MaxInt64
		}
		ops = append(ops, op)
	}
	return ops
}

func byCall(a, b history.Event) int { return cmp.Compare(a.Call, b.Call) }

// isOperation reports whether an event tells or changes how the code stands.
func isOperation(e history.Event) bool {
	switch e.Do {
	case history.Scan, history.Confirm, history.Cancel, history.Redeem, history.Withdraw:
		return e.Answer != history.NotSent && e.Answer != history.TooMany
	case history.Check:
		return e.Answer != history.NotSent && e.Answer != history.TooMany && !e.Unknown()
	case history.Push:
		return true
	}
	return false
}

// explain reports whether e may have happened to a code that stands at s, and
// how it then stands. Where time may have ended the code or not, what was
// answered tells which.
func explain(s standing, e history.Event, t *history.Terms) (bool, standing) {
	if e.Do == history.Push {
		// What it tells may be as old as the connection, so time says only
		// that an end cannot be told before it comes.
		e.Call = 0
	}
	if s.over() || e.Call-tolerance <= s.latest {
		if ok, next := fits(s, e, t); ok {
			return true, next
		}
	}
	if s.over() || e.Return+tolerance < s.earliest {
		return false, s
	}
	ended := s
	ended.status, ended.version = "expired", s.version+1
	return fits(ended, e, t)
}

// fits is explain for a code of which it is known whether it lives.
func fits(s standing, e history.Event, t *history.Terms) (bool, standing) {
	if e.Do == history.Check || e.Do == history.Push {
		return tells(s, e), s
	}
	answer, next := apply(s, e, t)
	switch {
	case e.Unknown():
		return true, next // also if it never happened: then its place is the last
	case e.Answer == 500:
		return forgotten(s, e), s
	case e.Answer == 2246 && forgotten(s, e):
		return true, s
	}
	return answer == e.Answer && (e.Do != history.Redeem || answer != history.OK || e.User == s.user), next
}

// tells reports whether what was told is how the code stands.
func tells(s standing, e history.Event) bool {
	if e.Seen == nil {
		return e.Answer == 2241 && forgotten(s, e)
	}
	status := s.status
	if status == "redeemed" {
		status = "confirmed"
	}
	ticket := e.Proven && s.status == "confirmed"
	return e.Seen.Status == status && e.Seen.Version == s.version && e.Seen.Ticket == ticket &&
		(e.Seen.User == s.user || !e.Proven)
}

// forgotten reports whether the code may be unknown by now.
func forgotten(s standing, e history.Event) bool {
	return s.over() && e.Return+tolerance >= s.earliest+memory
}

// row is what the contract has on a call: from which statuses it leads where,
// and at which it is a repetition.
type row struct {
	from, to string
	repeats  []string // statuses at which the same user's call changes nothing
}

var rows = map[history.Do]row{
	history.Scan:    {from: "waiting", to: "scanned", repeats: []string{"scanned"}},
	history.Confirm: {from: "scanned", to: "confirmed", repeats: []string{"confirmed", "redeemed"}},
	history.Cancel:  {from: "scanned", to: "canceled", repeats: []string{"canceled"}},
}

// apply is the contract: what a call is answered, and how the code then stands.
func apply(s standing, e history.Event, t *history.Terms) (answer int, next standing) {
	switch e.Do {
	case history.Withdraw:
		if s.status == "waiting" || s.status == "scanned" {
			return history.OK, s.moved("expired", e, 0)
		}
		return 2244, s
	case history.Redeem:
		if s.status == "confirmed" {
			return history.OK, s.moved("redeemed", e, 0)
		}
		return 2246, s
	}
	r := rows[e.Do]
	switch {
	case s.status == "expired":
		return 2242, s
	case s.status == "scanned" && s.user != e.User:
		return 2245, s
	case s.status == r.from:
		ttl := t.Confirm
		if e.Do == history.Confirm {
			ttl = t.Ticket
		}
		s.user = e.User
		return history.OK, s.moved(r.to, e, ttl)
	case slices.Contains(r.repeats, s.status) && s.user == e.User:
		return history.OK, s
	case s.status == "waiting":
		return 2243, s
	}
	return 2244, s
}

// moved returns s one version on. Its end is counted from an instant between
// call and answer.
func (s standing) moved(to string, e history.Event, ttl time.Duration) standing {
	earliest, latest := e.Call+ttl, e.Return+ttl
	if e.Unknown() {
		latest = forever
	}
	if to == "scanned" { // which never shortens a life
		earliest, latest = max(earliest, s.earliest), max(latest, s.latest)
	}
	s.status, s.version, s.earliest, s.latest = to, s.version+1, earliest, latest
	return s
}
