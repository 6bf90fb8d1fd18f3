// Package stats provides the console's statistics of the last hour over all nodes: events per
// minute, medians, and the active nodes.
//
// Each node publishes its totals per minute repeatedly, so that a repeated or lost write does
// no harm and the totals of a dead node remain. The package guarantees that counting never
// waits for the storage, and that memory and storage are bounded: the names of what is counted
// come from this program only.
package stats

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"
)

// Report is what one node counted within a minute, and its state when it published that.
type Report struct {
	Node    string    `json:"node"` // display name
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	At      time.Time `json:"at"` // when it was published, by the storage's clock
	Sockets int       `json:"sockets"`
	// BusAge is the time since the last message on the bus; negative: no bus.
	BusAge time.Duration `json:"busAge"`

	Events    map[string]int `json:"events"`  // by kind
	Refused   map[string]int `json:"refused"` // by reason
	ToScan    Durations      `json:"toScan"`  // from creation to scan
	ToConfirm Durations      `json:"toConfirm"`
}

// add adds the counts of other.
func (r *Report) add(other Report) {
	addCounts(&r.Events, other.Events)
	addCounts(&r.Refused, other.Refused)
	r.ToScan.add(other.ToScan)
	r.ToConfirm.add(other.ToConfirm)
}

func addCounts(to *map[string]int, from map[string]int) {
	if *to == nil {
		*to = make(map[string]int)
	}
	for name, n := range from {
		(*to)[name] += max(0, n)
	}
}

func (r Report) clone() Report {
	r.Events, r.Refused = maps.Clone(r.Events), maps.Clone(r.Refused)
	return r
}

// maxReport bounds a report that is read, in bytes. Reports have less than 2 KB.
const maxReport = 16 << 10

// decode decodes a report. Other programs may have written to the storage.
func decode(text string) (r Report, ok bool) {
	if len(text) > maxReport || json.Unmarshal([]byte(text), &r) != nil {
		return Report{}, false
	}
	return r, true
}

const (
	window          = time.Hour     // what Read returns
	retention       = 2 * time.Hour // how long a minute is stored
	publishInterval = 2 * time.Second
	// ActiveWithin is the maximum age of the last report of an active node. It allows for
	// reports that are missing while the storage is slow.
	ActiveWithin = 10 * time.Second
)

// minuteOf returns the number of the minute of t.
func minuteOf(t time.Time) int64 { return t.Unix() / 60 }

// hashOf returns the name of the hash with a minute's reports.
func hashOf(minute int64) string { return fmt.Sprintf("stats:%d", minute) }

// endOf returns when they may be deleted.
func endOf(minute int64) time.Time { return time.Unix(60*minute, 0).Add(retention) }
