// Command scanchaos runs logins while it injects faults, and then checks the recorded
// history. It starts scanlogin nodes and Redis, simulates pages, phones, sites,
// OAuth clients and unproven watchers with random behavior, and checks every answer against the
// guarantees of docs/api.md. It exits with 1 if a guarantee was violated, and prints
// the events that prove it.
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
	Run   runCommand   `cmd:"" help:"Run scenarios, inject faults, and check the history."`
	Check checkCommand `cmd:"" help:"Check the history of an earlier run again (--keep)."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	line := kong.Parse(new(commands), kong.Name("scanchaos"), kong.BindTo(ctx, (*context.Context)(nil)))
	if err := line.Run(); err != nil {
		fmt.Fprintf(os.Stderr, "scanchaos: %v\n", err)
		os.Exit(1)
	}
}
