// Command scanbench measures what scanlogin costs and how fast it is, from
// outside: the memory of a waiting page, the time from a phone's step to the
// page, logins a second, and everybody coming back at once. It starts nodes and
// a Redis of its own, or measures a deployment that runs (--url). Whatever it
// prints was measured in that run, on the machine that it names.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

type commands struct {
	Idle  idleCommand  `cmd:"" help:"What waiting pages cost: memory, goroutines, CPU to connect and to wait."`
	Push  pushCommand  `cmd:"" help:"Time from a phone's step to the page, at a rate of steps."`
	Login loginCommand `cmd:"" help:"Whole logins (open, scan, confirm, exchange), as many a second as go."`
	Storm stormCommand `cmd:"" help:"All pages lose their connection at once, and come back."`
	Hold  holdCommand  `cmd:"" hidden:"" help:"Hold pages for idle; a process has only so many files."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends us at once
	line := kong.Parse(new(commands), kong.Name("scanbench"),
		kong.Description("Measure scanlogin: with nodes and a Redis of its own, or at --url."),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(output{os.Stdout, os.Stderr}))
	if err := line.Run(); err != nil {
		fmt.Fprintf(os.Stderr, "scanbench: %v\n", err)
		os.Exit(1)
	}
}

// output is where a command writes: what it found, and how far it is.
type output struct{ out, progress io.Writer }

func (o output) say(format string, args ...any) { fmt.Fprintf(o.progress, format+"\n", args...) }
