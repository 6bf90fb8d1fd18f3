package checker

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/scanlogin/scanlogin/test/chaos/history"
)

// tolerance is the largest difference between clocks, including the time between
// reading a clock and acting on it.
const tolerance = 500 * time.Millisecond

// retention is how long a code must be known after its end.
const retention = time.Minute

// checkTime limits the search for an order; the history of one code is short.
const checkTime = 10 * time.Second

const forever = time.Duration(math.MaxInt64 / 4)

// codeState is the state of a code as far as it is known: its end lies between two
// times.
type codeState struct {
	request  string // state of the authorization request that it is for; "": its grant is the ticket
	status   string // the status of docs/api.md, or "redeemed"
	version  int64
	user     string
	earliest time.Duration // the code does not end, or did not end, before
	latest   time.Duration // the code does not end later
}

func (s codeState) over() bool {
	return s.status == "canceled" || s.status == "expired" || s.status == "redeemed"
}

// linearizable searches for an order of all calls and messages that explains each
// answer. It proves most guarantees: one user, one exchange, no lost step, no step
// after the end.
func (c code) linearizable() (all []Violation, decided bool) {
	made := c.made()
	model := porcupine.Model{
		Init: func() any {
			return codeState{request: made.Request, status: "waiting", version: 1, earliest: made.Call + made.Lifetimes.Code, latest: made.Return + made.Lifetimes.Code}
		},
		Step: func(state, input, _ any) (bool, any) {
			return step(state.(codeState), input.(history.Event), made.Lifetimes)
		},
	}
	switch porcupine.CheckOperationsTimeout(model, c.operations(made.Call), checkTime) {
	case porcupine.Illegal:
		return []Violation{c.violation("not linearizable", "no order of calls and messages explains every answer")}, true
	case porcupine.Unknown:
		return nil, false
	}
	return nil, true
}

// identity identifies equal messages, and equal calls with an unknown outcome. Only
// the first of them is part of the search: a later message proves less than an earlier
// one, and because no step takes effect twice, the first of several attempts, which
// may take effect at any later time, represents all. Otherwise, a phone that retries
// during an outage would create too many possible orders.
type identity struct {
	do      history.Action
	user    string
	seen    history.State
	proven  bool
	request string
}

// operations returns the code's calls and messages as operations for porcupine.
func (c code) operations(made time.Duration) (ops []porcupine.Operation) {
	known := make(map[identity]bool)
	for _, e := range slices.SortedStableFunc(slices.Values(c.searched()), byCall) { // a message counts from its arrival
		op := porcupine.Operation{ClientId: len(ops), Input: e, Call: int64(e.Call), Return: int64(e.Return)}
		if e.Action == history.Push || e.Unknown() {
			w := identity{do: e.Action, user: e.User, proven: e.Proven, request: e.Request}
			if e.State != nil {
				w.seen = *e.State
			}
			if known[w] {
				continue
			}
			known[w] = true
		}
		switch {
		case e.Action == history.Push: // it was true at some time since the code was created
			op.Call = int64(made)
		case e.Unknown(): // it may take effect at any time, or never
			op.Return = math.MaxInt64
		}
		ops = append(ops, op)
	}
	return ops
}

// searched returns the events that show or change the state of the code, without the exchanges that
// were refused after another one was: a code for which an exchange is refused refuses all later
// ones, too. Twenty at the same time would create too many possible orders.
func (c code) searched() (events []history.Event) {
	isRefused := false
	for _, e := range c.events { // by time of the answer
		if !isOperation(e) {
			continue
		}
		if isExchange(e) && e.Answer == history.Refused {
			if isRefused {
				continue
			}
			isRefused = true
		}
		events = append(events, e)
	}
	return events
}

// isExchange reports whether an event exchanges the ticket, or the authorization code.
func isExchange(e history.Event) bool {
	return e.Action == history.Redeem || e.Action == history.Exchange
}

func byCall(a, b history.Event) int { return cmp.Compare(a.Call, b.Call) }

// isOperation reports whether an event shows or changes the state of the code.
func isOperation(e history.Event) bool {
	switch e.Action {
	case history.Scan, history.Confirm, history.Cancel, history.Redeem, history.Withdraw, history.Exchange:
		return isServed(e) && !e.Foreign
	case history.Check:
		return isServed(e) && !e.Unknown() && e.Answer != history.NoRequest
	case history.Push:
		return true
	}
	return false
}

