// Command bench measures what scanlogin costs and how fast it is: the memory of a
// waiting page, the time from a phone's step to the page, logins a second, and the
// reconnection of all pages at once. It starts nodes and a Redis itself, or measures
// a running deployment (--url). The command "run" measures scanlogin next to other
// servers and an older scanlogin, and writes docs/benchmarks.md. Every figure comes from the run and the
// machine that the output names.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/scanlogin/scanlogin/bench/peers"
)

type commands struct {
	Idle  idleCommand  `cmd:"" help:"Measure what waiting pages cost: memory, goroutines, CPU to connect and to wait."`
	Push  pushCommand  `cmd:"" help:"Measure the time from a phone's step to the page, at a fixed rate of steps."`
	Login loginCommand `cmd:"" help:"Measure whole logins (open, scan, confirm, exchange), as many per second as possible."`
	Storm stormCommand `cmd:"" help:"Cut all pages off at once and measure how they reconnect."`

	Run   runCommand   `cmd:"" help:"Measure scanlogin and its peers, and write the document."`
	Write writeCommand `cmd:"" help:"Write the document again from the figures of the last run."`

	Hold  holdCommand  `cmd:"" hidden:"" help:"Hold pages open for another command; the open files of one process are limited."`
	Serve serveCommand `cmd:"" hidden:"" help:"Run one of the peers."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	line := kong.Parse(new(commands), kong.Name("bench"),
		kong.Description("Measure scanlogin: nodes and a Redis that it starts, a deployment at --url, or next to its peers."),
		kong.BindTo(ctx, (*context.Context)(nil)))
	if err := line.Run(); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

type serveCommand struct {
	Kind    string `arg:"" enum:"centrifuge,comparable,echo"`
	Listen  string `required:""`
	Redis   string
	Scripts string
}

// Run is called by kong.
func (c *serveCommand) Run(ctx context.Context) error {
	switch c.Kind {
	case "centrifuge":
		return peers.Centrifuge(ctx, c.Listen, c.Redis)
	case "comparable":
		return peers.Comparable(ctx, c.Listen, c.Redis, userKey)
	default:
		return peers.Echo(ctx, c.Listen, c.Redis, c.Scripts)
	}
}

// progress reports progress on stderr; results go to stdout.
func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// pause waits and returns the error of ctx if that ends first.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
