package main

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

func TestHelpOfEachCommandListsItsFlags(t *testing.T) {
	tests := map[string][]string{
		"":              {"demo", "serve", "check-config", "phone scan", "healthcheck", "secret", "version"},
		"demo":          {"--listen", "--public-url"},
		"serve":         {"--config", "SCANLOGIN_CONFIG", "--listen", "SCANLOGIN_LISTEN", "--log-level"},
		"check-config":  {"--config", "--reference", "--listen"},
		"healthcheck":   {"--config", "--url"},
		"phone":         {"scan", "confirm", "cancel"},
		"phone scan":    {"--server", "--pool", "--token", "SCANLOGIN_TOKEN", "<code>"},
		"phone confirm": {"--server", "--pool", "--token"},
		"phone cancel":  {"--server", "--pool", "--token"},
		"pool set":      {"--config", "--as", "<pool>", "code_ttl=90s"},
		"console-token": {"<name>"},
		"secret":        {"32 bytes"},
		"version":       {"commit"},
	}
	for command, words := range tests {
		code, out, errOut := runCommand(t, append(strings.Fields(command), "--help")...)
		if code != exitOK || errOut != "" {
			t.Errorf("%s: code %d, %s", command, code, errOut)
		}
		for _, word := range words {
			if !strings.Contains(out, word) {
				t.Errorf("%s: no %s in:\n%s", command, word, out)
			}
		}
	}
}

func TestInvalidCommandLineIsExplainedOnStderr(t *testing.T) {
	tests := map[string]string{
		"":             "expected one of",
		"launch":       "unexpected argument launch",
		"serve --nope": "unknown flag --nope",
		"phone scan a": "missing flags: --server=URL",
		"phone scan --server http://127.0.0.1:1 a": "set the variable SCANLOGIN_TOKEN, or --token",
		"secret too much":                          "unexpected argument too",
		"phone scan --bad":                         "unknown flag --bad",
	}
	for line, want := range tests {
		code, out, errOut := runCommand(t, strings.Fields(line)...)
		if code != exitUsage || out != "" || !strings.Contains(errOut, want) {
			t.Errorf("%q: code %d, %q, %q", line, code, out, errOut)
		}
	}
}

func TestSecretsAreLongAndUnique(t *testing.T) {
	_, one, _ := runCommand(t, "secret")
	_, two, _ := runCommand(t, "secret")
	bits, err := base64.RawURLEncoding.DecodeString(strings.TrimSuffix(one, "\n"))
	if err != nil || len(bits) < 32 || one == two {
		t.Errorf("%q, %q: %v", one, two, err)
	}
}

func TestVersionIsPrinted(t *testing.T) {
	for _, args := range []string{"version", "--version", "serve --version"} {
		code, out, errOut := runCommand(t, strings.Fields(args)...)
		if code != exitOK || !strings.HasPrefix(out, "scanlogin ") || !strings.Contains(out, runtime.Version()) || strings.Count(out, "\n") != 1 || errOut != "" {
			t.Errorf("%s: code %d: %s%s", args, code, out, errOut)
		}
	}
}

func TestCheckConfigAcceptsAValidFile(t *testing.T) {
	path := writeFile(t, "scanlogin.yaml", good+"    bind_browser: false\n")
	code, out, errOut := runCommand(t, "check-config", "--config", path)
	if code != exitOK || !strings.Contains(out, "is valid; pools: 1") {
		t.Errorf("code %d: %s", code, out)
	}
	if want := "warning: " + path + ":5:19: pools[0].bind_browser: is false"; !strings.HasPrefix(errOut, want) {
		t.Errorf("got %s, want %s…", errOut, want)
	}
}

func TestCheckConfigListsWhatGuardNeeds(t *testing.T) {
	path := writeFile(t, "scanlogin.yaml", good+"    match: digits\n    require_pkce: true\n")
	code, out, _ := runCommand(t, "check-config", "--guard", "--config", path)
	for _, key := range []string{"app_ids", "origins", "allow_browser_exchange: true", "match: off", "require_pkce: false"} {
		if !strings.Contains(out, "Guard needs "+key) {
			t.Errorf("%s is missing in: %s", key, out)
		}
	}
	if code != exitFailure {
		t.Errorf("exit code %d, want %d", code, exitFailure)
	}
	path = writeFile(t, "scanlogin.yaml", good+"    app_ids: [app]\n    origins: [https://www.example.com]\n    allow_browser_exchange: true\n")
	if code, out, errOut := runCommand(t, "check-config", "--guard", "--config", path); code != exitOK || !strings.Contains(out, "has the settings that Guard needs") {
		t.Errorf("code %d: %s%s", code, out, errOut)
	}
}

func TestHealthcheckCallsTheConfiguredServer(t *testing.T) {
	ready := true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" || !ready {
			http.Error(w, "redis is away", http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	path := writeFile(t, "scanlogin.yaml", good+"ops_listen: "+server.Listener.Addr().String()+"\n")
	if code, out, errOut := runCommand(t, "healthcheck", "--config", path); code != exitOK || out != "ready\n" {
		t.Errorf("code %d, %s", code, errOut)
	}
	if code, _, errOut := runCommand(t, "healthcheck", "--url", server.URL+"/readyz"); code != exitOK {
		t.Errorf("code %d, %s", code, errOut)
	}
	notOps := httptest.NewServer(http.NotFoundHandler())
	defer notOps.Close()
	if code, _, errOut := runCommand(t, "healthcheck", "--url", notOps.URL+"/readyz"); code != exitFailure || !strings.Contains(errOut, "ops_listen") {
		t.Errorf("another listener: code %d, %s", code, errOut)
	}
	ready = false
	if code, _, errOut := runCommand(t, "healthcheck", "--config", path); code != exitFailure || !strings.Contains(errOut, "redis is away") {
		t.Errorf("code %d, %s", code, errOut)
	}
	server.Close()
	if code, _, errOut := runCommand(t, "healthcheck", "--config", path); code != exitFailure || errOut == "" {
		t.Errorf("code %d, %s", code, errOut)
	}
	off := writeFile(t, "scanlogin.yaml", good)
	if code, _, errOut := runCommand(t, "healthcheck", "--config", off); code != exitFailure || !strings.Contains(errOut, "ops_listen is not configured") {
		t.Errorf("code %d, %s", code, errOut)
	}
}

func TestHealthcheckCallsServersOnAllInterfaces(t *testing.T) {
	tests := map[string]string{
		":9090":          "127.0.0.1:9090",
		"0.0.0.0:9090":   "127.0.0.1:9090",
		"[::]:9090":      "127.0.0.1:9090",
		"[::1]:9090":     "[::1]:9090",
		"localhost:9090": "localhost:9090",
	}
	for listen, want := range tests {
		if got := reachable(listen); got != want {
			t.Errorf("%s: %s, want %s", listen, got, want)
		}
	}
}
