// Command attack runs the attacks of docs/threat-model.md against two nodes and a Redis
// on this machine while honest visitors log in, and reports the effects on them.
//
// It guarantees that all traffic stays on 127.0.0.0/8, that each attack is limited in
// time, that its child processes end with it, and that it exits with 1 if an
// expectation is not met.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

type command struct {
	Scanlogin   string   `default:"bin/scanlogin" help:"The program to attack (${default})."`
	Before      string   `placeholder:"PATH" help:"An older program to attack as well, for comparison. Its results are reported, but do not fail the run."`
	RedisServer string   `default:"redis-server" help:"The Redis server to start (${default})."`
	Only        []string `placeholder:"NAME" help:"Run only these attacks; see --list."`
	Short       bool     `help:"Run each attack for a few seconds, as make test does."`
	List        bool     `help:"List the attacks and exit."`
	Out         string   `placeholder:"FILE" help:"Also write the table to this file (Markdown)."`
}

func main() {
	var c command
	k := kong.Parse(&c, kong.Name("attack"), kong.Description("Attack scanlogin on this machine and report the effects on honest visitors."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	k.FatalIfErrorf(c.Run(ctx, os.Stdout))
}

// Run runs the selected attacks, one after the other.
func (c *command) Run(ctx context.Context, out io.Writer) error {
	if c.List {
		for _, a := range attacks {
			fmt.Fprintf(out, "%-20s %s\n", a.name, a.about)
		}
		return nil
	}
	chosen, err := c.chosen()
	if err != nil {
		return err
	}
	var rows []row
	failures := 0
	for _, a := range chosen {
		r := row{attack: a}
		if c.Before != "" {
			if r.before, err = c.runOne(ctx, a, c.Before); err != nil {
				return err
			}
		}
		if r.after, err = c.runOne(ctx, a, c.Scanlogin); err != nil {
			return err
		}
		rows = append(rows, r)
		fmt.Fprint(out, r.text())
		failures += len(r.after.failed)
	}
	table := tableOf(rows)
	fmt.Fprint(out, "\n", table)
	if c.Out != "" {
		if err := os.WriteFile(c.Out, []byte(table), 0o600); err != nil {
			return err
		}
	}
	if failures > 0 {
		return fmt.Errorf("%d expectations not met", failures)
	}
	return nil
}

func (c *command) chosen() ([]attack, error) {
	if len(c.Only) == 0 {
		return attacks, nil
	}
	var chosen []attack
	for _, name := range c.Only {
		i := slices.IndexFunc(attacks, func(a attack) bool { return a.name == name })
		if i < 0 {
			return nil, fmt.Errorf("--only: unknown attack %q; --list prints all names", name)
		}
		chosen = append(chosen, attacks[i])
	}
	return chosen, nil
}

// runOne runs one attack against one program in a new environment.
func (c *command) runOne(ctx context.Context, a attack, program string) (r result, err error) {
	env := &environment{attack: a, short: c.Short, program: program, redisServer: c.RedisServer}
	defer env.close()
	if err := env.start(ctx); err != nil {
		return r, fmt.Errorf("%s: %w", a.name, err)
	}
	r, err = env.run(ctx)
	if err != nil {
		return r, fmt.Errorf("%s: %w", a.name, errors.Join(err, env.logTail()))
	}
	r.failed = a.check(r)
	return r, nil
}

// attack describes one attack.
type attack struct {
	name, about string

	pool       string // pool of the honest visitors; "": bystander
	settings   string // additional YAML of the attacked pool, indented by four
	nodeFiles  int    // limit of open files per node; 0: as this process
	memory     string // Redis' maxmemory; "": 1gb
	noVisitors bool   // no honest visitors: the attack measures something else

	fullSeconds, shortSeconds int // duration in seconds of a full and of a short run
	run                       func(ctx context.Context, env *environment) error
	expect                    []expectation
}

// expectation is checked when the attack is over.
type expectation struct {
	what string
	met  func(result) bool
}

func (a attack) check(r result) (failed []string) {
	for _, e := range a.expect {
		if !e.met(r) {
			failed = append(failed, e.what)
		}
	}
	return failed
}

// honestLogins is the expectation of nearly every attack.
var honestLogins = expectation{"every honest login succeeds", func(r result) bool { return r.logins > 0 && r.refused == 0 }}

func figure(name string, ok func(n float64) bool) func(result) bool {
	return func(r result) bool {
		i := slices.IndexFunc(r.figures, func(f namedFigure) bool { return f.name == name })
		return i >= 0 && ok(r.figures[i].value)
	}
}

func none(n float64) bool { return n == 0 }
func some(n float64) bool { return n > 0 }

func atMost(most float64) func(float64) bool { return func(n float64) bool { return n <= most } }

func (r result) figure(name string) float64 {
	for _, f := range r.figures {
		if f.name == name {
			return f.value
		}
	}
	return 0
}

func join(lines []string) string { return strings.Join(lines, "; ") }