// isServed reports whether a call may have reached the code or the token that it is about.
func isServed(e history.Event) bool {
	return e.Answer != history.NotSent && e.Answer != history.TooMany
}

// step reports whether e is possible in state s, and returns the next state. If the
// code may have expired, the answer decides whether it has.
func step(s codeState, e history.Event, t *history.Lifetimes) (bool, codeState) {
	if e.Action == history.Push {
		// A message may be as old as the connection. Its time proves only that
		// an expiry is not reported before it can happen.
		e.Call = 0
	}
	if s.over() || e.Call-tolerance <= s.latest {
		if ok, next := stepKnown(s, e, t); ok {
			return true, next
		}
	}
	if s.over() || e.Return+tolerance < s.earliest {
		return false, s
	}
	ended := s
	ended.status, ended.version = "expired", s.version+1
	return stepKnown(ended, e, t)
}

// stepKnown is step for a state of which it is known whether it has expired.
func stepKnown(s codeState, e history.Event, t *history.Lifetimes) (bool, codeState) {
	if e.Action == history.Check || e.Action == history.Push {
		return matches(s, e), s
	}
	answer, next := apply(s, e, t)
	switch {
	case e.Unknown():
		return true, next // also if it never took effect: then it is the last operation
	case e.Answer == 500:
		return forgotten(s, e), s
	case e.Answer == history.Refused && forgotten(s, e):
		return true, s
	}
	return answer == e.Answer && (!isExchange(e) || answer != history.OK || e.User == s.user), next
}

// matches reports whether an answer or a message shows state s.
func matches(s codeState, e history.Event) bool {
	if e.State == nil {
		return e.Answer == 2241 && forgotten(s, e)
	}
	status := s.status
	if status == "redeemed" {
		status = "confirmed"
	}
	shown := history.State{Status: status, Version: s.version, User: e.State.User}
	if e.Proven {
		shown.User = s.user
	}
	if e.Proven && s.status == "confirmed" {
		shown.Ticket = s.request == ""
		if e.Request == s.request { // the browser of the request, not the site
			shown.Redirect = s.request
		}
	}
	return *e.State == shown
}

// forgotten reports whether the code may already be unknown to the server.
func forgotten(s codeState, e history.Event) bool {
	return s.over() && e.Return+tolerance >= s.earliest+retention
}

// row is the row of a call in the protocol table.
type row struct {
	from, to string
	repeats  []string // statuses in which a repeated call of the same user succeeds without effect
}

var rows = map[history.Action]row{
	history.Scan:    {from: "waiting", to: "scanned", repeats: []string{"scanned"}},
	history.Confirm: {from: "scanned", to: "confirmed", repeats: []string{"confirmed", "redeemed"}},
	history.Cancel:  {from: "scanned", to: "canceled", repeats: []string{"canceled"}},
}

// apply implements the protocol: it returns the answer to a call and the next state.
func apply(s codeState, e history.Event, t *history.Lifetimes) (answer int, next codeState) {
	switch e.Action {
	case history.Withdraw:
		if s.status == "waiting" || s.status == "scanned" {
			return history.OK, s.moved("expired", e, 0)
		}
		return 2244, s
	case history.Redeem, history.Exchange:
		if s.status == "confirmed" && (s.request == "") == (e.Action == history.Redeem) {
			return history.OK, s.moved("redeemed", e, 0)
		}
		return history.Refused, s
	}
	r := rows[e.Action]
	switch {
	case s.status == "expired":
		return 2242, s
	case s.status == "scanned" && s.user != e.User:
		return 2245, s
	case s.status == r.from:
		ttl := t.Confirm
		if e.Action == history.Confirm {
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

// moved returns the next version of s with another status. The end is ttl after a time
// between call and answer.
func (s codeState) moved(to string, e history.Event, ttl time.Duration) codeState {
	earliest, latest := e.Call+ttl, e.Return+ttl
	if e.Unknown() {
		latest = forever
	}
	if to == "scanned" { // a scan never shortens the lifetime
		earliest, latest = max(earliest, s.earliest), max(latest, s.latest)
	}
	s.status, s.version, s.earliest, s.latest = to, s.version+1, earliest, latest
	return s
}
