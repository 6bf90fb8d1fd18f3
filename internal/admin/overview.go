package admin

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/scanlogin/scanlogin/internal/admin/stats"
	"github.com/scanlogin/scanlogin/session"
)

// hour is the data of the page of the last hour.
type hour struct {
	stats.Hour
	Totals     []total
	ToScan     string // median
	ToConfirm  string
	Columns    []column
	Most       int // largest number of codes in a minute
	Refusals   []refusal
	NodesTable []node
	At         time.Time
	Trail      []string // last lines of the audit trail
}

// total is a number beside the chart.
type total struct {
	Class string // CSS class, as in the chart
	Label string
	Kinds []session.EventKind
	Count int
}

// totals are in the order of a code's life.
var totals = [...]total{
	{Class: "made", Label: "Shown, waiting", Kinds: []session.EventKind{session.EventMade}},
	{Class: "scanned", Label: "Scanned", Kinds: []session.EventKind{session.EventScanned}},
	{Class: "confirmed", Label: "Confirmed", Kinds: []session.EventKind{session.EventConfirmed}},
	{Class: "canceled", Label: "Canceled", Kinds: []session.EventKind{session.EventCanceled}},
	{Class: "expired", Label: "Expired or withdrawn", Kinds: []session.EventKind{session.EventExpired, session.EventWithdrawn}},
	{Class: "exchanged", Label: "Ticket exchanged", Kinds: []session.EventKind{session.EventExchanged}},
}

type refusal struct {
	Reason string
	Count  int
}

// node is an active node.
type node struct {
	stats.Report
	Up, LastReport, Bus string
}

// lastHour shows the statistics of the last hour.
func (c *Console) lastHour(w http.ResponseWriter, r *http.Request, s loginSession) {
	read, err := stats.Read(r.Context(), c.options.Store)
	if err != nil {
		c.renderUnavailable(w, err)
		return
	}
	h := newHour(read, c.options.Store.Now())
	if c.options.Trail != nil {
		h.Trail = c.options.Trail()
	}
	c.render(w, http.StatusOK, "live", s.view("Live", "live", h))
}

func newHour(read stats.Hour, now time.Time) hour {
	h := hour{Hour: read, At: now, ToScan: median(read.ToScan), ToConfirm: median(read.ToConfirm)}
	for _, t := range totals {
		for _, m := range read.Minutes {
			t.Count += m.Count(t.Kinds...)
		}
		h.Totals = append(h.Totals, t)
	}
	h.Columns, h.Most = columns(read.Minutes[:])
	for _, reason := range slices.Sorted(maps.Keys(read.Refused)) {
		h.Refusals = append(h.Refusals, refusal{reason, read.Refused[reason]})
	}
	slices.SortStableFunc(h.Refusals, func(a, b refusal) int { return cmp.Compare(b.Count, a.Count) })
	for _, n := range read.Nodes {
		h.NodesTable = append(h.NodesTable, node{
			Report: n, Up: roughly(now.Sub(n.Started)), LastReport: roughly(now.Sub(n.At)), Bus: busAge(n.BusAge),
		})
	}
	return h
}

func median(t stats.Durations) string {
	d, ok := t.Median()
	if !ok {
		return "—"
	}
	return roughly(d)
}

// neverReceived is longer than any real age of a bus.
const neverReceived = 100 * 365 * 24 * time.Hour

func busAge(age time.Duration) string {
	switch {
	case age < 0:
		return "in memory"
	case age > neverReceived:
		return "no message yet"
	}
	return roughly(age)
}

// roughly formats a duration with a precision that suits its length.
func roughly(d time.Duration) string {
	d = max(0, d)
	switch {
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		return d.Round(time.Second).String()
	}
	text := d.Truncate(time.Minute).String()
	return text[:len(text)-len("0s")]
}
