package checker

import (
	"slices"
	"time"

	"github.com/scanlogin/scanlogin/test/chaos/history"
)

// freshAfter is how long after the last fault every page must show the stored state.
const promised = 10 * time.Second

// recordingDelay is how much longer it may take until the change is recorded.
const noticed = 500 * time.Millisecond

// span is a period without faults.
type span struct{ from, to time.Duration }

// calmsOf returns the periods between faults.
func calmsOf(strikes []history.Strike, end time.Duration) (calms []span) {
	sorted := slices.SortedFunc(slices.Values(strikes), func(a, b history.Strike) int { return int(a.From - b.From) })
	var since time.Duration
	for _, s := range sorted {
		if s.From > since {
			calms = append(calms, span{since, s.From})
		}
		since = max(since, s.To)
	}
	return append(calms, span{since, end})
}

// Lag is the time during which a page did not show a stored version.
type Lag struct {
	Via     string
	Stored  time.Duration // when the version was known to be stored, or when the page was opened
	Shown   time.Duration // when the page showed it, or was closed
	Missing bool          // the page was closed before it showed the version
}

// observation is a version that was stored or shown at a time.
type fact struct {
	at      time.Duration
	version int64
	status  string // "": irrelevant
}

// page is a page that shows the code.
type page struct {
	via        string
	open, left time.Duration
	shows      []fact
}

// flushed finds pages that continued to show a code after FLUSHALL deleted it, and
// returns for how long each did.
func (c code) vanished(strikes []history.Strike, calms []span) (lags []Lag, late []Violation) {
	for _, s := range strikes {
		facts := slices.DeleteFunc(c.facts(), func(f fact) bool { return f.at > s.From })
		if s.Kind != "flushall" || len(facts) == 0 {
			continue
		}
		gone := fact{at: s.To, version: facts[len(facts)-1].version + 1}
		if c.livedOn(gone) {
			continue // the code was changed meanwhile, or a failover undid FLUSHALL
		}
		for _, p := range c.pages() {
			if p.open >= s.From || p.left <= s.To {
				continue
			}
			lag := p.lag(gone)
			lags = append(lags, lag)
			if calm := longestCalm(lag.Stored, lag.Shown, calms); calm > promised+noticed {
				late = append(late, c.violation("page shows deleted code",
					"%s page opened at %v showed the code for %v after FLUSHALL at %v", p.via, p.open, calm, s.To))
			}
		}
	}
	return lags, late
}

// livedOn reports whether the code had another state than expired at or after the
// version that should have been its end.
func (c code) livedOn(gone fact) bool {
	return slices.ContainsFunc(c.events, func(e history.Event) bool {
		return storedVersion(e) >= gone.version && (e.Seen == nil || e.Seen.Status != "expired")
	})
}

// fresh compares what pages show with what is known to be stored.
func (c code) current(calms []span) (lags []Lag, late []Violation) {
	facts := c.facts()
	for _, p := range c.pages() {
		for _, f := range facts {
			lag := p.lag(f)
			if lag.Stored >= p.left {
				continue
			}
			lags = append(lags, lag)
			if calm := longestCalm(lag.Stored, lag.Shown, calms); calm > promised+noticed {
				late = append(late, c.violation("stale page",
					"%s page opened at %v did not show version %d, stored at %v, for %v without any fault", p.via, p.open, f.version, f.at, calm))
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
		since := e.Call - promised - noticed
		if e.Do != history.Check || e.Seen == nil || e.Held || !isCalm(span{since, e.Return}, calms) {
			continue
		}
		for _, p := range c.pages() {
			shown := p.at(e.Call)
			wrong := shown.version > e.Seen.Version || shown.version == e.Seen.Version && shown.status != e.Seen.Status
			if p.open < since && e.Return < p.left && shown.at < since && wrong {
				all = append(all, c.violation("page ahead of the store", "%s page showed %s, version %d, when %s, version %d, was stored",
					p.via, shown.status, shown.version, e.Seen.Status, e.Seen.Version))
			}
		}
	}
	return all
}

func isCalm(s span, calms []span) bool {
	return slices.ContainsFunc(calms, func(c span) bool { return c.from <= s.from && s.to <= c.to })
}

// at is what the page showed at a time; of version 0 if nothing.
func (p page) at(t time.Duration) (shown fact) {
	for _, s := range p.shows {
		if s.at <= t {
			shown = s
		}
	}
	return shown
}

func (p page) lag(f fact) Lag {
	lag := Lag{Via: p.via, Stored: max(f.at, p.open), Shown: p.left, Missing: true}
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
		i, known := at[e.Who]
		switch {
		case e.Do == history.Show:
			at[e.Who] = len(all)
			all = append(all, page{via: e.Via, open: e.Return, left: forever})
		case !known:
		case e.Do == history.Leave:
			all[i].left = e.Return
		case e.Seen != nil:
			all[i].shows = append(all[i].shows, fact{e.Return, e.Seen.Version, e.Seen.Status})
		}
	}
	return all
}

// stored returns the first time at which each version is known to be stored. Messages
// to pages count, too: one page may show a version that another one does not.
func (c code) facts() []fact {
	first := make(map[int64]time.Duration)
	for _, e := range c.events { // by time
		v := storedVersion(e)
		if _, ok := first[v]; v > 0 && !ok {
			first[v] = e.Return
		}
	}
	facts := make([]fact, 0, len(first))
	for v, at := range first {
		facts = append(facts, fact{at: at, version: v})
	}
	slices.SortFunc(facts, func(a, b fact) int { return int(a.version - b.version) })
	return facts
}

// storedVersion returns the lowest version that e proves to be stored.
func storedVersion(e history.Event) int64 {
	switch {
	case e.Seen != nil:
		return e.Seen.Version
	case e.Answer != history.OK:
		return 0
	}
	return map[history.Do]int64{history.Gene: 1, history.Scan: 2, history.Confirm: 3, history.Cancel: 3, history.Redeem: 4}[e.Do]
}
