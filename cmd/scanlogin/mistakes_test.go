package main

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/scanlogin/scanlogin/internal/redistest"
)

func TestAMissingFileIsExplained(t *testing.T) {
	file := filepath.Join(t.TempDir(), "scanlogin.yaml")
	for _, command := range []string{"serve", "check-config"} {
		code, _, errOut := runCommand(t, command, "--config", file)
		if code != exitUsage || !strings.Contains(errOut, "does not exist") || !strings.Contains(errOut, "scanlogin init") || !strings.Contains(errOut, "--config") {
			t.Errorf("%s: code %d: %s", command, code, errOut)
		}
	}
}

func TestInitWritesAFileThatCheckConfigAccepts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "scanlogin.yaml")
	code, out, errOut := runCommand(t, "init", "--config", file)
	if code != exitOK || !strings.Contains(out, file) || errOut != "" {
		t.Fatalf("code %d: %s%s", code, out, errOut)
	}
	if code, _, errOut := runCommand(t, "check-config", "--config", file); code != exitOK || errOut != "" {
		t.Errorf("code %d: %s", code, errOut)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	secret := regexp.MustCompile(`secret: (\S{43})\n`).FindSubmatch(text)
	if secret == nil || strings.Contains(out, string(secret[1])) {
		t.Errorf("no secret, or it is printed: %s", out)
	}
	if code, _, errOut := runCommand(t, "init", "--config", file); code != exitFailure || !strings.Contains(errOut, "exists") {
		t.Errorf("again: code %d: %s", code, errOut)
	}
	if after, err := os.ReadFile(file); err != nil || string(after) != string(text) {
		t.Errorf("the file was changed: %v\n%s", err, after)
	}
}

