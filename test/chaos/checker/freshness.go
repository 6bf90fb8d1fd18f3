package checker

import (
	"slices"
	"time"

	"github.com/scanlogin/scanlogin/test/chaos/history"
)

// freshAfter is how long after the last fault every page must show the stored state.
const freshAfter = 10 * time.Second

// recordingDelay is how much longer it may take until the change is recorded.
const recordingDelay = 500 * time.Millisecond

// span is a period without faults.
type span struct{ from, to time.Duration }

// calmsOf returns the periods between faults.
func calmsOf(faults []history.Fault, end time.Duration) (calms []span) {
	sorted := slices.SortedFunc(slices.Values(faults), func(a, b history.Fault) int { return int(a.From - b.From) })
	var since time.Duration
	for _, f := range sorted {
		if f.From > since {
			calms = append(calms, span{since, f.From})
		}
		since = max(since, f.To)
	}
	return append(calms, span{since, end})
}

// Lag is the time during which a page did not show a stored version.
type Lag struct {
	Transport string
	Stored    time.Duration // when the version was known to be stored, or when the page was opened
	Shown     time.Duration // when the page showed it, or was closed
	Missing   bool          // the page was closed before it showed the version
}

// observation is a version that was stored or shown at a time.
type observation struct {
	at      time.Duration
	version int64
	status  string // "": irrelevant
}

// page is a page that shows the code.
type page struct {
	transport  string
	open, left time.Duration
	shows      []observation
}

// flushed finds pages that continued to show a code after FLUSHALL deleted it, and
// returns for how long each did.
func (c code) flushed(faults []history.Fault, calms []span) (lags []Lag, late []Violation) {
	for _, f := range faults {
		facts := slices.DeleteFunc(c.stored(), func(o observation) bool { return o.at > f.From })
		if f.Kind != "flushall" || len(facts) == 0 {
			continue
		}
		deleted := observation{at: f.To, version: facts[len(facts)-1].version + 1}
		if c.livedOn(deleted) {
			continue // the code was changed meanwhile, or a failover undid FLUSHALL
		}
		for _, p := range c.pages() {
			if p.open >= f.From || p.left <= f.To {
				continue
			}
			lag := p.lag(deleted)
			lags = append(lags, lag)
			if calm := longestCalm(lag.Stored, lag.Shown, calms); calm > freshAfter+recordingDelay {
				late = append(late, c.violation("page shows deleted code",
					"%s page opened at %v showed the code for %v after FLUSHALL at %v", p.transport, p.open, calm, f.To))
			}
		}
	}
	return lags, late
}

// livedOn reports whether the code had another state than expired at or after the
// version that should have been its end.
func (c code) livedOn(deleted observation) bool {
	return slices.ContainsFunc(c.events, func(e history.Event) bool {
		return storedVersion(e) >= deleted.version && (e.State == nil || e.State.Status != "expired")
	})
}

// fresh compares what pages show with what is known to be stored.
func (c code) fresh(calms []span) (lags []Lag, late []Violation) {
	facts := c.stored()
	for _, p := range c.pages() {
		for _, f := range facts {
			lag := p.lag(f)
			if lag.Stored >= p.left {
				continue
			}
			lags = append(lags, lag)
			if calm := longestCalm(lag.Stored, lag.Shown, calms); calm > freshAfter+recordingDelay {
				late = append(late, c.violation("stale page",
					"%s page opened at %v did not show version %d, stored at %v, for %v without any fault", p.transport, p.open, f.version, f.at, calm))
				break
			}
		}
	}
	return lags, late
}

// ahead finds pages that continued to show a version that is not stored. Redis may
// lose a version after pages received it; they must then receive the stored one.
func (c code) ahead(calms []span) (all []Violation) {
	for _, e := range c.events {
		since := e.Call - freshAfter - recordingDelay
		if e.Action != history.Check || e.State == nil || e.LongPoll || !isCalm(span{since, e.Return}, calms) {
			continue
		}
		for _, p := range c.pages() {
			shown := p.at(e.Call)
			wrong := shown.version > e.State.Version || shown.version == e.State.Version && shown.status != e.State.Status
			if p.open < since && e.Return < p.left && shown.at < since && wrong {
				all = append(all, c.violation("page ahead of the store", "%s page showed %s, version %d, when %s, version %d, was stored",
					p.transport, shown.status, shown.version, e.State.Status, e.State.Version))
			}
		}
	}
	return all
}

func isCalm(s span, calms []span) bool {
	return slices.ContainsFunc(calms, func(c span) bool { return c.from <= s.from && s.to <= c.to })
}

// at is what the page showed at a time; of version 0 if nothing.
func (p page) at(t time.Duration) (shown observation) {
	for _, s := range p.shows {
		if s.at <= t {
			shown = s
		}
	}
	return shown
}

func (p page) lag(f observation) Lag {
	lag := Lag{Transport: p.transport, Stored: max(f.at, p.open), Shown: p.left, Missing: true}
	for _, s := range p.shows {
		if s.version >= f.version {
			lag.Shown, lag.Missing = max(s.at, lag.Stored), false
			break
		}
	}
	return lag
}

func longestCalm(from, to time.Duration, calms []span) (longest time.Duration) {
	for _, c := range calms {
		longest = max(longest, min(to, c.to)-max(from, c.from))
	}
	return longest
}

// pages collects what each page showed.
func (c code) pages() []page {
	var all []page
	at := make(map[string]int)
	for _, e := range c.events {
		i, known := at[e.Actor]
		switch {
		case e.Action == history.Show:
			at[e.Actor] = len(all)
			all = append(all, page{transport: e.Transport, open: e.Return, left: forever})
		case !known:
		case e.Action == history.Leave:
			all[i].left = e.Return
		case e.State != nil:
			all[i].shows = append(all[i].shows, observation{e.Return, e.State.Version, e.State.Status})
		}
	}
	return all
}

// stored returns the first time at which each version is known to be stored. Messages
// to pages count, too: one page may show a version that another one does not.
func (c code) stored() []observation {
	first := make(map[int64]time.Duration)
	for _, e := range c.events { // by time
		v := storedVersion(e)
		if _, ok := first[v]; v > 0 && !ok {
			first[v] = e.Return
		}
	}
	facts := make([]observation, 0, len(first))
	for v, at := range first {
		facts = append(facts, observation{at: at, version: v})
	}
	slices.SortFunc(facts, func(a, b observation) int { return int(a.version - b.version) })
	return facts
}

// storedVersion returns the lowest version that e proves to be stored.
func storedVersion(e history.Event) int64 {
	switch {
	case e.State != nil:
		return e.State.Version
	case e.Answer != history.OK:
		return 0
	}
	return map[history.Action]int64{history.Gene: 1, history.Scan: 2, history.Confirm: 3, history.Cancel: 3, history.Redeem: 4, history.Exchange: 4}[e.Action]
}
