// Package stats tells what happened on all nodes within the last hour, for
// people who look: counts by the minute, medians, and which nodes are alive.
//
// Each node states, again and again, what it has counted within a minute; so a
// statement that is repeated changes nothing, one that was lost is made good by
// the next, and a node that dies leaves what it said. It promises that counting
// never waits for the storage, and that memory and storage are bounded however
// much happens: what is counted has names from our own tables only.
package stats

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"
)

// Report is what one node counted within a minute, and how it stood when it
// said so.
type Report struct {
	Node    string    `json:"node"` // the name that people know it by
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	At      time.Time `json:"at"` // when it was said, by the storage's clock
	Sockets int       `json:"sockets"`
	// BusAge is how long ago the bus was heard; negative: there is none.
	BusAge time.Duration `json:"busAge"`

	Events    map[string]int `json:"events"`  // by kind
	Refused   map[string]int `json:"refused"` // by reason
	ToScan    Times          `json:"toScan"`  // from shown to scanned
	ToConfirm Times          `json:"toConfirm"`
}

// add counts what other counted, too.
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

// maxReport bounds what is read of one node, in bytes. Ours have under 2 KB.
const maxReport = 16 << 10

// decode reads a report. Whoever can write there may have left anything.
func decode(text string) (r Report, ok bool) {
	if len(text) > maxReport || json.Unmarshal([]byte(text), &r) != nil {
		return Report{}, false
	}
	return r, true
}

const (
	window   = time.Hour       // what is told
	memory   = 2 * time.Hour   // how long a sheet is kept
	tellEach = 2 * time.Second // how often a node says how it stands
	// Alive is how long ago a living node said something, at most: it may miss
	// some, while the storage is slow.
	Alive = 10 * time.Second
)

// minuteOf numbers the minute that t is in.
func minuteOf(t time.Time) int64 { return t.Unix() / 60 }

// sheetOf is the name under which a minute's reports are on the shelf.
func sheetOf(minute int64) string { return fmt.Sprintf("stats:%d", minute) }

// endOf is when they may be forgotten.
func endOf(minute int64) time.Time { return time.Unix(60*minute, 0).Add(memory) }
