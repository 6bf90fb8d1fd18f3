package admin

import (
	"cmp"
	"maps"
	"net/http"
	"slices"

	"github.com/scanlogin/scanlogin/internal/admin/stats"
	"github.com/scanlogin/scanlogin/internal/settings"
	"github.com/scanlogin/scanlogin/session"
)

// overview is the data of the page with the statistics.
type overview struct {
	Range   string // name
	Ranges  []choice
	Pool    string // id; "": all
	Pools   []choice
	Live    []node // active nodes first
	Active  int
	Funnel  []step
	Ends    []step
	Times   []percentiles
	Codes   chart
	Seconds chart
	Clients []clientLogins // most logins first
	Refused []refusal
	stats.Result
}

// choice is an option of a selection.
type choice struct{ Value, Label string }

// step is a number of codes, and its share of those shown.
type step struct {
	Class    string // color, as in the chart
	Label    string
	Count    int
	OfAll    string // share of the codes shown
	Previous string // share of the previous step
	Width    int    // of its bar, 0 to 100
}

// HasShare reports whether codes were shown, so that a share says something.
func (s step) HasShare() bool { return s.OfAll != unknown }

// refusal is a reason for which requests were refused.
type refusal struct {
	Reason string
	Count  int
}

// clientLogins are the logins at an OAuth client of the selected pools.
type clientLogins struct {
	settings.Client
	Pool   string // name
	Logins int
}

// showOverview shows the statistics of a range.
func (c *Console) showOverview(w http.ResponseWriter, r *http.Request, s loginSession) {
	pools := c.options.Settings.Pools()
	o := overview{Range: stats.RangeOf(r.URL.Query().Get("range")).Name, Pools: []choice{{"", s.lang.text("All pools")}}}
	for _, p := range pools {
		o.Pools = append(o.Pools, choice{p.ID, p.Name})
		if p.ID == r.URL.Query().Get("pool") {
			o.Pool = p.ID
		}
	}
	for _, span := range stats.Ranges {
		o.Ranges = append(o.Ranges, choice{span.Name, s.lang.text(rangeLabels[span.Name])})
	}
	read, err := stats.Read(r.Context(), c.options.Store, stats.Query{Range: stats.RangeOf(o.Range), Pool: o.Pool})
	if err != nil {
		c.renderUnavailable(w, r, err)
		return
	}
	o.fill(read, s.lang)
	o.Clients = loginsByClient(pools, o.Pool, read.Counts)
	c.render(w, r, http.StatusOK, "overview", s.view("Overview", "overview", o))
}

var rangeLabels = map[string]string{"1h": "Last hour", "24h": "Last 24 hours", "7d": "Last 7 days"}

// fill computes what the page shows.
func (o *overview) fill(read stats.Result, l language) {
	o.Result = read
	o.Funnel, o.Ends = funnel(read.Counts, l), ends(read.Counts, l)
	o.Times = []percentiles{newPercentiles(l.text("Time to scan"), read.ToScan), newPercentiles(l.text("Time to confirm"), read.ToConfirm)}
	span := stats.RangeOf(o.Range)
	o.Codes, o.Seconds = codesChart(read.Periods, span, l), secondsChart(read.Periods, span, l)
	for _, reason := range slices.Sorted(maps.Keys(read.Refused)) {
		o.Refused = append(o.Refused, refusal{reason, read.Refused[reason]})
	}
	slices.SortStableFunc(o.Refused, func(a, b refusal) int { return cmp.Compare(b.Count, a.Count) })
	for _, n := range read.Nodes {
		o.Live = append(o.Live, newNode(n, read.At, l))
		if n.Active {
			o.Active++
		}
	}
	slices.SortStableFunc(o.Live, func(a, b node) int { return -cmp.Compare(btoi(a.Active), btoi(b.Active)) })
}

// loginsByClient returns the logins at each client of a pool; "": of all pools.
func loginsByClient(pools []settings.Pool, id string, counts stats.Counts) (all []clientLogins) {
	for _, p := range pools {
		if id != "" && id != p.ID {
			continue
		}
		for _, c := range p.Clients {
			all = append(all, clientLogins{c, p.Name, counts.Logins[c.ID]})
		}
	}
	slices.SortStableFunc(all, func(a, b clientLogins) int { return cmp.Compare(b.Logins, a.Logins) })
	return all
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// funnelSteps are in the order of a code's life.
var funnelSteps = [...]struct {
	class, label string
	kind         session.EventKind
}{
	{"shown", "Shown", session.EventMade},
	{"scanned", "Scanned", session.EventScanned},
	{"confirmed", "Confirmed", session.EventConfirmed},
	{"exchanged", "Exchanged", session.EventExchanged},
}

// funnel returns how many codes got how far.
func funnel(c stats.Counts, l language) (steps []step) {
	all := c.Count(session.EventMade)
	previous := all
	for i, f := range funnelSteps {
		n := c.Count(f.kind)
		s := step{Class: f.class, Label: l.text(f.label), Count: n, OfAll: share(n, all), Width: min(100, 100*n/max(all, 1))}
		if i > 0 {
			s.Previous = share(n, previous)
		}
		steps, previous = append(steps, s), n
	}
	return steps
}

// ends returns how codes ended that led to no login.
func ends(c stats.Counts, l language) (steps []step) {
	all := c.Count(session.EventMade)
	for _, e := range []struct {
		class, label string
		kinds        []session.EventKind
	}{
		{"canceled", "Canceled", []session.EventKind{session.EventCanceled}},
		{"expired", "Expired", []session.EventKind{session.EventExpired}},
		{"withdrawn", "Withdrawn", []session.EventKind{session.EventWithdrawn}},
		{"lost", "Lost", []session.EventKind{session.EventLost}},
	} {
		n := c.Count(e.kinds...)
		steps = append(steps, step{Class: e.class, Label: l.text(e.label), Count: n, OfAll: share(n, all)})
	}
	return steps
}
