// Command bench measures scanlogin beside what could be used in its place, and
// beside the floors that nothing on the same libraries can go below: all in one
// run, on one machine, taking turns. It writes docs/benchmarks.md, and whatever
// stands there was measured in the run that it names.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/scanlogin/scanlogin/bench/peers"
)

type commands struct {
	Run   runCommand   `cmd:"" default:"withargs" help:"Measure everything and write the document."`
	Write writeCommand `cmd:"" help:"Write the document anew from the figures of the last run."`
	Hold  holdCommand  `cmd:"" hidden:"" help:"Hold pages; a process has only so many files."`
	Serve serveCommand `cmd:"" hidden:"" help:"Be one of the servers that are compared."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends us at once
	line := kong.Parse(new(commands), kong.Name("bench"), kong.Description("Measure scanlogin beside its peers."),
		kong.BindTo(ctx, (*context.Context)(nil)))
	if err := line.Run(); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

type serveCommand struct {
	Kind    string `arg:"" enum:"centrifuge,websocket,echo"`
	Listen  string `required:""`
	Redis   string
	Scripts string
}

// Run is called by kong.
func (c *serveCommand) Run(ctx context.Context) error {
	switch c.Kind {
	case "centrifuge":
		return peers.Centrifuge(ctx, c.Listen, c.Redis)
	case "websocket":
		return peers.Socket(ctx, c.Listen)
	default:
		return peers.Echo(ctx, c.Listen, c.Redis, c.Scripts)
	}
}

func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
