package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// files are the output files of a run.
type files struct {
	JSON     string `name:"json" default:"bin/bench.json" help:"The file for the figures, from which the document can be written again."`
	Document string `default:"docs/benchmarks.md" help:"The document; the text between its marks is kept."`
}

// sizes are the sizes of the measurements. What is not given is that of a full or a
// quick run; the placeholders are those of a full run.
type sizes struct {
	Quick    bool          `help:"A small run of a few minutes, marked as such in the document: it shows that everything works, and approximate figures. Sizes that are given apply."`
	Rounds   int           `placeholder:"3" help:"How often everything is measured, with the servers taking turns."`
	Pages    int           `placeholder:"10000" help:"Waiting pages of each server."`
	Watch    time.Duration `placeholder:"30s" help:"How long pages wait before memory is measured; pings are sent every 25 s."`
	Low      int           `placeholder:"250" help:"Pushes per second over two nodes, with time to spare."`
	High     int           `placeholder:"1000" help:"Pushes per second over two nodes, near what two cores can do."`
	Duration time.Duration `placeholder:"10s" help:"Duration of pushes, polling and logins."`
	Scans    int           `placeholder:"20000" help:"Scans at saturation."`
	Polls    int           `placeholder:"1000" help:"Polling pages."`
	Storm    int           `placeholder:"18000" help:"Pages that reconnect at once."`
	Wide     int           `placeholder:"70000" help:"Pages that wait on four nodes while others receive pushes."`
}

var (
	full = sizes{
		Rounds: 3, Pages: 10_000, Watch: 30 * time.Second, Low: 250, High: 1000, Duration: 10 * time.Second,
		Scans: 20_000, Polls: 1000, Storm: 18_000, Wide: 70_000,
	}
	quick = sizes{
		Rounds: 1, Pages: 1000, Watch: 2 * time.Second, Low: 50, High: 200, Duration: 4 * time.Second,
		Scans: 3000, Polls: 200, Storm: 1000, Wide: 2000,
	}
)

// complete sets the sizes that were not given.
func (s *sizes) complete() {
	d := full
	if s.Quick {
		d = quick
	}
	s.Rounds, s.Pages, s.Watch = cmp.Or(s.Rounds, d.Rounds), cmp.Or(s.Pages, d.Pages), cmp.Or(s.Watch, d.Watch)
	s.Low, s.High, s.Duration = cmp.Or(s.Low, d.Low), cmp.Or(s.High, d.High), cmp.Or(s.Duration, d.Duration)
	s.Scans, s.Polls, s.Storm, s.Wide = cmp.Or(s.Scans, d.Scans), cmp.Or(s.Polls, d.Polls), cmp.Or(s.Storm, d.Storm), cmp.Or(s.Wide, d.Wide)
}

// validate is called by the command's own Validate.
func (s sizes) validate() error {
	if min(s.Rounds, s.Pages, s.Low, s.High, s.Scans, s.Polls, s.Storm, s.Wide) < 0 || min(s.Watch, s.Duration) < 0 {
		return errors.New("sizes must be positive")
	}
	return nil
}

type runCommand struct {
	programs
	files
	sizes
	Only []string `help:"Measure only these: waiting, push, saturation, polling, login, storm, wide. No document is written then."`
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

	// Latencies are the quantiles of pushes over all rounds, in ms, by measure/kind.
	Latencies map[string][]float64 `json:"latencies,omitempty"`
}

// comparing is a run in progress.
type comparing struct {
	*runCommand
	comparison
	round int
	sums  map[string]*hdrhistogram.Histogram // over all rounds, by measure/kind
}

// Validate is called by kong.
func (c *runCommand) Validate() error {
	for _, name := range c.Only {
		if !slices.ContainsFunc(phases, func(p phase) bool { return p.name == name }) {
			return errors.New("--only " + name + " is unknown")
		}
	}
	return c.validate()
}

