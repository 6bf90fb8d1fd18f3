package main

import (
	"errors"

	"github.com/scanlogin/scanlogin/test/chaos/history"
)

// oidcCounts counts what a run must have shown of OpenID Connect. Without it, the run proves
// nothing about it.
type oidcCounts struct {
	Logins     int `json:"logins"`     // codes that were exchanged for tokens
	Exchanges  int `json:"exchanges"`  // answers to exchanges
	SecondUses int `json:"secondUses"` // exchanges that were refused after one that had succeeded
	Refreshes  int `json:"refreshes"`  // refresh tokens that were replaced
	Replays    int `json:"replays"`    // spent refresh tokens that were refused
	Active     int `json:"active"`     // answers that a token is valid
	Inactive   int `json:"inactive"`   // answers that it is not
	Foreign    int `json:"foreign"`    // attempts of other clients, or with another verifier, that were refused
}

func countOIDC(events []history.Event) (n oidcCounts) {
	exchanged := make(map[string]bool) // by code
	for _, e := range events {
		if e.Action == history.Exchange && e.Answer == history.OK {
			exchanged[e.Code] = true
		}
	}
	n.Logins = len(exchanged)
	for _, e := range events {
		switch isRefused := e.Answer == history.Refused; {
		case !isRefused && e.Answer != history.OK:
		case e.Foreign && isRefused:
			n.Foreign++
		case e.Action == history.Exchange:
			n.Exchanges++
			if isRefused && exchanged[e.Code] {
				n.SecondUses++
			}
		case e.Action == history.Refresh && isRefused:
			n.Replays++
		case e.Action == history.Refresh:
			n.Refreshes++
		case e.Action != history.UserInfo && e.Action != history.Introspect:
		case isRefused:
			n.Inactive++
		default:
			n.Active++
		}
	}
	return n
}

var errNoOIDC = errors.New("the run shows too little of OpenID Connect: each of its counts must be above zero")

// check returns an error if the run did not try something.
func (n oidcCounts) check() error {
	if min(n.Logins, n.Exchanges, n.SecondUses, n.Refreshes, n.Replays, n.Active, n.Inactive, n.Foreign) == 0 {
		return errNoOIDC
	}
	return nil
}
