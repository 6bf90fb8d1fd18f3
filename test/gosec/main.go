// Command gosec is gosec as a tool of go vet: go vet -vettool=bin/gosec ./...
//
// It has the rules of gosec's own command. That command also contains clients of several
// language models, which take 150 s of CPU time to compile, and it checks all dependencies from source each
// time; go vet remembers the results for each package. Files of tests are not checked, as by
// gosec's command, generated ones are.
package main

import (
	"strings"

	"github.com/securego/gosec/v2/goanalysis"
	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/unitchecker"
)

func main() {
	checked := *goanalysis.Analyzer
	checked.Run = func(pass *analysis.Pass) (any, error) {
		if err := goanalysis.Analyzer.Flags.Set("exclude-generated", "false"); err != nil {
			return nil, err
		}
		report := pass.Report
		pass.Report = func(d analysis.Diagnostic) {
			if !strings.HasSuffix(pass.Fset.Position(d.Pos).Filename, "_test.go") {
				report(d)
			}
		}
		return goanalysis.Analyzer.Run(pass)
	}
	unitchecker.Main(&checked)
}
