package admin

import (
	"fmt"
	"strconv"
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
	return percent(float64(n) / float64(all))
}

// space joins a number and its unit: no line breaks there.
const space = "\u00a0"

func percent(ratio float64) string { return fmt.Sprintf("%.0f", 100*ratio) + space + "%" }

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
		out.Store = percent(*n.StoreUsage)
	}
	if n.StoreTime > 0 && n.BusAge >= 0 {
		out.Latency = inUnits(n.StoreTime.Round(10 * time.Microsecond))
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
		return inUnits(d.Round(100 * time.Millisecond))
	case d < time.Hour:
		return inUnits(d.Round(time.Second))
	}
	return inUnits(d.Truncate(time.Minute))
}

// inUnits formats a duration as numbers with units: `300 ms`, `1.5 s`, `2 min 5 s`, `3 h 20 min`.
func inUnits(d time.Duration) string {
	switch {
	case d == 0:
		return inUnit(d, time.Second, "s")
	case d < time.Second:
		return inUnit(d, time.Millisecond, "ms")
	case d < time.Minute:
		return inUnit(d, time.Second, "s")
	case d < time.Hour:
		return inTwoUnits(d, time.Minute, "min", inUnit(d%time.Minute, time.Second, "s"))
	}
	return inTwoUnits(d, time.Hour, "h", inUnit(d%time.Hour, time.Minute, "min"))
}

func inUnit(d, unit time.Duration, name string) string {
	return strconv.FormatFloat(float64(d)/float64(unit), 'f', -1, 64) + space + name
}

// inTwoUnits has the rest as it is given, unless there is none.
func inTwoUnits(d, unit time.Duration, name, rest string) string {
	whole := inUnit(d.Truncate(unit), unit, name)
	if d%unit == 0 {
		return whole
	}
	return whole + space + rest
}
