package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// files are where a run's figures and the document go.
type files struct {
	JSON     string `name:"json" default:"bin/bench.json" help:"Where the figures go, from which the document can be written anew."`
	Document string `default:"docs/benchmarks.md" help:"The document; what stands in it between its marks is kept."`
}

// sizes say how much is measured.
type sizes struct {
	Quick    bool          `help:"A small run of a few minutes, marked as such: it shows that everything works, and where the figures are about."`
	Rounds   int           `default:"3" help:"How often everything is measured, in turns."`
	Pages    int           `default:"10000" help:"Waiting pages of each server."`
	Scale    []int         `default:"1000,10000,18000" help:"Waiting pages of scanlogin, rising; --pages is among them."`
	Watch    time.Duration `default:"60s" help:"How long the CPU of servers is measured whose pages wait."`
	Rate     int           `default:"1000" help:"Pushes a second over two nodes."`
	Duration time.Duration `default:"10s" help:"How long pushes, polls and logins go on."`
	Scans    int           `default:"20000" help:"Scans at saturation."`
	Polls    int           `default:"1000" help:"Pages that ask again and again."`
	Storm    int           `default:"18000" help:"Pages that come back at once."`
}

// quick are the sizes of a small run.
var quick = sizes{
	Quick: true, Rounds: 1, Pages: 1000, Scale: []int{500, 1000}, Watch: 50 * time.Second, Rate: 200,
	Duration: 5 * time.Second, Scans: 3000, Polls: 200, Storm: 1000,
}

type runCommand struct {
	programs
	files
	sizes
	Only []string `help:"Measure only these: idle, push, saturation, polling, login, storm, picture. No document is written then."`
}

// result is what a run found out.
type result struct {
	Began    time.Time            `json:"began"`
	Took     time.Duration        `json:"took"` // nanoseconds
	Sizes    sizes                `json:"sizes"`
	Machine  string               `json:"machine"`
	Versions []string             `json:"versions"`
	Figures  map[string][]float64 `json:"figures"` // by measure/kind, one a round
	Failures []string             `json:"failures,omitempty"`
}

// run is one in progress.
type run struct {
	*runCommand
	result
	round int
}

// Run is called by kong.
func (c *runCommand) Run(ctx context.Context) error {
	if c.Quick {
		c.sizes = quick
	}
	if !slices.Contains(c.Scale, c.Pages) || !slices.IsSorted(c.Scale) {
		return errors.New("--scale must rise, and --pages be among it")
	}
	if err := raiseFiles(); err != nil {
		return err
	}
	r := &run{runCommand: c, result: result{Began: time.Now().UTC(), Sizes: c.sizes, Machine: machine(), Figures: make(map[string][]float64)}}
	var err error
	if r.Versions, err = c.versions(ctx); err != nil {
		return err
	}
	for r.round = range c.Rounds {
		if err := r.measure(ctx); err != nil {
			return err
		}
	}
	r.Took = time.Since(r.Began)
	text, err := json.MarshalIndent(r.result, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.JSON, append(text, '\n'), 0o644); err != nil || len(c.Only) > 0 {
		return err
	}
	return (&writeCommand{c.files}).Run()
}

// measure is one round.
func (r *run) measure(ctx context.Context) error {
	for _, phase := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"idle", r.idle}, {"push", r.push}, {"saturation", r.saturate}, {"polling", r.poll},
		{"login", r.login}, {"storm", r.storm}, {"picture", r.picture},
	} {
		if len(r.Only) > 0 && !slices.Contains(r.Only, phase.name) {
			continue
		}
		say("round %d of %d: %s", r.round+1, r.Rounds, phase.name)
		if err := phase.do(ctx); err != nil {
			return err
		}
	}
	return nil
}

// turns puts kinds in another order each round, so that none always comes first.
func (r *run) turns(all ...kind) []kind {
	at := r.round % len(all)
	return slices.Concat(all[at:], all[:at])
}

func (r *run) note(measure string, k kind, value float64) {
	name := measure + "/" + string(k)
	r.Figures[name] = append(r.Figures[name], value)
}

// failed notes the first failure of what is measured all the same.
func (r *run) failed(what string, err error) {
	if err != nil {
		say("%s: %v", what, err)
		r.Failures = append(r.Failures, fmt.Sprintf("round %d, %s: %v", r.round+1, what, err))
	}
}

// machine is what all this ran on.
func machine() string {
	model := "unknown CPU"
	text, _ := os.ReadFile("/proc/cpuinfo") // Linux tells
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			model = strings.Trim(name, "\t :\n")
		}
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	load, _ := os.ReadFile("/proc/loadavg")
	busy, _, _ := strings.Cut(string(load), " ")
	return fmt.Sprintf("%d CPUs (%s), Linux %s, %s, load average %s at the start", runtime.NumCPU(), model, strings.TrimSpace(string(kernel)), runtime.GOARCH, busy)
}

// versions are those of everything that was measured.
func (c *runCommand) versions(ctx context.Context) ([]string, error) {
	var all []string
	for _, command := range [][]string{
		{c.Scanlogin, "version"}, {c.RedisServer, "--version"}, {c.Nginx, "-v"},
		{"dpkg-query", "-W", "-f", "${Package} ${Version}", "libnginx-mod-nchan"}, {"git", "-C", c.Source, "describe", "--always", "--dirty"},
	} {
		text, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput()
		if err != nil && command[0] != "dpkg-query" { // of systems that do without
			return nil, fmt.Errorf("%s: %w: %s; docs/benchmarks.md says what to install", strings.Join(command, " "), err, text)
		}
		line, _, _ := strings.Cut(string(text), "\n")
		if command[0] == "git" {
			line = "source " + line
		}
		all = append(all, strings.TrimSpace(line))
	}
	all = append(all, runtime.Version())
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return all, nil
	}
	for _, m := range info.Deps {
		switch m.Path {
		case "github.com/centrifugal/centrifuge", "github.com/coder/websocket", "github.com/labstack/echo/v4", "github.com/redis/go-redis/v9":
			all = append(all, strings.TrimPrefix(m.Path, "github.com/")+" "+m.Version)
		}
	}
	return all, nil
}
