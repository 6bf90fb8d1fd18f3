// Package settings holds what administrators changed over the configuration file: per
// user pool, values that override the file's, with author, time and previous value.
//
// It guarantees that of two concurrent changes the second is refused, that each node
// applies a change within 2 s while the storage answers, and that a node keeps its
// last known values while it does not. It does not validate values: cmd/scanlogin does, with the
// code that reads the file.
package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Bounds of what is stored.
const (
	maxHistory = 100       // changes that are remembered
	maxText    = 4 << 10   // bytes of a value: some hundred origins
	maxBytes   = 512 << 10 // of a whole layer
)

// Layer is all that lies over the file: a value, never changed in place.
type Layer struct {
	Version int64                       `json:"-"` // the storage's; 0: nothing was ever changed
	Pools   map[string]map[string]Value `json:"pools"`
	History []Change                    `json:"history"` // the last changes, newest first
}

// Value lies over the file's. The text is written as in the file; elements of a
// list have commas between.
type Value struct {
	Text string    `json:"text"`
	By   string    `json:"by"`
	At   time.Time `json:"at"`
}

// Change is what somebody did to one setting.
type Change struct {
	Pool    string    `json:"pool"`
	Setting string    `json:"setting"`
	Before  string    `json:"before"`          // in force
	After   string    `json:"after"`           // in force
	Reset   bool      `json:"reset,omitempty"` // it went back to the file's value
	By      string    `json:"by"`
	At      time.Time `json:"at"`
}

// Edit is a change to one pool that somebody asks for.
type Edit struct {
	Pool  string
	Mark  string            // of the pool's state on which the asker decided; "": any
	Set   map[string]string // by setting
	Reset []string          // settings that go back to the file's value
	By    string
}

// Problems are what is wrong with an edit, by setting; "" is all of it. Each
// says what is wrong and the cure.
type Problems map[string]string

func (p Problems) Error() string {
	var text string
	for i, setting := range slices.Sorted(maps.Keys(p)) {
		if i > 0 {
			text += "\n"
		}
		text += setting + ": " + p[setting]
	}
	return text
}

// With returns l after the edit: before are the pool's values that were in
// force, after those that will be. A setting that keeps its value is no change,
// and the result is l itself if nothing changes.
func (l Layer) With(e Edit, before, after map[string]string, now time.Time) Layer {
	values := maps.Clone(l.Pools[e.Pool])
	if values == nil {
		values = make(map[string]Value)
	}
	var changes []Change
	note := func(setting string, reset bool) {
		changes = append(changes, Change{e.Pool, setting, before[setting], after[setting], reset, e.By, now})
	}
	for _, setting := range slices.Sorted(maps.Keys(e.Set)) {
		if before[setting] != after[setting] {
			values[setting] = Value{after[setting], e.By, now}
			note(setting, false)
		}
	}
	for _, setting := range e.Reset {
		if _, ok := values[setting]; ok {
			delete(values, setting)
			note(setting, true)
		}
	}
	if len(changes) == 0 {
		return l
	}
	l.Pools = maps.Clone(l.Pools)
	if l.Pools == nil {
		l.Pools = make(map[string]map[string]Value)
	}
	l.Pools[e.Pool] = values
	if len(values) == 0 {
		delete(l.Pools, e.Pool)
	}
	l.History = slices.Concat(changes, l.History)
	l.History = l.History[:min(len(l.History), maxHistory)]
	l.Version++
	return l
}

var errTooLong = errors.New("is too long")

// encode returns l as it is stored.
func (l Layer) encode() (string, error) {
	text, err := json.Marshal(l)
	if err == nil && len(text) > maxBytes {
		err = fmt.Errorf("all settings together: %w", errTooLong)
	}
	return string(text), err
}

// decode reads what is stored. Whoever can write there may have left anything.
func decode(text string) (Layer, error) {
	var l Layer
	if len(text) > maxBytes {
		return l, errTooLong
	}
	if text == "" {
		return l, nil
	}
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		return Layer{}, err
	}
	for _, values := range l.Pools {
		maps.DeleteFunc(values, func(_ string, v Value) bool { return len(v.Text) > maxText })
	}
	l.History = l.History[:min(len(l.History), maxHistory)]
	return l, nil
}
