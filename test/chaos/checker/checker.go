// Package checker checks a recorded history against the guarantees of the contract:
// the states of a code are explained by some order of the calls (linearizability); no
// connection receives an older version after a newer one; nobody without proof gets a
// ticket; ten seconds after the last fault every page shows the stored state; a node
// that leaves says so. It is pure: a history in, violations out.
package checker

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/scanlogin/scanlogin/test/chaos/history"
)

// Violation is a promise that was broken, with all that is known of the code.
type Violation struct {
	Rule   string          `json:"rule"`
	Code   string          `json:"code,omitempty"`
	Text   string          `json:"text"`
	Events []history.Event `json:"events,omitempty"`
}

// Verdict is what came out.
type Verdict struct {
	Violations []Violation `json:"violations"`
	// Lost are broken promises of codes for which Redis may have lost
	// writes that it had acknowledged. They are no fault of scanlogin's.
	Lost []Violation `json:"lost"`

	Judged    int `json:"judged"`    // codes that nothing excuses
	Lossy     int `json:"lossy"`     // codes that may have been hit by a loss
	Undecided int `json:"undecided"` // codes of which it took too long to find an order

	Lags []Lag `json:"-"` // of pages, where nothing was lost or gone wrong
}

// Judge applies every rule to a history.
func Judge(h history.File) Verdict {
	var v Verdict
	calms := calmsOf(h.Strikes, h.End)
	for _, c := range codesOf(h.Events) {
		if c.made() == nil {
			continue // only the probe's
		}
		lossy := c.lossy(h.Strikes)
		if lossy {
			v.Lossy++
		} else {
			v.Judged++
		}
		v.judge(c, lossy, calms)
		lags, late := c.vanished(h.Strikes, calms)
		v.Lags = append(v.Lags, lags...)
		v.Violations = append(v.Violations, late...)
	}
	v.Violations = slices.Concat(v.Violations, drained(h.Events, h.Strikes), answers(h.Events), slow(h.Events, h.Strikes))
	return v
}

// judge applies the rules about single codes.
func (v *Verdict) judge(c code, lossy bool, calms []span) {
	always := slices.Concat(c.versions(), c.finals(), c.proofs(), c.ahead(calms))
	unlessLost := slices.Concat(c.users(), c.exchanges())
	fits, decided := c.explained()
	if !decided {
		v.Undecided++
	}
	unlessLost = append(unlessLost, fits...)
	lags, late := c.current(calms)
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

// code is all that is known of one, by the time it became known.
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

// made is the event that made the code.
func (c code) made() *history.Event {
	for i, e := range c.events {
		if e.Do == history.Gene {
			return &c.events[i]
		}
	}
	return nil
}

// Before a fault shows, replication may already lag; after it is repaired,
// somebody may still talk to the wrong server.
const (
	lossBefore = 2 * time.Second
	lossAfter  = 2 * time.Second
)

// lossy reports whether a fault during the code's life may have lost writes.
func (c code) lossy(strikes []history.Strike) bool {
	from, to := c.made().Call, c.events[len(c.events)-1].Return
	return slices.ContainsFunc(strikes, func(s history.Strike) bool {
		return s.Lossy && from < s.To+lossAfter && s.From-lossBefore < to
	})
}

func (c code) violation(rule, format string, args ...any) Violation {
	return Violation{Rule: rule, Code: c.name, Text: fmt.Sprintf(format, args...), Events: c.events}
}
