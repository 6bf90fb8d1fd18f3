// Command scanchaos soaks scanlogin in logins while everything under it breaks,
// and then judges what it saw: it runs real nodes on a real Redis, has pages,
// phones, sites and strangers use them at random, strikes with faults, and
// holds every answer against the contract. It exits with 1 if a promise was
// broken, and shows the history that proves it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

type commands struct {
	Run   runCommand   `cmd:"" help:"Soak, strike, judge."`
	Judge judgeCommand `cmd:"" help:"Judge once more what a run has kept (--keep)."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends us at once
	line := kong.Parse(new(commands), kong.Name("scanchaos"), kong.BindTo(ctx, (*context.Context)(nil)))
	if err := line.Run(); err != nil {
		fmt.Fprintf(os.Stderr, "scanchaos: %v\n", err)
		os.Exit(1)
	}
}
