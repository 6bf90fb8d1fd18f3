package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/scanlogin/scanlogin/test/chaos/checker"
	"github.com/scanlogin/scanlogin/test/chaos/history"
)

// print writes the report as tables.
func (r *report) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	printCounts(t, "scenarios", r.Scenarios)
	printCounts(t, "pages", r.Pages)
	printCounts(t, "calls and messages", r.Calls)
	fmt.Fprintln(t, "\nfault\tinjected\tchanges measured\tmedian until shown\tlater than 100 ms\ttheir median\tslowest\tnever shown")
	for _, f := range r.Recoveries {
		fmt.Fprintf(t, "%s\t%d\t%d\t%v\t%d\t%v\t%v\t%d\n", f.Kind, f.Injected, f.Measured,
			f.Median.Round(time.Millisecond), f.Late, f.MedianLate.Round(time.Millisecond), f.Slowest.Round(time.Millisecond), f.Missed)
	}
	t.Flush()
	v := r.Result
	fmt.Fprintf(w, "\n%v: %d codes checked, %d undecided; Redis may have lost writes of %d other codes, and did of at least %d\n",
		r.Took.Round(time.Second), v.Checked, v.Undecided, v.Lossy, len(codes(v.Lost)))
	for rule, n := range byRule(v.Lost) {
		fmt.Fprintf(w, "  lost: %s: %d\n", rule, n)
	}
	o := r.OIDC
	fmt.Fprintf(w, "OpenID Connect: %d logins; %d exchanges answered, %d of them second uses; %d refreshes, %d replays refused; tokens %d times valid, %d times not; %d foreign attempts refused\n",
		o.Logins, o.Exchanges, o.SecondUses, o.Refreshes, o.Replays, o.Active, o.Inactive, o.Foreign)
	fmt.Fprintf(w, "violations: %d\n", len(v.Violations))
	for _, rule := range slices.Sorted(maps.Keys(byRule(v.Violations))) {
		fmt.Fprintf(w, "  %s: %d\n", rule, byRule(v.Violations)[rule])
	}
	for _, broken := range v.Violations[:min(len(v.Violations), shownViolations)] {
		printViolation(w, broken)
	}
}

// shownViolations is how many violations are printed; --json writes all.
const shownViolations = 5

func printCounts(w io.Writer, title string, counts map[string]int) {
	fmt.Fprintf(w, "\n%s\t\n", title)
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(w, "%s\t%d\n", name, counts[name])
	}
}

func byRule(all []checker.Violation) map[string]int {
	n := make(map[string]int)
	for _, v := range all {
		n[v.Rule]++
	}
	return n
}

func codes(all []checker.Violation) map[string]bool {
	set := make(map[string]bool)
	for _, v := range all {
		set[v.Code] = true
	}
	return set
}

func printViolation(w io.Writer, v checker.Violation) {
	fmt.Fprintf(w, "\n%s: %s %s\n", v.Rule, v.Code, v.Text)
	for _, e := range v.Events {
		fmt.Fprintf(w, "  %11v … %-11v  node%d  %-10s %-9s%s\n",
			e.Call.Round(time.Microsecond), e.Return.Round(time.Microsecond), e.Node, e.Actor, e.Action, details(e))
	}
}

// details describes an event.
func details(e history.Event) (text string) {
	if e.Action != history.Push && e.Action != history.Show && e.Action != history.Leave && e.Action != history.Connect {
		text += " " + describeAnswer(e)
	}
	if e.User != "" {
		text += " as " + e.User
	}
	if s := e.State; s != nil {
		text += fmt.Sprintf(" %s v%d", s.Status, s.Version)
		if s.User != "" {
			text += " by " + s.User
		}
		if s.Ticket {
			text += " +ticket"
		}
		if s.Redirect != "" {
			text += " +redirect"
		}
	}
	if e.Client != "" {
		text += " client " + e.Client
	}
	if e.Foreign {
		text += " (foreign)"
	}
	if e.Token != "" {
		text += " with " + e.Token
	}
	if e.Tokens != nil {
		text += fmt.Sprintf(" got %s, %s", e.Tokens.AccessToken, e.Tokens.RefreshToken)
	}
	if e.Conn != 0 {
		text += fmt.Sprintf(" (connection %d)", e.Conn)
	}
	return text
}