// Run is called by kong.
func (c *runCommand) Run(ctx context.Context) error {
	c.complete()
	if err := raiseFileLimit(); err != nil {
		return err
	}
	r := &comparing{runCommand: c, sums: make(map[string]*hdrhistogram.Histogram), comparison: comparison{
		Began: time.Now().UTC(), Sizes: c.sizes, Machine: describeMachine(),
		Figures: make(map[string][]float64), Latencies: make(map[string][]float64),
	}}
	var err error
	if r.Versions, err = c.versions(ctx); err != nil {
		return err
	}
	for r.round = range c.Rounds {
		if err := r.measure(ctx); err != nil {
			return err
		}
	}
	if len(c.Only) > 0 {
		return nil
	}
	return (&writeCommand{c.files}).Run()
}

// phase is a part of a round.
type phase struct {
	name string
	do   func(*comparing, context.Context) error
}

var phases = []phase{
	{"waiting", (*comparing).wait}, {"push", (*comparing).push}, {"saturation", (*comparing).saturate}, {"polling", (*comparing).poll},
	{"login", (*comparing).login}, {"storm", (*comparing).storm}, {"wide", (*comparing).wide},
}

// measure runs one round, and writes the figures after each phase.
func (r *comparing) measure(ctx context.Context) error {
	for _, phase := range phases {
		if len(r.Only) > 0 && !slices.Contains(r.Only, phase.name) {
			continue
		}
		progress("%v: round %d of %d: %s", time.Since(r.Began).Round(time.Second), r.round+1, r.Rounds, phase.name)
		if err := phase.do(r, ctx); err != nil {
			return err
		}
		if err := r.write(); err != nil {
			return err
		}
	}
	return nil
}

// write writes the figures so far, so that they are not lost if the run is interrupted.
func (r *comparing) write() error {
	r.Took = time.Since(r.Began)
	text, err := json.MarshalIndent(r.comparison, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(r.JSON, append(text, '\n'), 0o644)
}

// turns returns the kinds that are measured: not an older scanlogin without --before.
// The order changes with each round, so that no kind always comes first.
func (r *comparing) turns(all ...kind) []kind {
	all = slices.DeleteFunc(all, func(k kind) bool { return k == before && r.Before == "" })
	at := r.round % len(all)
	return slices.Concat(all[at:], all[:at])
}

// record adds the figure of this round.
func (r *comparing) record(measure string, k kind, value float64) {
	name := measure + "/" + string(k)
	r.Figures[name] = append(r.Figures[name], value)
}

// recordCPU adds the CPU time per item of nodes and of Redis.
func (r *comparing) recordCPU(measure string, k kind, used cpuTime, items int) {
	r.record(measure+".nodes", k, perItem(used.nodes, items))
	r.record(measure+".redis", k, perItem(used.redis, items))
}

// recordLatencies adds the times of this round to the distribution.
func (r *comparing) recordLatencies(measure string, k kind, times *hdrhistogram.Histogram) {
	name := measure + "/" + string(k)
	if r.sums[name] == nil {
		r.sums[name] = newHistogram()
	}
	r.sums[name].Merge(times)
	r.Latencies[name] = make([]float64, len(quantiles))
	for i, q := range quantiles {
		r.Latencies[name][i] = milliseconds(r.sums[name].ValueAtQuantile(q))
	}
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
	commands := [][]string{{c.Scanlogin, "version"}, {c.RedisServer, "--version"}, {"git", "-C", c.Source, "describe", "--always", "--dirty"}}
	if c.Before != "" {
		commands = append(commands, []string{c.Before, "version"})
	}
	var all []string
	for _, command := range commands {
		text, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("%s: %w: %s", strings.Join(command, " "), err, text)
		}
		line, _, _ := strings.Cut(string(text), "\n")
		switch command[0] {
		case "git":
			line = "source " + line
		case c.Before:
			line = "before: " + filepath.Base(c.Before) + ", " + line
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
