package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/scanlogin/scanlogin/test/chaos/actors"
	"github.com/scanlogin/scanlogin/test/chaos/checker"
	"github.com/scanlogin/scanlogin/test/chaos/history"
)

// report is the report of a run.
type report struct {
	Seed       uint64          `json:"seed"`
	Redis      string          `json:"redis"`
	Nodes      int             `json:"nodes"`
	Took       time.Duration   `json:"took"`
	Scenarios  map[string]int  `json:"scenarios"` // by end
	Calls      map[string]int  `json:"calls"`     // by action and answer
	Pages      map[string]int  `json:"pages"`     // by transport
	OIDC       oidcCounts      `json:"oidc"`
	Recoveries []recovery      `json:"recoveries"`
	Faults     []history.Fault `json:"faults"`
	Result     checker.Result  `json:"result"`
}

// recovery describes how soon pages were up to date after the faults of one kind.
type recovery struct {
	Kind       string        `json:"kind"`
	Injected   int           `json:"injected"`
	Measured   int           `json:"measured"` // changes of codes during and just after a fault, on pages that receive pushes
	Median     time.Duration `json:"median"`   // from the repair, or from a later change, until the page showed it
	Late       int           `json:"late"`     // changes that took longer than 100 ms
	MedianLate time.Duration `json:"medianLate"`
	Slowest    time.Duration `json:"slowest"`
	Missed     int           `json:"missed"` // changes that a page did not show before it was closed
}

func newReport(h history.History) *report {
	out := &report{
		Took: h.End, Calls: make(map[string]int), Pages: make(map[string]int), Faults: h.Faults, Result: checker.Check(h),
		OIDC: countOIDC(h.Events),
	}
	for _, e := range h.Events {
		switch e.Action {
		case history.Show:
			out.Pages[e.Transport]++
		case history.Leave, history.Connect:
		case history.Push:
			out.Calls["push "+e.State.Status]++
		case history.Gene, history.Scan, history.Confirm, history.Cancel, history.Redeem, history.Check, history.Close,
			history.Authorize, history.Exchange, history.Refresh, history.UserInfo, history.Introspect:
			out.Calls[fmt.Sprintf("%s %s", e.Action, describeAnswer(e))]++
		case history.Withdraw:
			out.Calls["withdraw"]++
		}
	}
	out.Recoveries = recoveries(h.Faults, out.Result.Lags)
	return out
}

func describeAnswer(e history.Event) string {
	switch e.Answer {
	case history.None:
		return "no answer"
	case history.NotSent:
		return "not sent"
	case history.Ended:
		return "closed by the client"
	case history.Malformed:
		return "malformed"
	}
	return fmt.Sprint(e.Answer)
}

// aftermath is how long after a fault changes are still attributed to it.
const aftermath = 3 * time.Second

// late is the delay that users begin to notice.
const late = 100 * time.Millisecond

// recoveries attributes lags to faults that were injected alone. Polling pages do not
// count: their lag is the polling interval.
func recoveries(faults []history.Fault, lags []checker.Lag) []recovery {
	found := make(map[string][]time.Duration)
	injected, missed := make(map[string]int), make(map[string]int)
	for _, s := range faults {
		injected[s.Kind]++
		for _, l := range lags {
			switch {
			case !s.Alone || l.Transport == string(actors.Poll) || l.Shown < s.From || l.Stored < s.From-time.Second || l.Stored > s.To+aftermath:
			case l.Missing:
				missed[s.Kind]++
			default:
				found[s.Kind] = append(found[s.Kind], max(0, l.Shown-max(l.Stored, s.To)))
			}
		}
	}
	var all []recovery
	for _, kind := range slices.Sorted(maps.Keys(injected)) {
		r := recovery{Kind: kind, Injected: injected[kind], Measured: len(found[kind]), Missed: missed[kind]}
		if times := found[kind]; len(times) > 0 {
			slices.Sort(times)
			r.Median, r.Slowest = times[len(times)/2], times[len(times)-1]
			prompt, _ := slices.BinarySearch(times, late)
			if r.Late = len(times) - prompt; r.Late > 0 {
				r.MedianLate = times[prompt+r.Late/2]
			}
		}
		all = append(all, r)
	}
	return all
}

var errViolations = errors.New("guarantees were violated")

// conclude prints the report, saves it if file is not empty, and returns
// errViolations if there are violations, or errNoOIDC.
func (r *report) conclude(file string) error {
	r.print(os.Stdout)
	if file != "" {
		if err := r.save(file); err != nil {
			return err
		}
	}
	if len(r.Result.Violations) > 0 {
		return errViolations
	}
	return r.OIDC.check()
}

func (r *report) save(file string) error {
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}
