package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/user"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/alecthomas/kong"

	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/internal/settings"
)

type poolCommand struct {
	List  poolListCommand  `cmd:"" help:"List the pools, and what is changed of each."`
	Show  poolShowCommand  `cmd:"" help:"Show a pool's settings: what is in force, and what the file says."`
	Set   poolSetCommand   `cmd:"" help:"Change settings; every node uses them within 2 s."`
	Reset poolResetCommand `cmd:"" help:"Have settings go back to the file's values."`
}

type poolListCommand struct{ configFlags }

type poolShowCommand struct {
	configFlags
	Pool string `arg:"" help:"Id of the pool."`
}

type poolSetCommand struct {
	configFlags
	As       string            `placeholder:"NAME" help:"Who changes it, for the history; by default you, as the system knows you."`
	Pool     string            `arg:"" help:"Id of the pool."`
	Settings map[string]string `arg:"" mapsep:"none" help:"Such as code_ttl=90s; lists have commas between: origins=https://a.example.com,https://b.example.com."`
}

type poolResetCommand struct {
	configFlags
	As       string   `placeholder:"NAME" help:"Who changes it, for the history; by default you, as the system knows you."`
	Pool     string   `arg:"" help:"Id of the pool."`
	Settings []string `arg:"" help:"Such as code_ttl."`
}

// poolTime bounds a command: some calls of the store, each with its own bound.
const poolTime = 10 * time.Second

// atDesk does something with the settings that are stored for the nodes of a
// configuration.
func (f configFlags) atDesk(ctx context.Context, line *kong.Context, o output, do func(context.Context, *desk) error) error {
	s, err := f.load(line)
	if err != nil {
		return err
	}
	switch {
	case s.RedisURL == "":
		return errors.New("redis_url is not set, so settings are in the memory of the server alone: change them in its console, at /console on ops_listen")
	case s.config.Console == nil:
		return errors.New("console is not configured, so no node looks for changed settings; `scanlogin console-token` prints what to add")
	}
	client, err := redisclient.Open(redisclient.Options{URL: string(s.RedisURL), Prefix: s.KeyPrefix})
	if err != nil {
		return err
	}
	defer client.Close()
	log := slog.New(slog.NewTextHandler(o.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	d := newDesk(s, log)
	d.keeper = settings.NewKeeper(kv.NewRedis(client), d.cover, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithTimeout(ctx, poolTime)
	defer cancel()
	if err := d.keeper.Read(ctx); err != nil {
		return fmt.Errorf("redis does not answer: %w", err)
	}
	return do(ctx, d)
}

// Run lists the pools.
func (c *poolListCommand) Run(ctx context.Context, line *kong.Context, o output) error {
	return c.atDesk(ctx, line, o, func(_ context.Context, d *desk) error {
		return table(o.out, "POOL\tNAME\tCHANGED", func(w io.Writer) {
			for _, p := range d.Pools() {
				var changed []string
				for _, s := range p.Settings {
					if s.Changed {
						changed = append(changed, s.Name)
					}
				}
				fmt.Fprintf(w, "%s\t%s\t%s\n", p.ID, p.Name, strings.Join(changed, " "))
			}
		})
	})
}

// Run shows a pool.
func (c *poolShowCommand) Run(ctx context.Context, line *kong.Context, o output) error {
	return c.atDesk(ctx, line, o, func(_ context.Context, d *desk) error {
		for _, p := range d.Pools() {
			if p.ID == c.Pool {
				return showPool(o.out, p)
			}
		}
		return fmt.Errorf("%s: there is no such pool in %s", c.Pool, c.Config)
	})
}

func showPool(w io.Writer, p settings.Pool) error {
	return table(w, "SETTING\tIN FORCE\tIN THE FILE\tCHANGED BY\tAT", func(w io.Writer) {
		for _, s := range p.Settings {
			at := ""
			if s.Changed {
				at = s.At.UTC().Format(time.RFC3339)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", s.Name, s.Now, s.File, s.By, at)
		}
	})
}

// table writes rows under a head, in columns.
func table(to io.Writer, head string, rows func(io.Writer)) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, head)
	rows(w)
	return w.Flush()
}

// Run changes settings.
func (c *poolSetCommand) Run(ctx context.Context, line *kong.Context, o output) error {
	return c.edit(ctx, line, o, settings.Edit{Pool: c.Pool, Set: c.Settings, By: c.As})
}

// Run takes changes back.
func (c *poolResetCommand) Run(ctx context.Context, line *kong.Context, o output) error {
	return c.edit(ctx, line, o, settings.Edit{Pool: c.Pool, Reset: c.Settings, By: c.As})
}

// edit makes an edit and prints what it changed.
func (f configFlags) edit(ctx context.Context, line *kong.Context, o output, e settings.Edit) error {
	if e.By == "" {
		me, err := user.Current()
		if err != nil {
			return fmt.Errorf("the system does not know you; say who you are with --as: %w", err)
		}
		e.By = me.Username
	}
	return f.atDesk(ctx, line, o, func(ctx context.Context, d *desk) error {
		before := d.keeper.Layer().Version
		err := d.Change(ctx, e)
		if problems, ok := errors.AsType[settings.Problems](err); ok {
			return problems
		}
		if errors.Is(err, kv.ErrStale) {
			return errors.New("others go on changing settings; try again")
		}
		if err != nil {
			return fmt.Errorf("redis does not answer; whether it was changed is not known, see scanlogin pool show: %w", err)
		}
		if d.keeper.Layer().Version == before {
			_, err := fmt.Fprintln(o.out, "nothing to change: it is so already")
			return err
		}
		return printNews(o.out, d.History())
	})
}

// printNews prints the newest changes, which were made at one instant.
func printNews(w io.Writer, history []settings.Change) error {
	for _, c := range history {
		if !c.At.Equal(history[0].At) {
			break
		}
		if _, err := fmt.Fprintf(w, "%s: %s: %q, before %q\n", c.Pool, c.Setting, c.After, c.Before); err != nil {
			return err
		}
	}
	return nil
}
