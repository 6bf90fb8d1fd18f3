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

// files are the output files of a run.
type files struct {
	JSON     string `name:"json" default:"bin/bench.json" help:"The file for the figures, from which the document can be written again."`
	Document string `default:"docs/benchmarks.md" help:"The document; the text between its marks is kept."`
}

// sizes are the sizes of the measurements.
type sizes struct {
	Quick    bool          `help:"A small run of a few minutes, marked as such in the document: it shows that everything works, and approximate figures."`
	Rounds   int           `default:"3" help:"How often everything is measured, with the servers taking turns."`
	Pages    int           `default:"10000" help:"Waiting pages of each server."`
	Scale    []int         `default:"1000,10000,18000" help:"Rising numbers of waiting pages of scanlogin; must contain --pages."`
	Watch    time.Duration `default:"60s" help:"How long the CPU of servers with waiting pages is measured."`
	Rate     int           `default:"1000" help:"Pushes per second over two nodes."`
	Duration time.Duration `default:"10s" help:"Duration of pushes, polling and logins."`
	Scans    int           `default:"20000" help:"Scans at saturation."`
	Polls    int           `default:"1000" help:"Polling pages."`
	Storm    int           `default:"18000" help:"Pages that reconnect at once."`
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
	Only  []string `help:"Measure only these: idle, push, saturation, polling, login, storm, picture. No document is written then."`
	Peers []kind   `enum:"centrifuge,nchan,websocket,echo,none" default:"centrifuge,nchan,websocket,echo" help:"The peers to measure: centrifuge, nchan, websocket, echo; none: only scanlogin."`
}

// comparison is the result of a run.
type comparison struct {
	Began    time.Time            `json:"began"`
	Took     time.Duration        `json:"took"` // nanoseconds
	Sizes    sizes                `json:"sizes"`
	Machine  string               `json:"machine"`
	Versions []string             `json:"versions"`
	Figures  map[string][]float64 `json:"figures"` // by measure/kind, one per round
	Failures []string             `json:"failures,omitempty"`
}

// comparing is a run in progress.
type comparing struct {
	*runCommand
	comparison
	round int
}

// Run is called by kong.
func (c *runCommand) Run(ctx context.Context) error {
	if c.Quick {
		c.sizes = quick
	}
	if !slices.Contains(c.Scale, c.Pages) || !slices.IsSorted(c.Scale) {
		return errors.New("--scale must rise and contain --pages")
	}
	if err := raiseFileLimit(); err != nil {
		return err
	}
	r := &comparing{runCommand: c, comparison: comparison{Began: time.Now().UTC(), Sizes: c.sizes, Machine: describeMachine(), Figures: make(map[string][]float64)}}
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
	text, err := json.MarshalIndent(r.comparison, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.JSON, append(text, '\n'), 0o644); err != nil || len(c.Only) > 0 {
		return err
	}
	return (&writeCommand{c.files}).Run()
}

// measure runs one round.
func (r *comparing) measure(ctx context.Context) error {
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
		progress("round %d of %d: %s", r.round+1, r.Rounds, phase.name)
		if err := phase.do(ctx); err != nil {
			return err
		}
	}
	return nil
}

// turns returns scanlogin and those of the peers that are measured. The order
// changes with each round, so that no kind always comes first.
func (r *comparing) turns(all ...kind) []kind {
	all = slices.DeleteFunc(all, func(k kind) bool { return k != scanlogin && !slices.Contains(r.Peers, k) })
	at := r.round % len(all)
	return slices.Concat(all[at:], all[:at])
}

// record adds the figure of this round.
func (r *comparing) record(measure string, k kind, value float64) {
	name := measure + "/" + string(k)
	r.Figures[name] = append(r.Figures[name], value)
}

// recordFailure adds a failure that does not end the run.
func (r *comparing) recordFailure(what string, err error) {
	if err != nil {
		progress("%s: %v", what, err)
		r.Failures = append(r.Failures, fmt.Sprintf("round %d, %s: %v", r.round+1, what, err))
	}
}

// describeMachine describes the machine of the run.
func describeMachine() string {
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	load, _ := os.ReadFile("/proc/loadavg")
	average, _, _ := strings.Cut(string(load), " ")
	return fmt.Sprintf("%d CPUs (%s), Linux %s, %s, load average %s at the start", runtime.NumCPU(), cpuModel(), strings.TrimSpace(string(kernel)), runtime.GOARCH, average)
}

// versions returns the versions of everything that is measured.
func (c *runCommand) versions(ctx context.Context) ([]string, error) {
	commands := [][]string{{c.Scanlogin, "version"}, {c.RedisServer, "--version"}}
	if slices.Contains(c.Peers, nchan) {
		commands = append(commands, []string{c.Nginx, "-v"}, []string{"dpkg-query", "-W", "-f", "${Package} ${Version}", "libnginx-mod-nchan"})
	}
	commands = append(commands, []string{"git", "-C", c.Source, "describe", "--always", "--dirty"})
	var all []string
	for _, command := range commands {
		text, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput()
		if err != nil && command[0] != "dpkg-query" { // not every system has it
			return nil, fmt.Errorf("%s: %w: %s; docs/benchmarks.md says what to install, --peers none measures only scanlogin", strings.Join(command, " "), err, text)
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
