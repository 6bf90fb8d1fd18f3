package admin

import (
	"encoding/json"
	"time"

	"github.com/scanlogin/scanlogin/internal/admin/stats"
	"github.com/scanlogin/scanlogin/session"
)

// chart is the data of a chart: the page's script draws it, and a table shows the same.
type chart struct {
	Label   string   `json:"label"`
	Unit    string   `json:"unit"`   // "": a count; "s": seconds
	Period  int      `json:"period"` // in seconds
	Times   []int64  `json:"times"`  // Unix time of the start of each period
	Series  []series `json:"series"`
	periods []stats.Period
}

// series is a line of a chart. A value of nil is unknown.
type series struct {
	Class  string     `json:"class"` // color and dashes
	Label  string     `json:"label"`
	Values []*float64 `json:"values"`
}

// JSON returns the data for the script.
func (c chart) JSON() (string, error) {
	text, err := json.Marshal(c)
	return string(text), err
}

// row is a row of the table: a period that is known.
type row struct {
	Start  time.Time
	Values []*float64
}

// Rows returns the known periods, the newest first.
func (c chart) Rows() (rows []row) {
	for i := len(c.periods) - 1; i >= 0; i-- {
		if !c.periods[i].Known {
			continue
		}
		r := row{Start: c.periods[i].Start}
		for _, s := range c.Series {
			r.Values = append(r.Values, s.Values[i])
		}
		rows = append(rows, r)
	}
	return rows
}

func newChart(label, unit string, periods []stats.Period, span stats.Range) chart {
	c := chart{Label: label, Unit: unit, Period: int(span.Period / time.Second), periods: periods}
	for _, p := range periods {
		c.Times = append(c.Times, p.Start.Unix())
	}
	return c
}

// add adds a line. value returns the value of a period, and false if there is none.
func (c *chart) add(class, label string, value func(stats.Period) (float64, bool)) {
	s := series{Class: class, Label: label}
	for _, p := range c.periods {
		var point *float64
		if v, ok := value(p); ok && p.Known {
			point = &v
		}
		s.Values = append(s.Values, point)
	}
	c.Series = append(c.Series, s)
}

// codesChart returns the numbers of codes by period.
func codesChart(periods []stats.Period, span stats.Range, l language) chart {
	c := newChart(l.text("Codes"), "", periods, span)
	count := func(kinds ...session.EventKind) func(stats.Period) (float64, bool) {
		return func(p stats.Period) (float64, bool) { return float64(p.Count(kinds...)), true }
	}
	for _, f := range funnelSteps {
		c.add(f.class, l.text(f.label), count(f.kind))
	}
	c.add("canceled", l.text("Canceled"), count(session.EventCanceled))
	c.add("expired", l.text("Expired or withdrawn"), count(session.EventExpired, session.EventWithdrawn))
	return c
}

// secondsChart returns percentiles of the times to scan and to confirm, by period.
func secondsChart(periods []stats.Period, span stats.Range, l language) chart {
	c := newChart(l.text("Seconds"), "s", periods, span)
	at := func(q float64, of func(stats.Period) stats.Durations) func(stats.Period) (float64, bool) {
		return func(p stats.Period) (float64, bool) {
			d, ok := of(p).Percentile(q)
			return d.Round(10 * time.Millisecond).Seconds(), ok
		}
	}
	scan := func(p stats.Period) stats.Durations { return p.ToScan }
	confirm := func(p stats.Period) stats.Durations { return p.ToConfirm }
	c.add("scanned", l.text("To scan, median"), at(0.5, scan))
	c.add("scanned90", l.text("To scan, 90 %"), at(0.9, scan))
	c.add("confirmed", l.text("To confirm, median"), at(0.5, confirm))
	c.add("confirmed90", l.text("To confirm, 90 %"), at(0.9, confirm))
	return c
}
