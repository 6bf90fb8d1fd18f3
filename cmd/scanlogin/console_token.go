package main

import (
	"fmt"

	"github.com/scanlogin/scanlogin/internal/admin"
)

type consoleTokenCommand struct {
	Name string `arg:"" optional:"" default:"admin" help:"Name of the administrator."`
}

// Run prints a new token, for its administrator only, and its hash for the configuration.
func (c consoleTokenCommand) Run(o output) error {
	token := admin.NewToken()
	_, err := fmt.Fprintf(o.out, "token, only for %s: %s\n\nfor the configuration of all nodes:\n\nconsole:\n  tokens:\n    - {name: %q, sha256: %x}\n",
		c.Name, token, c.Name, admin.HashToken(token))
	return err
}
