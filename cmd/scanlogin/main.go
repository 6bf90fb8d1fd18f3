// Command scanlogin is the server and its tools. It parses the command line, calls
// internal/app and internal/config, and prints the result. No secret is printed, not even
// one that is in the wrong place of the command line.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/scanlogin/scanlogin/internal/config"
	"github.com/scanlogin/scanlogin/internal/garbage"
	"github.com/scanlogin/scanlogin/internal/redisclient"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1 // the command failed or was refused
	exitUsage   = 2 // the command line or the configuration is invalid
)

// exitCodes documents them in the help.
const exitCodes = "Exit codes: 0 success; 1 the command failed or was refused; 2 the command line or the configuration is invalid."

// usageError is the error of a command line that is invalid in a way that the parser cannot
// see, such as an address that is none. It wraps the reason.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// memoryPolicy costs little CPU under load, and 10,000 pages that wait 6 KB of resident memory
// each (DECISIONS.md).
var memoryPolicy = garbage.Policy{Percent: 100, Minimum: 32 << 20}

func main() {
	ctx := untilSignal()
	redisclient.DiscardLog()
	garbage.Apply(memoryPolicy)
	os.Exit(run(ctx, os.Args[1:], output{os.Stdout, os.Stderr}))
}

// untilSignal returns a context that ends at the first SIGINT or SIGTERM. The second signal
// ends the process at once, with the exit code that shells expect.
func untilSignal() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		code := exitFailure
		if number, ok := (<-signals).(syscall.Signal); ok {
			code = 128 + int(number)
		}
		os.Exit(code)
	}()
	return ctx
}

// output is where a command writes: its result to out, messages to err.
type output struct {
	out, err io.Writer
}

// commands is the command line.
type commands struct {
	Demo         demoCommand         `cmd:"" help:"Try it: everything in memory, one pool, three users."`
	Init         initCommand         `cmd:"" help:"Write a commented configuration to start from; an existing file is not changed."`
	Serve        serveCommand        `cmd:"" help:"Run the server. SIGHUP reads pools and signing keys again."`
	CheckConfig  checkConfigCommand  `cmd:"" help:"Print everything that is wrong with a configuration; exit code 2 if anything is."`
	Phone        phoneCommand        `cmd:"" help:"Act as the phone: scan, confirm or cancel a code."`
	Pool         poolCommand         `cmd:"" help:"Show and change settings of pools on all nodes, as the console does. Needs Redis."`
	Healthcheck  healthcheckCommand  `cmd:"" help:"Ask whether the server is ready: exit code 1 if it is not, for containers."`
	Webhooks     webhooksCommand     `cmd:"" help:"List webhook messages that could not be delivered, or send them again."`
	Forget       forgetCommand       `cmd:"" help:"Remove what Redis stores about a user: for requests to erase personal data."`
	Secret       secretCommand       `cmd:"" help:"Print a random secret: 32 bytes in base64url."`
	ConsoleToken consoleTokenCommand `cmd:"" help:"Print a new token for the console, and its hash for the configuration."`
	Version      versionCommand      `cmd:"" help:"Print version, commit, date and Go version."`
	Help         helpCommand         `cmd:"" help:"Show the help of a command, as --help does."`

	ShowVersion kong.VersionFlag `name:"version" help:"The same as the command version."`
}

// newCommands returns a command line whose commands share the flags for settings.
func newCommands() *commands {
	c, flags := new(commands), overrideFlags()
	for _, f := range []*configFlags{
		&c.Serve.configFlags, &c.CheckConfig.configFlags, &c.Webhooks.List.configFlags, &c.Webhooks.Resend.configFlags, &c.Forget.configFlags,
		&c.Pool.List.configFlags, &c.Pool.Show.configFlags, &c.Pool.Set.configFlags, &c.Pool.Reset.configFlags,
	} {
		f.Overrides = flags
	}
	c.Healthcheck.Overrides = overrideFlags("ops_listen")
	return c
}

// run executes a command line until it is done or ctx ends, and returns the exit code.
func run(ctx context.Context, args []string, o output) int {
	done := false
	parser := kong.Must(newCommands(),
		kong.Name("scanlogin"),
		kong.Description("Self-hosted \"scan the code with your app to log in\".\n\n"+exitCodes),
		kong.Writers(o.out, o.err),
		kong.Exit(func(int) { done = true }), // kong calls it only after --help and --version
		kong.Vars{"version": versionLine()},
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(o),
	)
	if len(args) > 0 && args[0] == "help" {
		args = append(args[1:len(args):len(args)], "--help")
	}
	selected, err := parser.Parse(args)
	if done {
		return exitOK
	}
	if err != nil {
		fmt.Fprintf(o.err, "scanlogin: %s; see scanlogin --help\n", usage(err))
		return exitUsage
	}
	return report(o.err, selected.Run())
}

// usage returns the error of kong about a command line without values, which it may quote:
// a secret in the wrong place, or one that begins like a flag, as PEM does, must not appear
// in a log.
func usage(err error) string {
	text, _, _ := strings.Cut(err.Error(), " but got ")
	text, _, _ = strings.Cut(text, "\n")
	words := strings.Fields(text)
	for i, word := range words {
		if len(word) > len("--")+config.MaxKeyLength {
			words[i] = "…"
		}
	}
	return strings.Join(words, " ")
}

// report writes err to w and returns its exit code.
func report(w io.Writer, err error) int {
	if err == nil {
		return exitOK
	}
	if all, ok := errors.AsType[config.Problems](err); ok {
		fmt.Fprintln(w, all)
		return exitUsage
	}
	fmt.Fprintf(w, "scanlogin: %v\n", err)
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	return exitFailure
}
