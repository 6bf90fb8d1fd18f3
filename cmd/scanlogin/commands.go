package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"runtime"

	"github.com/alecthomas/kong"

	"github.com/scanlogin/scanlogin/internal/app"
	"github.com/scanlogin/scanlogin/internal/config"
	"github.com/scanlogin/scanlogin/internal/pool"
)

type demoCommand struct {
	Listen    string `default:"127.0.0.1:8080" help:"Listener, as host:port; with :8080, phones in the same network can connect."`
	PublicURL string `placeholder:"URL" help:"Address for browsers and phones, if it is another one."`
	Match     bool   `help:"The phone must send the number on the page."`
}

// Run serves the demo until ctx ends.
func (c *demoCommand) Run(ctx context.Context, o output) error {
	return app.Demo(ctx, app.DemoOptions{Listen: c.Listen, PublicURL: c.PublicURL, Match: c.Match}, o.out, o.err)
}

type serveCommand struct{ configFlags }

// Run serves until ctx ends.
func (c *serveCommand) Run(ctx context.Context, line *kong.Context, o output) error {
	return app.Serve(ctx, func() (*config.Config, error) { return c.load(line) }, o.out, o.err)
}

type checkConfigCommand struct {
	configFlags
	Reference bool `help:"Print all settings as a Markdown table instead."`
}

// Run prints the errors and warnings of a configuration.
func (c *checkConfigCommand) Run(line *kong.Context, o output) error {
	if c.Reference {
		return config.WriteReference(o.out)
	}
	s, err := c.load(line)
	if err != nil {
		return err
	}
	for _, w := range s.Warnings {
		fmt.Fprintf(o.err, "warning: %s\n", w)
	}
	_, err = fmt.Fprintf(o.out, "%s is valid; pools: %d\n", c.Config, len(s.Pools))
	return err
}

type secretCommand struct {
	Webhook bool `help:"Print a secret that signs webhooks instead: whsec_ and base64."`
}

// Run prints 256 random bits, which is enough for any of the secrets.
func (c secretCommand) Run(o output) error {
	var bits [32]byte
	rand.Read(bits[:]) // never fails (crypto/rand, Go 1.24)
	text := base64.RawURLEncoding.EncodeToString(bits[:])
	if c.Webhook {
		text = pool.FormatWebhookKey(bits)
	}
	_, err := fmt.Fprintln(o.out, text)
	return err
}

type versionCommand struct{}

// Run prints what the Go toolchain recorded in the binary.
func (versionCommand) Run(o output) error {
	_, err := fmt.Fprintln(o.out, versionLine())
	return err
}

// versionLine is the output of version and --version.
func versionLine() string {
	return fmt.Sprintf("scanlogin %s %s %s/%s", app.BuildVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
