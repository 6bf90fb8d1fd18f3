package admin

import (
	"fmt"

	"github.com/scanlogin/scanlogin/internal/admin/stats"
	"github.com/scanlogin/scanlogin/session"
)

// Size of the chart in its own units; the page scales it.
const (
	columnWidth = 10
	chartHeight = 120
)

// column is a minute of the chart: stacked bars for how codes ended, and a line for how many
// were created.
type column struct {
	X, Width int
	Bars     []bar
	Line     int // y position of the line
	Words    string
}

type bar struct {
	Class     string
	Y, Height int
}

// columns returns the chart of minutes, and the count at its full height.
func columns(minutes []stats.Minute) (drawn []column, most int) {
	ends := func(m stats.Minute) [3]int {
		return [3]int{
			m.Count(session.EventConfirmed), m.Count(session.EventCanceled), m.Count(session.EventExpired, session.EventWithdrawn),
		}
	}
	for _, m := range minutes {
		e := ends(m)
		most = max(most, m.Count(session.EventMade), e[0]+e[1]+e[2])
	}
	height := func(n int) int { return n * chartHeight / max(most, 1) }
	for i, m := range minutes {
		e, made := ends(m), m.Count(session.EventMade)
		k := column{X: i * columnWidth, Width: columnWidth - 2, Line: chartHeight - height(made)}
		k.Words = fmt.Sprintf("%s: %d shown, %d scanned, %d confirmed, %d canceled, %d expired or withdrawn",
			m.Start.UTC().Format("15:04"), made, m.Count(session.EventScanned), e[0], e[1], e[2])
		below := 0
		for j, class := range [...]string{"confirmed", "canceled", "expired"} {
			if e[j] > 0 {
				top := height(below + e[j])
				k.Bars = append(k.Bars, bar{class, chartHeight - top, top - height(below)})
				below += e[j]
			}
		}
		drawn = append(drawn, k)
	}
	return drawn, most
}
