package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/alecthomas/kong"

	"github.com/scanlogin/scanlogin/internal/app"
)

type forgetCommand struct {
	configFlags
	Pool string `arg:"" help:"Id of the pool."`
	User string `arg:"" help:"Id of the user: the 'sub' of the phone's token, or the id that the app's back end names."`
}

// Help is the second part of the command's help.
func (forgetCommand) Help() string {
	return "Removes the user's known browsers, counters, waiting webhook messages and dead letters from Redis. " +
		"Codes end by themselves within minutes. Lines of the audit trail and of logs stay: see docs/privacy.md."
}

// Run removes what is stored about a user. No part of the output contains the user's id.
func (c *forgetCommand) Run(ctx context.Context, line *kong.Context, o output) error {
	if c.User == "" {
		return errors.New("the user's id is empty")
	}
	s, err := c.load(line)
	if err != nil {
		return err
	}
	f, err := app.Forget(ctx, s, c.Pool, c.User)
	if errors.Is(err, app.ErrCannotForget) {
		return err
	}
	fmt.Fprintf(o.out, "removed: known browsers: %d, logins at clients: %d, webhook messages: %d, dead letters: %d; counters were reset\n", f.Browsers, f.Logins, f.Webhook.Waiting, f.Webhook.DeadLetters)
	if err != nil {
		return fmt.Errorf("not everything was removed, try again: %w", err)
	}
	_, err = fmt.Fprintln(o.out, "not removed: lines of the audit trail, of logs and of receivers; codes and their users until they end (docs/privacy.md)")
	return err
}
