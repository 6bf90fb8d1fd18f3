// Package checker checks a recorded history against the guarantees of docs/api.md: some
// order of the calls explains every answer (linearizability), for codes and for the tokens
// of logins with OpenID Connect; no connection receives an older version after a newer
// one; callers without proof get no ticket; tokens are for the user who confirmed and the
// client that asked; ten seconds after the last fault every page shows the stored state; a
// node that shuts down closes its connections with a code. It has no side effects: a
// history in, violations out.
package checker

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/scanlogin/scanlogin/test/chaos/history"
)

// Violation is a violated guarantee, with all events of the code.
type Violation struct {
	Rule   string          `json:"rule"`
	Code   string          `json:"code,omitempty"`
	Text   string          `json:"text"`
	Events []history.Event `json:"events,omitempty"`
}

// Result is the result of a check.
type Result struct {
	Violations []Violation `json:"violations"`
	// Lost are violations for codes of which Redis may have lost acknowledged
	// writes. They are not scanlogin's fault.
	Lost []Violation `json:"lost"`

	Checked   int `json:"checked"`   // codes without lost writes
	Lossy     int `json:"lossy"`     // codes whose writes may have been lost
	Undecided int `json:"undecided"` // codes for which the search for an order took too long

	Lags []Lag `json:"-"` // of pages whose codes have no violation and no lost writes
}

// Check applies every rule to a history.
func Check(h history.History) Result {
	var v Result
	calms := calmsOf(h.Faults, h.End)
	for _, c := range codesOf(h.Events) {
		if c.made() == nil {
			continue // created by the probe
		}
		lossy := c.lossy(h.Faults)
		if lossy {
			v.Lossy++
		} else {
			v.Checked++
		}
		v.checkCode(c, lossy, calms)
		lags, late := c.flushed(h.Faults, calms)
		v.Lags = append(v.Lags, lags...)
		v.Violations = append(v.Violations, late...)
	}
	v.Violations = slices.Concat(v.Violations, drained(h.Events, h.Faults), answers(h.Events), slow(h.Events, h.Faults), requests(h.Events, h.Faults))
	return v
}

// checkCode applies the rules about single codes.
func (v *Result) checkCode(c code, lossy bool, calms []span) {
	always := slices.Concat(c.versions(), c.finals(), c.proofs(), c.ahead(calms), c.foreigners(), c.claims(), c.redirects())
	unlessLost := slices.Concat(c.users(), c.exchanges())
	fits, decided := c.linearizable()
	if !decided {
		v.Undecided++
	}
	unlessLost = append(unlessLost, fits...)
	if f := c.family(); f != nil {
		fits, decided := f.linearizable()
		if !decided {
			v.Undecided++
		}
		unlessLost = slices.Concat(unlessLost, fits, f.acceptedAfterReuse())
		always = append(always, f.differingSuccessors()...)
	}
	lags, late := c.fresh(calms)
	unlessLost = append(unlessLost, late...)
	v.Violations = append(v.Violations, always...)
	if lossy {
		v.Lost = append(v.Lost, unlessLost...)
	} else {
		v.Violations = append(v.Violations, unlessLost...)
	}
	if len(unlessLost) == 0 {
		v.Lags = append(v.Lags, lags...)
	}
}

// code is a code with its events, in the order of their end times.
type code struct {
	name   string
	events []history.Event
}

func codesOf(events []history.Event) []code {
	byName := make(map[string]int)
	var codes []code
	for _, e := range events {
		if e.Code == "" {
			continue
		}
		at, ok := byName[e.Code]
		if !ok {
			at = len(codes)
			byName[e.Code] = at
			codes = append(codes, code{name: e.Code})
		}
		codes[at].events = append(codes[at].events, e)
	}
	for _, c := range codes {
		slices.SortStableFunc(c.events, func(a, b history.Event) int { return cmp.Compare(a.Return, b.Return) })
	}
	return codes
}

// made returns the event that created the code.
func (c code) made() *history.Event {
	for i, e := range c.events {
		if e.Action == history.Gene {
			return &c.events[i]
		}
	}
	return nil
}

// Replication may lag before a fault is noticed, and after the repair a client may
// still be connected to the wrong server.
const (
	lossBefore = 2 * time.Second
	lossAfter  = 2 * time.Second
)

// lossy reports whether a fault during the code's lifetime may have lost writes.
func (c code) lossy(faults []history.Fault) bool {
	return isLossy(c.made().Call, c.events[len(c.events)-1].Return, faults)
}

func (c code) violation(rule, format string, args ...any) Violation {
	return Violation{Rule: rule, Code: c.name, Text: fmt.Sprintf(format, args...), Events: c.events}
}
