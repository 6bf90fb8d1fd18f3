package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// result is the result of a command; all times are in milliseconds.
type result struct {
	Command string    `json:"command"`
	Began   time.Time `json:"began"`
	Machine machine   `json:"machine"`
	Nodes   int       `json:"nodes"`
	Store   string    `json:"store"`

	Idle  []idleResult `json:"idle,omitempty"`
	Push  *pushResult  `json:"push,omitempty"`
	Login *loginResult `json:"login,omitempty"`
	Storm *stormResult `json:"storm,omitempty"`
}

// machine describes the machine and the programs that were measured.
type machine struct {
	System    string `json:"system"`
	CPU       string `json:"cpu"`
	CPUs      int    `json:"cpus"`
	Go        string `json:"go"`
	Bench     string `json:"bench"` // version and commit
	Scanlogin string `json:"scanlogin,omitempty"`
	Redis     string `json:"redis,omitempty"`
}

func (f *targetFlags) newResult(command string, s *system) *result {
	r := &result{Command: command, Began: time.Now().UTC(), Nodes: len(s.nodes), Machine: machine{
		System: runtime.GOOS + "/" + runtime.GOARCH, CPU: cpuModel(), CPUs: runtime.NumCPU(), Go: runtime.Version(), Bench: version(),
	}}
	switch {
	case len(f.URL) > 0:
		r.Store = "of " + strings.Join(f.URL, ", ")
	case f.Memory:
		r.Store = "memory"
	default:
		r.Store = "redis"
		r.Machine.Redis = firstLine(f.RedisServer, "--version")
	}
	if len(f.URL) == 0 {
		r.Machine.Scanlogin = firstLine(f.Scanlogin, "version")
	}
	return r
}

// firstLine returns the first line that a program prints.
func firstLine(path, arg string) string {
	text, _ := exec.Command(path, arg).Output() // the program has just been run successfully
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}

// version returns the version and commit that this program was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	out := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" || s.Key == "vcs.modified" && s.Value == "true" {
			out += " " + strings.Replace(s.Value, "true", "modified", 1)
		}
	}
	return out
}

// cpuModel returns the processor's name on Linux.
func cpuModel() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.Trim(name, "\t :\n")
		}
	}
	return "unknown"
}

// conclude prints r as tables, and writes it to the file of --json.
func (f *targetFlags) conclude(r *result, table func(*tabwriter.Writer)) error {
	m := r.Machine
	fmt.Printf("%s, %d node(s), store: %s\n%s, %d CPUs (%s), %s\nbench %s; %s; %s\n\n",
		r.Command, r.Nodes, r.Store, m.System, m.CPUs, m.CPU, m.Go, m.Bench, orUnknown(m.Scanlogin), orUnknown(m.Redis))
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	table(t)
	if err := t.Flush(); err != nil || f.JSON == "" {
		return err
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(f.JSON, append(text, '\n'), 0o644)
}

func orUnknown(text string) string {
	if text == "" {
		return "(version unknown)"
	}
	return text
}

// times summarizes a histogram.
type times struct {
	Count int64   `json:"count"`
	Min   float64 `json:"min"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p99.9"`
	Max   float64 `json:"max"`
}

// newHistogram returns a histogram of microseconds up to one minute with three
// significant digits.
func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, time.Minute.Microseconds(), 3)
}

func record(h *hdrhistogram.Histogram, d time.Duration) {
	_ = h.RecordValue(min(max(d.Microseconds(), 1), h.HighestTrackableValue())) // cannot fail within the bounds
}

func timesOf(h *hdrhistogram.Histogram) times {
	at := func(q float64) float64 { return milliseconds(h.ValueAtQuantile(q)) }
	return times{h.TotalCount(), milliseconds(h.Min()), at(50), at(90), at(99), at(99.9), milliseconds(h.Max())}
}

func milliseconds(microseconds int64) float64 { return float64(microseconds) / 1000 }

const timesHead = "\tcount\tmin\tp50\tp90\tp99\tp99.9\tmax\tms\t\n"

func (s times) row(t *tabwriter.Writer, name string) {
	fmt.Fprintf(t, "%s\t%d\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t\t\n", name, s.Count, s.Min, s.P50, s.P90, s.P99, s.P999, s.Max)
}
