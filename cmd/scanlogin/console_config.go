package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/scanlogin/scanlogin/internal/admin"
)

// checkConsole checks who the administrators are.
func (d *document) checkConsole(c *consoleConfig) {
	switch {
	case c == nil && !d.given("console"):
		return
	case c == nil || len(c.Tokens) == 0:
		d.refuse("console", "needs tokens: at least one with name and sha256; `scanlogin console-token` makes them")
		return
	case d.config.OpsListen == "":
		d.refuse("console", "needs ops_listen, because it is never on the public listener")
	}
	names := make(map[string]bool)
	for i, t := range c.Tokens {
		at := fmt.Sprintf("console.tokens[%d]", i)
		if utf8.RuneCountInString(t.Name) > maxNameRunes || strings.ContainsFunc(t.Name, unicode.IsControl) {
			d.refuse(at+".name", fmt.Sprintf("must be at most %d characters in one line", maxNameRunes))
		}
		if names[t.Name] && t.Name != "" {
			d.refuse(at+".name", "is taken; each administrator needs a name of their own")
		}
		names[t.Name] = true
		if hash, err := hex.DecodeString(t.SHA256); err != nil || len(hash) != sha256.Size {
			d.refuse(at+".sha256", "must be the 64 hexadecimal digits that `scanlogin console-token` prints; not the token itself")
		}
	}
}

// admins returns who may use the console.
func (c config) admins() []admin.Admin {
	if c.Console == nil {
		return nil
	}
	admins := make([]admin.Admin, len(c.Console.Tokens))
	for i, t := range c.Console.Tokens {
		admins[i].Name = t.Name
		_, _ = hex.Decode(admins[i].Hash[:], []byte(t.SHA256)) // it was checked
	}
	return admins
}

type consoleTokenCommand struct {
	Name string `arg:"" optional:"" default:"admin" help:"Who it is for."`
}

// Run prints a new token, for the administrator alone, and what the
// configuration has of it.
func (c consoleTokenCommand) Run(o output) error {
	token := admin.NewToken()
	_, err := fmt.Fprintf(o.out, "token, for %s alone: %s\n\nfor the configuration of all nodes:\n\nconsole:\n  tokens:\n    - {name: %q, sha256: %x}\n",
		c.Name, token, c.Name, admin.HashToken(token))
	return err
}
