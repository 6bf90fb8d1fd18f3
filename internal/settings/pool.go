package settings

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// Pool is a user pool with the settings that administrators may change.
type Pool struct {
	ID       string
	Name     string
	Settings []Setting
	Clients  []Client // OAuth clients, in the order of the file
}

// Client is an OAuth client of a pool. Administrators do not change it.
type Client struct{ ID, Name string }

// Setting is one setting of a pool and its values.
type Setting struct {
	Name      string   // key in the configuration, relative to the pool
	Label     string   // name in the console
	Kind      string   // as in the reference: duration, number, boolean, list, text or address
	Default   string   // value where the file has none; may be ""
	Choices   []string // the allowed values; nil: others
	About     string   // help, in Markdown
	Inherited string   // value of the server that "0" stands for, and its name; "": it stands for none
	File      string   // value in the file
	Now       string   // value in force
	Changed   bool     // an override is in force or was refused
	By        string   // author of the override
	At        time.Time
}

// Shown returns a value of the setting as people read it: a limit that the pool does not have
// is that of the server.
func (s Setting) Shown(text string) string {
	if text == "0" && s.Inherited != "" {
		return s.Inherited
	}
	return text
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

// Mark identifies the state of the settings. An edit with the mark of an older state is
// refused, whether the overrides or the file changed.
func (p Pool) Mark() string {
	h := sha256.New()
	for _, s := range p.Settings {
		fmt.Fprintf(h, "%q %q %q %t\n", s.Name, s.File, s.Now, s.Changed)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
