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

	"github.com/scanlogin/scanlogin/internal/app"
	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/settings"
)

type poolCommand struct {
	List  poolListCommand  `cmd:"" help:"List the pools and their changed settings."`
	Show  poolShowCommand  `cmd:"" help:"Show the settings of a pool: in force, and in the file."`
	Set   poolSetCommand   `cmd:"" help:"Change settings; every node applies them within 2 s."`
	Reset poolResetCommand `cmd:"" help:"Return settings to their values in the file."`
}

type poolListCommand struct{ configFlags }

type poolShowCommand struct {
	configFlags
	Pool string `arg:"" help:"Id of the pool."`
}

type poolSetCommand struct {
	configFlags
	As       string            `placeholder:"NAME" help:"Author of the change, for the history; by default your user name."`
	Pool     string            `arg:"" help:"Id of the pool."`
	Settings map[string]string `arg:"" mapsep:"none" help:"Such as code_ttl=90s. Separate the elements of a list with commas: origins=https://a.example.com,https://b.example.com."`
}

type poolResetCommand struct {
	configFlags
	As       string   `placeholder:"NAME" help:"Author of the change, for the history; by default your user name."`
	Pool     string   `arg:"" help:"Id of the pool."`
	Settings []string `arg:"" help:"Such as code_ttl."`
}

// poolTimeout limits a command, which makes a few calls of the store.
const poolTimeout = 10 * time.Second

// with calls use with an editor of the settings of all nodes.
func (f configFlags) with(ctx context.Context, line *kong.Context, o output, use func(context.Context, *settings.Editor) error) error {
	c, err := f.load(line)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, poolTimeout)
	defer cancel()
	log := slog.New(slog.NewTextHandler(o.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	return app.WithPoolEditor(ctx, c, log, func(e *settings.Editor) error { return use(ctx, e) })
}

// Run lists the pools.
func (c *poolListCommand) Run(ctx context.Context, line *kong.Context, o output) error {
	return c.with(ctx, line, o, func(_ context.Context, e *settings.Editor) error {
		return table(o.out, "POOL\tNAME\tCHANGED", func(w io.Writer) {
			for _, p := range e.Pools() {
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
	return c.with(ctx, line, o, func(_ context.Context, e *settings.Editor) error {
		for _, p := range e.Pools() {
			if p.ID == c.Pool {
				return showPool(o.out, p)
			}
		}
		return e.NoPool(c.Pool)
	})
}

func showPool(w io.Writer, p settings.Pool) error {
	return table(w, "SETTING\tIN FORCE\tIN THE FILE\tCHANGED BY\tAT", func(w io.Writer) {
		for _, s := range p.Settings {
			at := ""
			if s.Changed {
				at = s.At.UTC().Format(time.RFC3339)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", s.Name, s.Shown(s.Now), s.Shown(s.File), s.By, at)
		}
	})
}

// table writes rows under a header, in aligned columns.
func table(to io.Writer, header string, rows func(io.Writer)) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, header)
	rows(w)
	return w.Flush()
}

// Run changes settings.
func (c *poolSetCommand) Run(ctx context.Context, line *kong.Context, o output) error {
	return c.edit(ctx, line, o, settings.Edit{Pool: c.Pool, Set: c.Settings, By: c.As})
}

// Run removes changes.
func (c *poolResetCommand) Run(ctx context.Context, line *kong.Context, o output) error {
	return c.edit(ctx, line, o, settings.Edit{Pool: c.Pool, Reset: c.Settings, By: c.As})
}

// edit makes an edit and prints what it changed.
func (f configFlags) edit(ctx context.Context, line *kong.Context, o output, edit settings.Edit) error {
	if edit.By == "" {
		me, err := user.Current()
		if err != nil {
			return fmt.Errorf("your user name is unknown; give a name with --as: %w", err)
		}
		edit.By = me.Username
	}
	return f.with(ctx, line, o, func(ctx context.Context, e *settings.Editor) error {
		before := e.Version()
		err := e.Change(ctx, edit)
		if problems, ok := errors.AsType[settings.Problems](err); ok {
			return problems
		}
		if errors.Is(err, kv.ErrStale) {
			return errors.New("the settings are being changed by others; try again")
		}
		if err != nil {
			return fmt.Errorf("redis does not answer; the change may be stored, see scanlogin pool show: %w", err)
		}
		if e.Version() == before {
			_, err := fmt.Fprintln(o.out, "nothing to change: the settings have these values")
			return err
		}
		return printChanges(o.out, e)
	})
}

// printChanges prints the newest changes, those with the same time.
func printChanges(w io.Writer, e *settings.Editor) error {
	history := e.History()
	for _, c := range history {
		if !c.At.Equal(history[0].At) {
			break
		}
		if _, err := fmt.Fprintf(w, "%s: %s: %q, before %q\n", c.Pool, c.Setting, e.Shown(c, c.After), e.Shown(c, c.Before)); err != nil {
			return err
		}
	}
	return nil
}
