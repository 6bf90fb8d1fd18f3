package settings

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// Pool is a user pool as administrators see it.
type Pool struct {
	ID       string
	Name     string
	Settings []Setting
}

// Setting is one of a pool's settings with what it is now.
type Setting struct {
	Name    string // as in the configuration
	Label   string // what people know it as
	Kind    string // as in the reference: duration, number, boolean, list, text or address
	Default string // where the file says nothing; "": nothing
	About   string
	File    string // the file's value
	Now     string // the value in force
	Changed bool   // a value lies over the file's
	By      string // who changed it
	At      time.Time
}

// Setting returns the setting of that name.
func (p Pool) Setting(name string) (Setting, bool) {
	for _, s := range p.Settings {
		if s.Name == name {
			return s, true
		}
	}
	return Setting{}, false
}

// Mark names the state of the pool's settings, so that an edit that was decided
// on another one is noticed, whoever or whatever changed it.
func (p Pool) Mark() string {
	h := sha256.New()
	for _, s := range p.Settings {
		fmt.Fprintf(h, "%q %q %q %t\n", s.Name, s.File, s.Now, s.Changed)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