// TestTheSettingsThatInitCommentsOutAreValid enables all of them. In the file, a setting
// follows its # without a space, and a comment with one.
func TestTheSettingsThatInitCommentsOutAreValid(t *testing.T) {
	file := filepath.Join(t.TempDir(), "scanlogin.yaml")
	if code, _, errOut := runCommand(t, "init", "--config", file); code != exitOK {
		t.Fatal(errOut)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	setting := regexp.MustCompile(`(?m)^( *)#(\S)`)
	if n := len(setting.FindAll(text, -1)); n < 5 {
		t.Errorf("%d settings are commented out", n)
	}
	enabled := writeFile(t, "scanlogin.yaml", setting.ReplaceAllString(string(text), "$1$2"))
	if code, _, errOut := runCommand(t, "check-config", "--config", enabled); code != exitOK {
		t.Errorf("code %d: %s", code, errOut)
	}
}

func TestAPortInUseIsExplained(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	used := ln.Addr().String()
	file := writeFile(t, "scanlogin.yaml", good+"listen: 127.0.0.1:0\n")
	for _, args := range [][]string{
		{"demo", "--listen", used},
		{"serve", "--config", file, "--listen", used},
		{"serve", "--config", file, "--ops-listen", used},
	} {
		code, _, errOut := runCommand(t, args...)
		for _, want := range []string{used + " is in use by another process", "choose another port with " + strings.TrimSuffix(args[len(args)-2], "=")} {
			if code != exitFailure || !strings.Contains(errOut, want) {
				t.Errorf("%v: code %d, no %q: %s", args, code, want, errOut)
			}
		}
	}
}

func TestUnknownVariablesAreReported(t *testing.T) {
	t.Setenv("SCANLOGIN_LISTN", "127.0.0.1:1")
	t.Setenv("SCANLOGIN_LOG_LEVEL_", "debug")
	t.Setenv("SCANLOGIN_FROBNICATION", "x"+testSecret)
	t.Setenv("SCANLOGIN_SITE_SECRET", testSecret)           // the file names it
	t.Setenv("SCANLOGIN_TOKEN", "a")                        // for scanlogin phone
	t.Setenv("SCANLOGIN_SERVICE_HOST", "10.0.0.1")          // Kubernetes sets these for a service of that name
	t.Setenv("SCANLOGIN_PORT_8080_TCP", "tcp://10.0.0.1:1") //
	file := writeFile(t, "scanlogin.yaml", strings.Replace(good, testSecret, "env:SCANLOGIN_SITE_SECRET", 1))
	code, _, errOut := runCommand(t, "check-config", "--config", file)
	want := `warning: SCANLOGIN_FROBNICATION: is not the variable of a setting, and has no effect; ` + "`scanlogin serve --help` lists them\n" +
		`warning: SCANLOGIN_LISTN: is not the variable of a setting, and has no effect; did you mean SCANLOGIN_LISTEN?` + "\n" +
		`warning: SCANLOGIN_LOG_LEVEL_: is not the variable of a setting, and has no effect; did you mean SCANLOGIN_LOG_LEVEL?` + "\n"
	if code != exitOK || errOut != want {
		t.Errorf("code %d, got:\n%swant:\n%s", code, errOut, want)
	}
}

func TestAnUnknownPoolIsNamed(t *testing.T) {
	redis := redistest.Start(t)
	_, printed, _ := runCommand(t, "console-token", "alice")
	_, admins, _ := strings.Cut(printed, "for the configuration of all nodes:\n\n")
	file := writeFile(t, "scanlogin.yaml", twoPools+admins+"ops_listen: 127.0.0.1:0\nredis_url: "+redis.URL()+"\n")
	want := `scanlogin: the configuration has no pool "none"; its pools are demo, second` + "\n"
	for _, args := range [][]string{{"set", "none", "code_ttl=1m"}, {"reset", "none", "code_ttl"}, {"show", "none"}} {
		code, out, errOut := runCommand(t, append([]string{"pool", args[0], "--config", file}, args[1:]...)...)
		if code != exitFailure || out != "" || errOut != want {
			t.Errorf("%v: code %d\n%s%s", args, code, out, errOut)
		}
	}
	// A pool without a limit of its own shows the one of the server.
	code, out, errOut := runCommand(t, "pool", "show", "--config", file, "demo")
	if code != exitOK || !regexp.MustCompile(`limits\.user_rate +5 \(limits\.user_rate\) +5 \(limits\.user_rate\)`).MatchString(out) {
		t.Errorf("code %d: %s%s", code, out, errOut)
	}
	code, out, errOut = runCommand(t, "pool", "set", "--config", file, "demo", "limits.user_rate=7")
	if code != exitOK || !strings.Contains(out, `"7", before "5 (limits.user_rate)"`) {
		t.Errorf("code %d: %s%s", code, out, errOut)
	}
}

func TestHelpIsACommand(t *testing.T) {
	for _, args := range [][]string{{}, {"serve"}, {"phone", "scan"}} {
		_, want, _ := runCommand(t, append(args, "--help")...)
		code, out, errOut := runCommand(t, append([]string{"help"}, args...)...)
		if code != exitOK || out != want || errOut != "" {
			t.Errorf("help %v: code %d: %s%s", args, code, out, errOut)
		}
	}
	if code, _, errOut := runCommand(t, "help", "launch"); code != exitUsage || !strings.Contains(errOut, "unexpected argument launch") {
		t.Errorf("code %d: %s", code, errOut)
	}
}

// TestExitCodesAreAsDocumented compares with the texts of --help.
func TestExitCodesAreAsDocumented(t *testing.T) {
	_, out, _ := runCommand(t, "--help")
	text := strings.Join(strings.Fields(out), " ")
	if want := "Exit codes: 0 success; 1 the command failed or was refused; 2 the command line or the configuration is invalid."; !strings.Contains(text, want) {
		t.Errorf("no %q in:\n%s", want, out)
	}
	for _, line := range []string{
		"demo --public-url nowhere",
		"phone scan --server nowhere --token a b",
		"phone scan --server http://127.0.0.1:1 --link-origin nowhere --token a b",
	} {
		if code, _, errOut := runCommand(t, strings.Fields(line)...); code != exitUsage || !strings.HasPrefix(errOut, "scanlogin: --") {
			t.Errorf("%s: code %d: %s", line, code, errOut)
		}
	}
}
