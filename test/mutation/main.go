// Command mutation runs tests against mutants: copies of the source with one
// small fault each. gremlins creates them for Go and runs the first pass;
// universalmutator creates them for Lua. A mutant that passes every test stage
// has survived: either a test is missing, or the mutant is equivalent to the
// original and survivors.md says why. scripts/mutation.sh calls this command.
//
// It guarantees that the source tree is not changed: "go test" gets each mutant
// as an overlay.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

type options struct {
	dir       string   // of the source that was mutated
	report    string   // gremlins' output
	mutants   string   // universalmutator's output
	justified string   // the file that explains survivors
	stages    []string // arguments of "go test", in the order in which they are run
	workers   int
	timeout   time.Duration // of one stage
	out       string
}

func main() {
	var o options
	flag.StringVar(&o.dir, "dir", "", "the directory of the source that was mutated")
	flag.StringVar(&o.report, "gremlins", "", "gremlins' report; mutants that it reports as killed are not run again")
	flag.StringVar(&o.mutants, "universalmutator", "", "the directory of universalmutator's mutants")
	flag.StringVar(&o.justified, "justified", "test/mutation/survivors.md", "the file that explains survivors")
	flag.Func("stage", "arguments of \"go test\"; a mutant survives if it passes all stages", func(s string) error {
		o.stages = append(o.stages, s)
		return nil
	})
	flag.IntVar(&o.workers, "workers", runtime.NumCPU(), "how many mutants are tested at once")
	flag.DurationVar(&o.timeout, "timeout", time.Minute, "the time limit of one stage")
	flag.StringVar(&o.out, "out", "", "the file for the results, as JSON")
	flag.Parse()
	log.SetFlags(0)
	unjustified, err := run(context.Background(), o)
	if err != nil {
		log.Fatal(err)
	}
	if unjustified > 0 {
		log.Fatalf("%d survivors: kill each with a test, or explain it in %s", unjustified, o.justified)
	}
}

// run tests the mutants, prints the survivors and the score, and returns how
// many survivors are not explained.
func run(ctx context.Context, o options) (unjustified int, err error) {
	var all []*mutant
	if o.report != "" {
		all, err = fromGremlins(o.report, o.dir)
	} else {
		all, err = fromUniversalmutator(o.mutants, o.dir)
	}
	if err != nil {
		return 0, err
	}
	if err := runAll(ctx, o, all); err != nil {
		return 0, err
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return 0, err
	}
	if err := os.WriteFile(o.out, text, 0o600); err != nil {
		return 0, err
	}
	known, err := os.ReadFile(o.justified)
	if err != nil {
		return 0, err
	}
	unjustified = printSurvivors(all, string(known))
	what := filepath.ToSlash(o.dir)
	if o.mutants != "" && len(all) > 0 {
		what = all[0].File
	}
	fmt.Println(score(what, all))
	return unjustified, nil
}

// printSurvivors prints the survivors and returns how many are not among the known
// ones.
func printSurvivors(all []*mutant, known string) (unjustified int) {
	seen := make(map[string]int) // two lines of a file may be equal, and their mutants, too
	for _, m := range all {
		if m.Status != lived && m.Status != notCovered {
			continue
		}
		note, row := "justified", m.row()
		if seen[row]++; strings.Count(known, row) < seen[row] {
			note = "NEW"
			unjustified++
		}
		fmt.Printf("%-9s %s:%d %s %s\n", note, m.File, m.Line, m.Status, row)
	}
	return unjustified
}

// score returns a row for the table in survivors.md.
func score(what string, all []*mutant) string {
	n := make(map[status]int)
	for _, m := range all {
		n[m.Status]++
	}
	caught := n[killed] + n[timedOut]
	total := len(all) - n[notViable]
	return fmt.Sprintf("| `%s` | %d | %d | %d | %d | %d | %.1f %% | %s |", what, total, n[killed], n[lived], n[timedOut],
		n[notCovered], 100*float64(caught)/float64(max(total, 1)), time.Now().Format(time.DateOnly))
}

// runAll runs the stages for each mutant without a final status.
func runAll(ctx context.Context, o options, all []*mutant) error {
	scratch, err := os.MkdirTemp("", "mutation-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	todo := make(chan *mutant)
	errs := make(chan error, o.workers)
	var wg sync.WaitGroup
	for i := range o.workers {
		dir := filepath.Join(scratch, fmt.Sprint(i))
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
		wg.Go(func() {
			for m := range todo {
				if err := m.run(ctx, o, dir); err != nil {
					select {
					case errs <- err:
					default:
					}
				}
			}
		})
	}
	for _, m := range all {
		if !slices.Contains([]status{killed, notViable}, m.Status) {
			todo <- m
		}
	}
	close(todo)
	wg.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}
