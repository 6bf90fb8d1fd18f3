package architecture

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// consoleFiles are all files of the console, apart from its configuration.
var consoleFiles = []string{
	"internal/admin/*.go", "internal/admin/stats/*.go", "internal/settings/*.go", "web/console*.go",
	"internal/app/console.go", "internal/app/pool_editor.go", "cmd/scanlogin/console_token.go", "cmd/scanlogin/pool_command.go",
}

// withoutConsole are the places that name something in these files, and what stands there
// without the console.
var withoutConsole = map[string]map[string]string{
	"internal/app/app.go": {"a.openConsole(ctx, b)": "extension{}"},
	"cmd/scanlogin/main.go": {
		"\tPool         poolCommand ":         "\t// ",
		"\tConsoleToken consoleTokenCommand ": "\t// ",
		"\t\t&c.Pool.List.configFlags, ":      "\t\t// ",
	},
}

// TestTheConsoleCanBeRemoved compiles the program without the console's files.
func TestTheConsoleCanBeRemoved(t *testing.T) {
	replace := make(map[string]string) // for go build -overlay; "" removes a file
	for _, pattern := range consoleFiles {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %v, %v", pattern, names, err)
		}
		for _, name := range names {
			replace[name] = ""
		}
	}
	dir := t.TempDir()
	for name, changes := range withoutConsole {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		changed := string(text)
		for from, to := range changes {
			if strings.Count(changed, from) != 1 {
				t.Errorf("%s has %q %d times, want once", name, from, strings.Count(changed, from))
			}
			changed = strings.Replace(changed, from, to, 1)
		}
		replace[name] = filepath.Join(dir, filepath.Base(name))
		if err := os.WriteFile(replace[name], []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	// With more than one package, go build compiles and does not link.
	out, err := exec.CommandContext(t.Context(), "go", "build", "-overlay", list, "./cmd/scanlogin", "./session").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
