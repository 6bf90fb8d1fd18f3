// Command licenses checks the licenses of what is distributed: the Go modules in the program,
// on every released system, and the JavaScript that it serves. It runs in the root of the
// repository.
//
//	licenses          fails if NOTICE is not current, or if a license is not an allowed one
//	licenses -write   writes NOTICE
//	licenses -texts   prints the complete texts, for release archives
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// part is a Go module or a JavaScript package that is distributed.
type part struct {
	name, version string
	license       string            // SPDX identifiers
	texts         map[string]string // by file name: licenses and notices
}

func main() {
	write := flag.Bool("write", false, "write NOTICE")
	texts := flag.Bool("texts", false, "print the complete texts")
	flag.Parse()
	if err := run(*write, *texts); err != nil {
		fmt.Fprintln(os.Stderr, "licenses:", err)
		os.Exit(1)
	}
}

func run(write, texts bool) error {
	modules, err := goModules()
	if err != nil {
		return err
	}
	scripts, err := scripts("web/third_party")
	if err != nil {
		return err
	}
	want := notice(modules, scripts)
	switch {
	case texts:
		return printTexts(os.Stdout, slices.Concat(modules, scripts))
	case write:
		return os.WriteFile("NOTICE", []byte(want), 0o644)
	}
	if have, err := os.ReadFile("NOTICE"); err != nil || string(have) != want {
		return errors.New("NOTICE is not current; read the licenses of what is new, and run: make notice")
	}
	fmt.Printf("licenses: %d Go modules, %d JavaScript packages\n", len(modules), len(scripts))
	return nil
}

// systems are the values of GOOS of the releases. The program imports the same modules on all
// processors.
var systems = []string{"linux", "darwin", "windows"}

// goModules returns the modules in the program, sorted by path, and the Go standard library.
func goModules() ([]part, error) {
	found := make(map[string]part)
	for _, system := range systems {
		cmd := exec.Command("go", "list", "-deps", "-json=Module", "./cmd/scanlogin")
		cmd.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("go list for %s: %w", system, err)
		}
		for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
			var p struct {
				Module *struct {
					Path, Version, Dir string
					Main               bool
				}
			}
			if err := d.Decode(&p); err != nil {
				return nil, err
			}
			if m := p.Module; m != nil && !m.Main && found[m.Path].name == "" {
				if found[m.Path], err = readPart(m.Path, m.Version, m.Dir); err != nil {
					return nil, err
				}
			}
		}
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, err
	}
	const std = "Go standard library"
	if found[std], err = readPart(std, "", strings.TrimSpace(string(root))); err != nil {
		found[std] = part{name: std, license: "BSD-3-Clause"} // a distribution's package without the text
	}
	return sorted(found), nil
}

// scripts returns the JavaScript packages in dir, each in a folder with its license.
func scripts(dir string) ([]part, error) {
	folders, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	found := make(map[string]part)
	for _, f := range folders {
		if f.IsDir() {
			if found[f.Name()], err = readPart(f.Name()+" (JavaScript)", "", filepath.Join(dir, f.Name())); err != nil {
				return nil, err
			}
		}
	}
	return sorted(found), nil
}

func sorted(found map[string]part) []part {
	var parts []part
	for _, p := range found {
		parts = append(parts, p)
	}
	slices.SortFunc(parts, func(a, b part) int { return strings.Compare(a.name, b.name) })
	return parts
}

// readPart reads the licenses and notices in the root of a module or package.
func readPart(name, version, dir string) (part, error) {
	p := part{name: name, version: version, texts: make(map[string]string)}
	files, err := os.ReadDir(dir)
	if err != nil {
		return p, fmt.Errorf("%s: %w (run: go mod download)", name, err)
	}
	var ids []string
	for _, f := range files {
		isLicense := hasPrefix(f.Name(), "LICENSE", "LICENCE", "COPYING")
		if f.IsDir() || !isLicense && !hasPrefix(f.Name(), "NOTICE", "PATENTS") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, f.Name())) // #nosec G304 -- a module of the program
		if err != nil {
			return p, err
		}
		p.texts[f.Name()] = string(text)
		if isLicense {
			ids = append(ids, identify(string(text))...)
		}
	}
	if len(ids) == 0 {
		return p, fmt.Errorf("%s: no license that is allowed was found in %s; see test/licenses/identify.go", name, dir)
	}
	slices.Sort(ids)
	p.license = strings.Join(slices.Compact(ids), " and ")
	return p, nil
}

func hasPrefix(name string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(strings.ToUpper(name), prefix) })
}

// notice returns the text of NOTICE. It contains no versions, so that only new parts and
// changed licenses change it.
func notice(modules, scripts []part) string {
	var text strings.Builder
	text.WriteString("scanlogin\nCopyright 2026 The scanlogin authors\n\n" +
		"This product contains the following software of others. Release archives contain the\n" +
		"complete license texts in THIRD_PARTY_LICENSES; `go run ./test/licenses -texts` prints them.\n" +
		"\"make notice\" writes this file, and \"make lint\" compares it with the program.\n\n" +
		"In the program:\n")
	for _, p := range modules {
		fmt.Fprintf(&text, "  %s: %s\n", p.name, p.license)
	}
	if len(scripts) > 0 {
		text.WriteString("\nServed to browsers:\n")
	}
	for _, p := range scripts {
		fmt.Fprintf(&text, "  %s: %s\n", p.name, p.license)
	}
	return text.String()
}

func printTexts(w io.Writer, parts []part) error {
	for _, p := range parts {
		for _, name := range slices.Sorted(func(yield func(string) bool) {
			for name := range p.texts {
				if !yield(name) {
					return
				}
			}
		}) {
			if _, err := fmt.Fprintf(w, "======== %s: %s\n\n%s\n\n", strings.TrimSpace(p.name+" "+p.version), name, strings.TrimSpace(p.texts[name])); err != nil {
				return err
			}
		}
	}
	return nil
}
