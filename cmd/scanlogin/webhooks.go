package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/alecthomas/kong"

	"github.com/scanlogin/scanlogin/internal/app"
	"github.com/scanlogin/scanlogin/internal/webhook"
)

// webhooksCommand is for dead letters: messages that a receiver refused, or did not accept
// for a day.
type webhooksCommand struct {
	List   webhooksListCommand   `cmd:"" help:"Print the dead letters, newest first, one JSON object per line."`
	Resend webhooksResendCommand `cmd:"" help:"Send them again, like new messages."`
}

// deadLettersFlags name a pool, and its server by the configuration.
type deadLettersFlags struct {
	configFlags
	Pool string `required:"" placeholder:"ID" help:"User pool."`
}

// with calls use with the dead letters of all nodes.
func (f deadLettersFlags) with(line *kong.Context, use func(webhook.DeadLetters) error) error {
	c, err := f.load(line)
	if err != nil {
		return err
	}
	return app.WithDeadLetters(c, f.Pool, use)
}

type webhooksListCommand struct {
	deadLettersFlags
	Limit int `default:"100" help:"Most messages to print."`
}

// Run prints the dead letters of a pool.
func (c *webhooksListCommand) Run(ctx context.Context, line *kong.Context, o output) error {
	return c.with(line, func(dead webhook.DeadLetters) error {
		messages, err := dead.List(ctx, c.Pool, c.Limit)
		if err != nil {
			return err
		}
		encoder := json.NewEncoder(o.out)
		for _, m := range messages {
			if err := encoder.Encode(m); err != nil {
				return err
			}
		}
		return nil
	})
}

type webhooksResendCommand struct {
	deadLettersFlags
	IDs []string `arg:"" optional:"" name:"id" help:"Their webhook-ids, as list prints them."`
	All bool     `help:"All messages of the pool, instead of ids."`
}

// Run queues dead letters again.
func (c *webhooksResendCommand) Run(ctx context.Context, line *kong.Context, o output) error {
	if c.All == (len(c.IDs) > 0) {
		return errors.New("give the ids of the messages, or --all")
	}
	return c.with(line, func(dead webhook.DeadLetters) error {
		n, err := dead.Resend(ctx, c.Pool, c.IDs...)
		fmt.Fprintf(o.out, "queued again: %d\n", n)
		return err
	})
}
