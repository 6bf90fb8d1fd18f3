package admin

import (
	"fmt"
	"time"

	"github.com/scanlogin/scanlogin/internal/admin/stats"
)

// unknown is shown where there is no value.
const unknown = "—"

// share returns n of all in percent.
func share(n, all int) string {
	if all == 0 {
		return unknown
	}
	return fmt.Sprintf("%.0f %%", 100*float64(n)/float64(all))
}

// percentiles are estimated percentiles of durations.
type percentiles struct {
	Label         string
	P50, P90, P99 string
}

func newPercentiles(label string, d stats.Durations) percentiles {
	return percentiles{label, percentile(d, 0.5), percentile(d, 0.9), percentile(d, 0.99)}
}

func percentile(t stats.Durations, p float64) string {
	d, ok := t.Percentile(p)
	if !ok {
		return unknown
	}
	return roughly(d)
}

// node is a node that reports, or did so in the last 15 minutes.
type node struct {
	stats.Node
	Status, Class  string
	Up, LastReport string
	Store, Latency string
	Bus            string
	BusLate        bool
}

// maxBusAge is the age of the last message on the bus from which a node is not ready: the watchdog
// expects one every few seconds (server/ops.go).
const maxBusAge = 10 * time.Second

func newNode(n stats.Node, now time.Time, l language) node {
	out := node{
		Node: n, Status: l.text("Reporting"), Class: "good", Up: roughly(n.At.Sub(n.Started)), LastReport: roughly(now.Sub(n.At)),
		Store: unknown, Latency: unknown, Bus: busAge(n.BusAge, l), BusLate: n.BusAge > maxBusAge,
	}
	switch {
	case n.Stopped:
		out.Status, out.Class = l.text("Stopped"), "off"
	case !n.Active:
		out.Status, out.Class = l.text("No report"), "bad"
	case out.BusLate:
		out.Status, out.Class = l.text("Bus late"), "bad"
	}
	if n.StoreUsage != nil {
		out.Store = fmt.Sprintf("%.0f %%", 100**n.StoreUsage)
	}
	if n.StoreTime > 0 && n.BusAge >= 0 {
		out.Latency = n.StoreTime.Round(10 * time.Microsecond).String()
	}
	return out
}

// neverReceived is longer than any real age of a bus.
const neverReceived = 100 * 365 * 24 * time.Hour

func busAge(age time.Duration, l language) string {
	switch {
	case age < 0:
		return l.text("in memory")
	case age > neverReceived:
		return l.text("no message yet")
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
