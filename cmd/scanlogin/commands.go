package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"runtime"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/scanlogin/scanlogin/internal/app"
	"github.com/scanlogin/scanlogin/internal/config"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/secret"
)

type demoCommand struct {
	Listen    string `default:"127.0.0.1:8080" help:"Listener, as host:port; with :8080, phones in the same network can connect."`
	PublicURL string `placeholder:"URL" help:"Address for browsers and phones, if it is another one."`
	Match     bool   `help:"The phone must send the number on the page."`
	StepUp    bool   `help:"The phone's user must log in to the app again before they agree."`
}

// Run serves the demo until ctx ends.
func (c *demoCommand) Run(ctx context.Context, o output) error {
	options := app.DemoOptions{Listen: c.Listen, Match: c.Match, StepUp: c.StepUp}
	if c.PublicURL != "" {
		var err error
		if options.PublicURL, err = config.ParseOrigin(strings.TrimSuffix(c.PublicURL, "/")); err != nil {
			return usageError{fmt.Errorf("--public-url: %w", err)}
		}
	}
	return app.Demo(ctx, options, o.out, o.err)
}

// initCommand does not use configFlags, because there are no values to override.
type initCommand struct {
	Config string `default:"scanlogin.yaml" env:"SCANLOGIN_CONFIG" help:"File to write."`
}

// Run writes the file with a new secret.
func (c *initCommand) Run(o output) error {
	if err := config.WriteStarter(c.Config, secret.Random()); err != nil {
		return err
	}
	_, err := fmt.Fprintf(o.out, "%s is written, with a new secret for its pool; next: scanlogin serve --config %s\n", c.Config, c.Config)
	return err
}

type serveCommand struct{ configFlags }

// Run serves until ctx ends.
func (c *serveCommand) Run(ctx context.Context, line *kong.Context, o output) error {
	return app.Serve(ctx, func() (*config.Config, error) { return c.load(line) }, o.out, o.err)
}

type checkConfigCommand struct {
	configFlags
	Reference bool `help:"Print all settings as a Markdown table instead."`
	Guard     bool `help:"Also print which settings Authing's login widget Guard needs and a pool does not have; exit code 1 if any."`
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
	if _, err = fmt.Fprintf(o.out, "%s is valid; pools: %d\n", c.Config, len(s.Pools)); err != nil || !c.Guard {
		return err
	}
	return pool.CheckForGuard(o.out, s.UserPools)
}

type secretCommand struct {
	Webhook bool `help:"Print a secret that signs webhooks instead: whsec_ and base64."`
}

// Run prints 256 random bits, which is enough for any of the secrets.
func (c secretCommand) Run(o output) error {
	text := string(secret.Random())
	if c.Webhook {
		var key [32]byte
		rand.Read(key[:]) // never fails (crypto/rand, Go 1.24)
		text = pool.FormatWebhookKey(key)
	}
	_, err := fmt.Fprintln(o.out, text)
	return err
}

// helpCommand is only for the list of commands: run turns it into --help.
type helpCommand struct {
	Command []string `arg:"" optional:"" help:"Such as phone scan."`
}

// Run is not called.
func (helpCommand) Run() error { return nil }

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
