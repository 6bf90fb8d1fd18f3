package stats

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/scanlogin/scanlogin/internal/kv"
)

// Query selects statistics.
type Query struct {
	Range Range
	Pool  string // id; "": all
}

// Result is what all nodes counted.
type Result struct {
	Counts           // the sum
	Periods []Period // oldest first; the last one is the current one
	Nodes   []Node   // by name, those of the last 15 minutes
	At      time.Time
}

// Period is what all nodes counted in a period.
type Period struct {
	Start time.Time
	Known bool // false: no node recorded it
	Counts
}

// Node is the last report of a node.
type Node struct {
	Report
	Active bool // it reported within the last 10 s, and did not stop
}

// Read returns the sum of the reports in the storage, by one call.
func Read(ctx context.Context, from kv.Store, q Query) (Result, error) {
	now := from.Now()
	first := q.Range.number(now) - int64(q.Range.Periods) + 1
	var names []string
	for i := range q.Range.Periods {
		names = append(names, q.Range.hashOf(first+int64(i), ""))
	}
	if q.Pool != "" {
		for i := range q.Range.Periods {
			names = append(names, q.Range.hashOf(first+int64(i), q.Pool))
		}
	}
	series := len(names)
	minutes := Ranges[0]
	for m := minutes.number(now.Add(-NodesWithin)); m <= minutes.number(now); m++ {
		names = append(names, minutes.hashOf(m, ""))
	}
	hashes, err := from.Get(ctx, names...)
	if err != nil {
		return Result{}, err
	}
	r := Result{Nodes: nodes(hashes[series:], now), At: now}
	counted := hashes[series-q.Range.Periods : series]
	for i, hash := range counted {
		p := Period{Start: q.Range.start(first + int64(i)), Known: len(hashes[i]) > 0}
		for _, text := range hash {
			if report, ok := decode(text); ok { // otherwise another version, or not written by scanlogin
				p.add(report.Counts)
			}
		}
		r.add(p.Counts)
		r.Periods = append(r.Periods, p)
	}
	return r, nil
}

// nodes returns the last report of each node.
func nodes(hashes []map[string]string, now time.Time) (all []Node) {
	latest := make(map[string]Report)
	for _, hash := range hashes {
		for id, text := range hash {
			if r, ok := decode(text); ok && now.Sub(r.At) < NodesWithin && !latest[id].At.After(r.At) {
				latest[id] = r
			}
		}
	}
	for _, r := range latest {
		all = append(all, Node{r, !r.Stopped && now.Sub(r.At) < ActiveWithin})
	}
	slices.SortFunc(all, func(a, b Node) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), a.Started.Compare(b.Started))
	})
	return all
}
