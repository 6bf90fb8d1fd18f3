package checker

import (
	"math"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/scanlogin/scanlogin/test/chaos/history"
)

// repeatWindow is how long the last spent refresh token gets the same answer again.
const repeatWindow = 10 * time.Second

// family are the tokens of one login with OpenID Connect: those for an authorization code, and
// those that replaced them.
type family struct {
	code
	began      history.Event     // the exchange that succeeded
	successors map[string]string // refresh tokens by the one that they replaced
}

// familyState is the state of a family as far as it is known.
type familyState struct {
	isBegun, isRevoked bool
	current, previous  string        // refresh tokens: the valid one, and the one that was spent last
	earliest, latest   time.Duration // when that was
}

// family returns the tokens of the code; nil if no exchange succeeded, or several.
func (c code) family() *family {
	f := &family{code: c, successors: make(map[string]string)}
	begun := 0
	for _, e := range c.events {
		switch {
		case e.Answer != history.OK:
		case e.Action == history.Exchange:
			f.began = e
			begun++
		case e.Action == history.Refresh && f.successors[e.Token] == "":
			f.successors[e.Token] = e.Tokens.RefreshToken
		}
	}
	if begun != 1 {
		return nil
	}
	return f
}

// linearizable searches for an order of all calls with tokens that explains each answer. It proves
// that a refresh token is rotated once, that a second use of it or of the code ends the login, and
// that nothing else does.
func (f *family) linearizable() (all []Violation, decided bool) {
	model := porcupine.Model{
		Init: func() any { return familyState{} },
		Step: func(state, input, _ any) (bool, any) { return f.step(state.(familyState), input.(history.Event)) },
	}
	switch porcupine.CheckOperationsTimeout(model, f.operations(), checkTime) {
	case porcupine.Illegal:
		return []Violation{f.violation("tokens not linearizable", "no order of calls with tokens explains every answer")}, true
	case porcupine.Unknown:
		return nil, false
	}
	return nil, true
}

// operations returns the calls with codes and tokens as operations for porcupine. Of the refreshes of
// one token with an unknown outcome, two represent all: one may rotate it, another may find it
// spent. Calls that only ask prove nothing without an answer.
func (f *family) operations() (ops []porcupine.Operation) {
	add := func(e history.Event) {
		op := porcupine.Operation{ClientId: len(ops), Input: e, Call: int64(e.Call), Return: int64(e.Return)}
		if e.Unknown() { // it may take effect at any time, or never
			op.Return = math.MaxInt64
		}
		ops = append(ops, op)
	}
	add(f.began)
	unknown := make(map[string]int) // by token
	for _, e := range slices.SortedStableFunc(slices.Values(f.events), byCall) {
		switch {
		case !isServed(e) || e.Foreign:
		case e.Action == history.Refresh && e.Unknown():
			if unknown[e.Token]++; unknown[e.Token] <= 2 {
				add(e)
			}
		case e.Action == history.Refresh, (e.Action == history.UserInfo || e.Action == history.Introspect) && !e.Unknown():
			add(e)
		}
	}
	for _, e := range f.secondUses() {
		add(e)
	}
	return ops
}

// secondUses returns the exchanges besides the one that succeeded, as far as they matter for the
// search: the first of which it is certain that it ended the login, and one that stands for all
// others, which may have done so before.
func (f *family) secondUses() (all []history.Event) {
	var certain, possible *history.Event
	for _, e := range f.events { // by time of the answer
		switch {
		case e.Action != history.Exchange || !isServed(e) || e.Foreign || e.Answer == history.OK:
			continue
		case certain == nil && f.isSecondUse(e):
			certain = &e
		}
		if possible == nil || e.Call < possible.Call {
			possible = &e
		}
	}
	if certain != nil {
		all = append(all, *certain)
	}
	if possible != nil {
		possible.Answer, possible.HTTP = history.None, 0
		all = append(all, *possible)
	}
	return all
}

// isSecondUse reports whether an exchange was certainly refused because the code had been used: it
// had not expired, and was not forgotten.
func (f *family) isSecondUse(e history.Event) bool {
	if e.Action != history.Exchange || e.Answer != history.Refused || e.Foreign {
		return false
	}
	isKnown := e.Return+tolerance < f.began.Call+retention
	return isKnown && (e.Call > f.began.Return || e.Return+tolerance < f.confirmed()+f.made().Lifetimes.Ticket)
}

// confirmed returns when the code was confirmed at the earliest.
func (f *family) confirmed() time.Duration {
	at := f.began.Call
	for _, e := range f.events {
		if e.Action == history.Confirm && isServed(e) && (e.Answer == history.OK || e.Unknown()) {
			at = min(at, e.Call)
		}
	}
	return at
}

// step reports whether e is possible in state s, and returns the next state.
func (f *family) step(s familyState, e history.Event) (bool, familyState) {
	switch e.Action {
	case history.Exchange:
		return s.exchanged(e)
	case history.Refresh:
		return f.refreshed(s, e)
	}
	isValid := s.isBegun && !s.isRevoked
	if e.Action == history.Introspect && f.isRefreshToken(e.Token) {
		isValid = isValid && e.Token == s.current
	}
	return isValid == (e.Answer == history.OK), s
}

func (f *family) isRefreshToken(token string) bool {
	if token == f.began.Tokens.RefreshToken {
		return true
	}
	for _, next := range f.successors {
		if next == token {
			return true
		}
	}
	return false
}

// exchanged is step for exchanges.
func (s familyState) exchanged(e history.Event) (bool, familyState) {
	switch {
	case e.Answer == history.OK:
		s.isBegun, s.current = true, e.Tokens.RefreshToken
		return true, s
	case !s.isBegun:
		return e.Unknown(), s // nothing to revoke: this is no second use
	}
	s.isRevoked = true
	return true, s
}

// refreshed is step for refreshes.
func (f *family) refreshed(s familyState, e history.Event) (bool, familyState) {
	isOK := e.Unknown() || e.Answer == history.OK && e.Tokens.RefreshToken == f.successors[e.Token]
	switch {
	case s.isRevoked:
		return e.Unknown() || e.Answer == history.Refused, s
	case e.Token == s.current:
		s.current, s.previous, s.earliest, s.latest = f.successors[e.Token], e.Token, e.Call, e.Return
		if e.Unknown() {
			s.latest = forever
		}
		return isOK, s
	case e.Token == s.previous && e.Answer == history.OK:
		return isOK && e.Call-tolerance <= s.latest+repeatWindow, s
	case e.Token == s.previous && !e.Unknown() && e.Return+tolerance < s.earliest+repeatWindow:
		return false, s
	}
	s.isRevoked = true // a spent token
	return e.Answer != history.OK, s
}
