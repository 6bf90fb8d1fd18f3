// Command proxy checks that `go install` of the committed source works: it writes a module
// proxy into a temporary directory, as files, installs the command from it into an empty
// GOPATH, and runs it. It catches what a build in the checkout does not show: a file that is
// not committed or has an invalid name, an embedded file in a nested module, a replace
// directive. Run it in the root of the repository.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// source is what is installed. The version exists in the temporary proxy only.
var source = module.Version{Path: "github.com/scanlogin/scanlogin", Version: "v0.0.1-check"}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "go install:", err)
		os.Exit(1)
	}
}

func run() error {
	temp, err := os.MkdirTemp("", "proxy")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	if err := writeProxy(filepath.Join(temp, "proxy")); err != nil {
		return err
	}
	environment, err := goEnvironment(temp)
	if err != nil {
		return err
	}
	// With -trimpath the builds of the dependencies are those of "make build", so they are
	// cached although they are in another directory.
	install := exec.Command("go", "install", "-trimpath", source.Path+"/cmd/scanlogin@"+source.Version)
	install.Dir, install.Env, install.Stdout, install.Stderr = temp, environment, os.Stdout, os.Stderr
	if err := install.Run(); err != nil {
		return err
	}
	program := filepath.Join(temp, "gopath", "bin", "scanlogin")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	out, err := exec.Command(program, "--version").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	if want := "scanlogin " + source.Version + " "; !strings.HasPrefix(string(out), want) {
		return fmt.Errorf("--version prints %q, want %q", out, want)
	}
	fmt.Printf("go install: %s", out)
	return nil
}

// writeProxy writes the files of a module proxy with one version of one module: the last
// commit.
func writeProxy(dir string) (err error) {
	versions := filepath.Join(dir, filepath.FromSlash(source.Path), "@v")
	if err := os.MkdirAll(versions, 0o755); err != nil {
		return err
	}
	mod, err := exec.Command("git", "show", "HEAD:go.mod").Output()
	if err != nil {
		return fmt.Errorf("git show: %w", err)
	}
	for name, text := range map[string]string{
		"list":                   source.Version + "\n",
		source.Version + ".info": fmt.Sprintf(`{"Version":%q}`, source.Version),
		source.Version + ".mod":  string(mod),
	} {
		if err := os.WriteFile(filepath.Join(versions, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	file, err := os.Create(filepath.Join(versions, source.Version+".zip"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return zip.CreateFromVCS(file, source, ".", "HEAD", "")
}

// goEnvironment returns an environment with an empty GOPATH in temp. Modules come from the
// proxy in temp, else from this machine's module cache, else from the configured proxy.
func goEnvironment(temp string) ([]string, error) {
	out, err := exec.Command("go", "env", "GOMODCACHE", "GOPROXY", "GONOSUMDB").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	values := strings.Split(string(out), "\n")
	cache, proxy, unchecked := values[0], values[1], values[2]
	return append(os.Environ(),
		"GOPATH="+filepath.Join(temp, "gopath"), "GOMODCACHE=", "GOBIN=", "GOWORK=off",
		"GOFLAGS=-mod=mod -modcacherw", // so that the directory can be removed
		"GOPROXY="+strings.Join([]string{fileURL(filepath.Join(temp, "proxy")), fileURL(filepath.Join(cache, "cache", "download")), proxy}, ","),
		"GONOSUMDB="+strings.Trim(source.Path+","+unchecked, ","),
	), nil
}

func fileURL(path string) string { return "file://" + filepath.ToSlash(path) }
