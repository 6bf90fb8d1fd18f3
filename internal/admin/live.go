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

// hour is the page that shows the last one.
type hour struct {
	stats.Hour
	Totals     []total
	ToScan     string // median
	ToConfirm  string
	Columns    []column
	Most       int // codes in the busiest minute
	Refusals   []refusal
	NodesTable []node
	At         time.Time
	Trail      []string // the last lines; nil: there is none
}

// total is a row of the table beside the chart.
type total struct {
	Class string // of the chart's parts
	Label string
	Kinds []session.EventKind
	Count int
}

// totals are the rows, in the order of a code's life.
var totals = [...]total{
	{Class: "made", Label: "Shown, waiting", Kinds: []session.EventKind{session.EventMade}},
	{Class: "scanned", Label: "Scanned", Kinds: []session.EventKind{session.EventScanned}},
	{Class: "confirmed", Label: "Confirmed", Kinds: []session.EventKind{session.EventConfirmed}},
	{Class: "canceled", Label: "Canceled", Kinds: []session.EventKind{session.EventCanceled}},
	{Class: "expired", Label: "Expired, or given back", Kinds: []session.EventKind{session.EventExpired, session.EventWithdrawn}},
	{Class: "exchanged", Label: "Ticket exchanged", Kinds: []session.EventKind{session.EventExchanged}},
}

type refusal struct {
	Reason string
	Count  int
}

// node is a living node.
type node struct {
	stats.Report
	Up, Heard, Bus string
}

// live shows the last hour.
func (c *Console) live(w http.ResponseWriter, r *http.Request, v visit) {
	read, err := stats.Read(r.Context(), c.options.Shelf)
	if err != nil {
		c.away(w, err)
		return
	}
	h := newHour(read, c.options.Shelf.Now())
	if c.options.Trail != nil {
		h.Trail = c.options.Trail()
	}
	c.show(w, http.StatusOK, "live", view{Title: "Live", Page: "live", Admin: v.Admin, CSRF: v.csrf(), Data: h})
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
			Report: n, Up: words(now.Sub(n.Started)), Heard: words(now.Sub(n.At)), Bus: busWords(n.BusAge),
		})
	}
	return h
}

func median(t stats.Times) string {
	d, ok := t.Median()
	if !ok {
		return "—"
	}
	return words(d)
}

// neverHeard is more than a bus that was heard can say.
const neverHeard = 100 * 365 * 24 * time.Hour

func busWords(age time.Duration) string {
	switch {
	case age < 0:
		return "in memory"
	case age > neverHeard:
		return "never heard"
	}
	return words(age)
}

// words writes a time as exactly as people want to know it.
func words(d time.Duration) string {
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
