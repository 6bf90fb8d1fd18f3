package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/alecthomas/kong"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/internal/webhook"
	"github.com/scanlogin/scanlogin/internal/webhook/queue"
)

// webhooksCommand is for dead letters: messages that a receiver did not take
// for a day, or wanted no more of.
type webhooksCommand struct {
	List   webhooksListCommand   `cmd:"" help:"Print them, the newest first, one JSON object a line."`
	Resend webhooksResendCommand `cmd:"" help:"Send them again, as if they had just happened."`
}

// lettersFlags name a pool, and with the configuration where its letters are.
type lettersFlags struct {
	configFlags
	Pool string `required:"" placeholder:"ID" help:"The user pool."`
}

var errNoRedis = errors.New("redis_url is not set: a server without Redis keeps these messages in its own memory, where no command reaches them")

// with opens what the nodes share, and hands the dead letters to do.
func (f lettersFlags) with(line *kong.Context, do func(webhook.DeadLetters) error) error {
	s, err := f.load(line)
	if err != nil {
		return err
	}
	if s.RedisURL == "" {
		return errNoRedis
	}
	if pool.NewRegistry(s.Pools...).ByID(f.Pool) == nil {
		return fmt.Errorf("--pool: the configuration has no pool %q", f.Pool)
	}
	client, err := redisclient.Open(redisclient.Options{URL: string(s.RedisURL), Prefix: s.KeyPrefix})
	if err != nil {
		return err
	}
	return errors.Join(do(webhook.DeadLetters{Queue: queue.NewRedis(client)}), client.Close())
}

type webhooksListCommand struct {
	lettersFlags
	Limit int `default:"100" help:"How many."`
}

// Run prints a pool's dead letters.
func (c *webhooksListCommand) Run(ctx context.Context, line *kong.Context, o output) error {
	return c.with(line, func(dead webhook.DeadLetters) error {
		letters, err := dead.List(ctx, c.Pool, c.Limit)
		if err != nil {
			return err
		}
		encoder := json.NewEncoder(o.out)
		for _, l := range letters {
			if err := encoder.Encode(l); err != nil {
				return err
			}
		}
		return nil
	})
}

type webhooksResendCommand struct {
	lettersFlags
	IDs []string `arg:"" optional:"" name:"id" help:"Their webhook-ids, as list prints them."`
	All bool     `help:"All of the pool, in the place of ids."`
}

// Run queues dead letters anew.
func (c *webhooksResendCommand) Run(ctx context.Context, line *kong.Context, o output) error {
	if c.All == (len(c.IDs) > 0) {
		return errors.New("name the ids of the messages, or --all of them")
	}
	return c.with(line, func(dead webhook.DeadLetters) error {
		n, err := dead.Resend(ctx, c.Pool, c.IDs...)
		fmt.Fprintf(o.out, "queued anew: %d\n", n)
		return err
	})
}
