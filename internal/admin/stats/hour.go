package stats

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/session"
)

// Hour is what all nodes counted within the last hour.
type Hour struct {
	Report                  // the sum
	Minutes [Minutes]Minute // oldest first; the last one is not over
	Nodes   []Report        // those alive, by name, as they last stood
}

// Minutes is how many there are in an Hour, the present one included.
const Minutes = 60

// Minute is what all nodes counted within a minute.
type Minute struct {
	Start  time.Time
	Events map[string]int
}

// Read sums up what is on the shelf.
func Read(ctx context.Context, on kv.Shelf) (Hour, error) {
	var h Hour
	now := on.Now()
	first := minuteOf(now) - Minutes + 1
	names := make([]string, Minutes)
	for i := range names {
		names[i] = sheetOf(first + int64(i))
	}
	sheets, err := on.Get(ctx, names...)
	if err != nil {
		return h, err
	}
	latest := make(map[string]Report)
	for i, sheet := range sheets {
		var sum Report
		for id, text := range sheet {
			r, ok := decode(text)
			if !ok {
				continue // of another version, or a stranger's
			}
			sum.add(r)
			if now.Sub(r.At) < Alive {
				latest[id] = newer(latest[id], r)
			}
		}
		h.Minutes[i] = Minute{time.Unix(60*(first+int64(i)), 0), sum.Events}
		h.add(sum)
	}
	for _, r := range latest {
		h.Nodes = append(h.Nodes, r)
	}
	slices.SortFunc(h.Nodes, func(a, b Report) int { return cmp.Or(cmp.Compare(a.Node, b.Node), a.Started.Compare(b.Started)) })
	return h, nil
}

func newer(a, b Report) Report {
	if b.At.After(a.At) {
		return b
	}
	return a
}

// Count returns how many events there were of the kinds.
func (m Minute) Count(kinds ...session.EventKind) (n int) {
	for _, kind := range kinds {
		n += m.Events[string(kind)]
	}
	return n
}
