// Command scanlogin is the server and its tools: it reads the configuration,
// puts the packages together and runs them. Whatever is wrong with a
// configuration is named at once, with its place; whatever is secret in it is
// never shown.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/redis/go-redis/v9"
)

// What the process answers to its caller.
const (
	exitOK      = 0
	exitFailure = 1 // it was tried, and failed or was refused
	exitUsage   = 2 // the command line or the configuration is wrong
)

// gcPercent bounds the garbage beside what waiting pages hold to half as much;
// Go's default is as much again. With 10,000 pages: 7.4 KB a page, as the system
// sees it, instead of 9.9, for 12 % more CPU when 18,000 come at once.
const gcPercent = 50

func main() {
	ctx := untilSignal()
	redis.SetLogger(silence{})
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	os.Exit(run(ctx, os.Args[1:], output{os.Stdout, os.Stderr}))
}

// untilSignal returns a context that ends with the first SIGINT or SIGTERM. The
// second ends the process at once, with the exit code by which shells know it.
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

// silence takes the place of go-redis's logger, one for the process, which
// writes lines of its own form to stderr about what our log tells as well.
type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

// output is where a command writes: what was asked for, and what is said about it.
type output struct {
	out, err io.Writer
}

// commands is the command line.
type commands struct {
	Demo         demoCommand         `cmd:"" help:"Try it: everything in memory, one pool, three users."`
	Serve        serveCommand        `cmd:"" help:"Run the server. SIGHUP reads pools and signing keys anew."`
	CheckConfig  checkConfigCommand  `cmd:"" help:"Say everything that is wrong with a configuration; exit code 2 if anything is."`
	Phone        phoneCommand        `cmd:"" help:"Act as the phone: scan, confirm or cancel a code."`
	Pool         poolCommand         `cmd:"" help:"See and change settings of pools on all nodes, as the console does; Redis is needed."`
	Healthcheck  healthcheckCommand  `cmd:"" help:"Ask whether the server is ready: exit code 0 or 1, for containers."`
	Webhooks     webhooksCommand     `cmd:"" help:"List the webhook messages that were given up, or send them again."`
	Secret       secretCommand       `cmd:"" help:"Print a good random secret: 32 bytes in base64url."`
	ConsoleToken consoleTokenCommand `cmd:"" help:"Print a new token for the console, and what the configuration has of it."`
	Version      versionCommand      `cmd:"" help:"Print version, commit and Go version."`
}

// run does what args say until it is done or ctx ends, and returns the exit code.
func run(ctx context.Context, args []string, o output) int {
	helped := false
	parser := kong.Must(new(commands),
		kong.Name("scanlogin"),
		kong.Description("Self-hosted \"scan the code with your app to log in\"."),
		kong.Writers(o.out, o.err),
		kong.Exit(func(int) { helped = true }), // kong calls it after --help alone
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(o),
	)
	selected, err := parser.Parse(args)
	if helped {
		return exitOK
	}
	if err != nil {
		fmt.Fprintf(o.err, "scanlogin: %s; see scanlogin --help\n", usage(err))
		return exitUsage
	}
	return report(o.err, selected.Run())
}

// usage is what kong says of a wrong command line, without the value that it
// may quote: a secret that was typed in the wrong place, or begins like a flag,
// as PEM does, shall not also stand in a log.
func usage(err error) string {
	text, _, _ := strings.Cut(err.Error(), " but got ")
	text, _, _ = strings.Cut(text, "\n")
	words := strings.Fields(text)
	for i, word := range words {
		if len(word) > len("--")+longestKey {
			words[i] = "…"
		}
	}
	return strings.Join(words, " ")
}

// report tells w about err and returns the exit code for it.
func report(w io.Writer, err error) int {
	if err == nil {
		return exitOK
	}
	if all, ok := errors.AsType[problems](err); ok {
		fmt.Fprintln(w, all)
		return exitUsage
	}
	fmt.Fprintf(w, "scanlogin: %v\n", err)
	return exitFailure
}
