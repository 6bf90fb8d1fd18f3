package stats

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/session"
)

// Hour is what all nodes counted in the last hour.
type Hour struct {
	Report                  // the sum
	Minutes [Minutes]Minute // oldest first; the last one is the current minute
	Nodes   []Report        // the last reports of the active nodes, by name
}

// Minutes is the number of minutes in an Hour, including the current one.
const Minutes = 60

// Minute is what all nodes counted in a minute.
type Minute struct {
	Start  time.Time
	Events map[string]int
}

// Read returns the sum of the reports in the storage.
func Read(ctx context.Context, from kv.Store) (Hour, error) {
	var h Hour
	now := from.Now()
	first := minuteOf(now) - Minutes + 1
	names := make([]string, Minutes)
	for i := range names {
		names[i] = hashOf(first + int64(i))
	}
	hashes, err := from.Get(ctx, names...)
	if err != nil {
		return h, err
	}
	latest := make(map[string]Report)
	for i, hash := range hashes {
		var sum Report
		for id, text := range hash {
			r, ok := decode(text)
			if !ok {
				continue // another version, or not written by scanlogin
			}
			sum.add(r)
			if now.Sub(r.At) < ActiveWithin {
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

// Count returns the number of events of the kinds.
func (m Minute) Count(kinds ...session.EventKind) (n int) {
	for _, kind := range kinds {
		n += m.Events[string(kind)]
	}
	return n
}
