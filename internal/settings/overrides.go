// Package settings holds the settings of user pools that administrators change while nodes
// run. They override the values in the configuration file; each has an author, a time and
// the previous value. [Editor] applies them to the pools of a node.
//
// It guarantees that the second of two concurrent changes is refused, that each node
// applies a change within 2 s while the storage answers and keeps its last known settings
// while it does not, and that a value is validated as one in the file is.
package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Limits of what is stored.
const (
	maxHistory = 100       // changes
	maxText    = 4 << 10   // bytes of one value, enough for a hundred origins
	maxBytes   = 512 << 10 // bytes of all overrides
)

// Overrides are all values that override the file. They are not modified in place.
type Overrides struct {
	Version int64                       `json:"-"`       // of the stored document; 0: nothing was ever changed
	Pools   map[string]map[string]Value `json:"pools"`   // by pool id and setting
	History []Change                    `json:"history"` // the last changes, newest first
}

// Value overrides the value in the file. Text is written as in the file, lists with
// commas.
type Value struct {
	Text string    `json:"text"`
	By   string    `json:"by"`
	At   time.Time `json:"at"`
}

// Change is a change to one setting.
type Change struct {
	Pool    string    `json:"pool"`
	Setting string    `json:"setting"`
	Before  string    `json:"before"`          // value in force
	After   string    `json:"after"`           // value in force
	Reset   bool      `json:"reset,omitempty"` // the override was removed
	By      string    `json:"by"`
	At      time.Time `json:"at"`
}

// Edit is a requested change to one pool.
type Edit struct {
	Pool  string
	Mark  string            // [Pool.Mark] of the state that the author saw; "": any
	Set   map[string]string // new values, by setting
	Reset []string          // settings whose overrides are removed
	By    string            // author
}

// Problems is the error of an invalid edit: what is wrong and the cure, by setting. The
// key "" is for the edit as a whole.
type Problems map[string]string

func (p Problems) Error() string {
	var text string
	for i, setting := range slices.Sorted(maps.Keys(p)) {
		if i > 0 {
			text += "\n"
		}
		if setting != "" {
			text += setting + ": "
		}
		text += p[setting]
	}
	return text
}

// With returns the overrides after an edit. before and after are the values of the pool in
// force. A setting that keeps its value is not a change; without a change the result is
// equal to o.
func (o Overrides) With(e Edit, before, after map[string]string, now time.Time) Overrides {
	values := maps.Clone(o.Pools[e.Pool])
	if values == nil {
		values = make(map[string]Value)
	}
	var changes []Change
	record := func(setting string, reset bool) {
		changes = append(changes, Change{e.Pool, setting, before[setting], after[setting], reset, e.By, now})
	}
	for _, setting := range slices.Sorted(maps.Keys(e.Set)) {
		if before[setting] != after[setting] {
			values[setting] = Value{after[setting], e.By, now}
			record(setting, false)
		}
	}
	for _, setting := range e.Reset {
		if _, ok := values[setting]; ok {
			delete(values, setting)
			record(setting, true)
		}
	}
	if len(changes) == 0 {
		return o
	}
	o.Pools = maps.Clone(o.Pools)
	if o.Pools == nil {
		o.Pools = make(map[string]map[string]Value)
	}
	o.Pools[e.Pool] = values
	if len(values) == 0 {
		delete(o.Pools, e.Pool)
	}
	o.History = slices.Concat(changes, o.History)
	o.History = o.History[:min(len(o.History), maxHistory)]
	o.Version++
	return o
}

var errTooLong = errors.New("is too long")

// encode returns the text to store.
func (o Overrides) encode() (string, error) {
	text, err := json.Marshal(o)
	if err == nil && len(text) > maxBytes {
		err = fmt.Errorf("all settings together: %w", errTooLong)
	}
	return string(text), err
}

// decode parses a stored text, which may come from another version or another program.
// Values and changes beyond the limits are dropped.
func decode(text string) (Overrides, error) {
	var o Overrides
	if len(text) > maxBytes {
		return o, errTooLong
	}
	if text == "" {
		return o, nil
	}
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return Overrides{}, err
	}
	for _, values := range o.Pools {
		maps.DeleteFunc(values, func(_ string, v Value) bool { return len(v.Text) > maxText })
	}
	o.History = o.History[:min(len(o.History), maxHistory)]
	return o, nil
}
