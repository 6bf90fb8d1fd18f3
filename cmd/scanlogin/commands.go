package main

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/alecthomas/kong"

	"github.com/scanlogin/scanlogin/internal/pool"
)

type checkConfigCommand struct {
	configFlags
	Reference bool `help:"Print all keys of the configuration as a Markdown table instead."`
}

// Run says what is wrong, or what is unwise, or that all is well.
func (c *checkConfigCommand) Run(line *kong.Context, o output) error {
	if c.Reference {
		return printReference(o.out)
	}
	s, err := c.load(line)
	if err != nil {
		return err
	}
	for _, w := range s.warnings {
		fmt.Fprintf(o.err, "warning: %s\n", w)
	}
	_, err = fmt.Fprintf(o.out, "%s is good; pools: %d\n", c.Config, len(s.Pools))
	return err
}

type secretCommand struct {
	Webhook bool `help:"Print one that signs webhooks instead: whsec_ and base64."`
}

// Run prints 256 random bits, which no pool secret needs to exceed.
func (c secretCommand) Run(o output) error {
	if c.Webhook {
		var bits [32]byte
		rand.Read(bits[:]) // never fails (crypto/rand, Go 1.24)
		_, err := fmt.Fprintln(o.out, pool.FormatWebhookKey(bits))
		return err
	}
	_, err := fmt.Fprintln(o.out, randomText())
	return err
}

// randomText is 256 random bits in base64url, 43 characters.
func randomText() string {
	var bits [32]byte
	rand.Read(bits[:]) // never fails (crypto/rand, Go 1.24)
	return base64.RawURLEncoding.EncodeToString(bits[:])
}

type versionCommand struct{}

// Run prints what the Go toolchain wrote into the binary.
func (versionCommand) Run(o output) error {
	info, _ := debug.ReadBuildInfo()
	version, commit := build(info)
	_, err := fmt.Fprintf(o.out, "scanlogin %s (commit %s, %s)\n", version, commit, runtime.Version())
	return err
}

// build returns version and commit of a build; nil is one without module
// information.
func build(info *debug.BuildInfo) (version, commit string) {
	version, commit = "(devel)", "unknown"
	if info == nil {
		return version, commit
	}
	if info.Main.Version != "" {
		version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			commit += " with changes"
		}
	}
	return version, commit
}
