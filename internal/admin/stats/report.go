package stats

import (
	"encoding/json"
	"maps"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// Counts is what was counted in a period.
type Counts struct {
	Events    map[string]int `json:"events"`  // by kind
	Refused   map[string]int `json:"refused"` // by reason
	ToScan    Durations      `json:"toScan"`  // from creation to scan
	ToConfirm Durations      `json:"toConfirm"`
	// Logins are exchanged codes by the id of the OAuth client that they were created for.
	Logins map[string]int `json:"logins,omitempty"`
}

// Count returns the number of events of the kinds.
func (c Counts) Count(kinds ...session.EventKind) (n int) {
	for _, kind := range kinds {
		n += c.Events[string(kind)]
	}
	return n
}

// countLogin counts a login at a client.
func (c *Counts) countLogin(client string) {
	if c.Logins == nil {
		c.Logins = make(map[string]int)
	}
	if _, counted := c.Logins[client]; counted || len(c.Logins) < maxClients {
		c.Logins[client]++
	}
}

// observe counts an event.
func (c *Counts) observe(e session.Event) {
	if c.Events == nil {
		c.Events, c.Refused = make(map[string]int), make(map[string]int)
	}
	c.Events[string(e.Kind)]++
	switch e.Kind {
	case session.EventScanned:
		c.ToScan.count(e.Code.ScannedAt.Sub(e.Code.CreatedAt))
	case session.EventConfirmed:
		c.ToConfirm.count(e.Code.ConfirmedAt.Sub(e.Code.ScannedAt))
	case session.EventRefused:
		c.Refused[e.Reason]++
	}
}

// add adds the counts of other.
func (c *Counts) add(other Counts) {
	addCounts(&c.Events, other.Events)
	addCounts(&c.Refused, other.Refused)
	addCounts(&c.Logins, other.Logins)
	c.ToScan.add(other.ToScan)
	c.ToConfirm.add(other.ToConfirm)
}

func addCounts(to *map[string]int, from map[string]int) {
	if *to == nil {
		*to = make(map[string]int)
	}
	for name, n := range from {
		(*to)[name] += max(0, n)
	}
}

func (c Counts) clone() Counts {
	c.Events, c.Refused, c.Logins = maps.Clone(c.Events), maps.Clone(c.Refused), maps.Clone(c.Logins)
	return c
}

// Load is the load of a node.
type Load struct {
	Sockets int `json:"sockets"` // open WebSocket connections
	// StoreUsage is the used part of the store's memory, from 0 to 1; nil: unknown.
	StoreUsage *float64 `json:"storeUsage,omitempty"`
}

// Report is what one node counted within a period, and its state when it published that.
type Report struct {
	Node    string    `json:"node"` // display name
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	At      time.Time `json:"at"`                // when it was published, by the storage's clock
	Stopped bool      `json:"stopped,omitempty"` // it is the last report of a node that stopped in order
	Load
	// BusAge is the time since the last message on the bus; negative: no bus.
	BusAge time.Duration `json:"busAge"`
	// StoreTime is how long the storage took to store the previous report; 0: unknown.
	StoreTime time.Duration `json:"storeTime,omitempty"`

	Counts
}

const (
	// maxClients bounds the clients whose logins a report has. A node counts no others in that period.
	maxClients = 1000
	// maxReport bounds a report that is read, in bytes. Reports have less than 2 KB, and up to 80 bytes
	// for each client.
	maxReport = 2<<10 + maxClients*80
)

// decode decodes a report. Other programs may have written to the storage.
func decode(text string) (r Report, ok bool) {
	if len(text) > maxReport || json.Unmarshal([]byte(text), &r) != nil {
		return Report{}, false
	}
	return r, true
}

const (
	publishInterval = 2 * time.Second  // of what the shortest range has, and of the node's state
	longInterval    = 30 * time.Second // of the longer ranges
	// ActiveWithin is the maximum age of the last report of an active node. It allows for
	// reports that are missing while the storage is slow.
	ActiveWithin = 10 * time.Second
	// NodesWithin is how long a node that reports no more is listed.
	NodesWithin = 15 * time.Minute
)
