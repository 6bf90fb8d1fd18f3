package main

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/scanlogin/scanlogin/internal/config"
	"github.com/scanlogin/scanlogin/internal/config/configtest"
)

func TestFlagsOverrideTheEnvironmentWhichOverridesTheFile(t *testing.T) {
	file := writeFile(t, "scanlogin.yaml", good+"listen: 127.0.0.1:1\nkey_prefix: file\nops_listen: 127.0.0.1:2\n")
	t.Setenv("SCANLOGIN_CONFIG", file)
	t.Setenv("SCANLOGIN_KEY_PREFIX", "environment")
	t.Setenv("SCANLOGIN_LISTEN", "nowhere")
	t.Setenv("SCANLOGIN_TOKEN_TTL", "long")
	t.Setenv("SCANLOGIN_OPS_LISTEN", "") // counts as absent

	code, _, errOut := runCommand(t, "check-config", "--listen", "127.0.0.1:3", "--drain-delay", "soon")
	want := "--drain-delay: drain_delay: invalid duration; write a number with a unit, such as 90s, 5m or 1h\n" +
		"SCANLOGIN_TOKEN_TTL: token_ttl: invalid duration; write a number with a unit, such as 90s, 5m or 1h\n"
	if code != exitUsage || errOut != want {
		t.Errorf("code %d, got:\n%swant:\n%s", code, errOut, want)
	}
}

func TestCheckConfigWarnsOfSecretsThatOtherUsersCanRead(t *testing.T) {
	t.Setenv("TEST_SECRET", testSecret)
	secret := func(mode fs.FileMode) string {
		return "file:" + configtest.SetMode(t, writeFile(t, "secret", testSecret), mode)
	}
	in := func(value string) string { return strings.Replace(good, testSecret, value, 1) }
	for name, tt := range map[string]struct {
		text string
		mode fs.FileMode
		want string
	}{
		"private file":            {in(secret(0o600)), 0o644, ""},
		"file that all read":      {in(secret(0o644)), 0o644, "can be read by every user of this machine (mode 0644); chmod 600 it"},
		"in the clear":            {good, 0o644, `pools[0].secret: is in this file, which can be read by every user of this machine (mode 0644); chmod 600 it, or write env:NAME or file:PATH`},
		"in the clear, private":   {good, 0o600, ""},
		"variable":                {in("env:TEST_SECRET"), 0o644, ""},
		"Redis without password":  {in("env:TEST_SECRET") + "redis_url: redis://127.0.0.1/0\n", 0o644, ""},
		"Redis with password":     {in("env:TEST_SECRET") + "redis_url: redis://u:" + testSecret + "@127.0.0.1/0\n", 0o644, "redis_url: is in this file"},
		"Redis' with a parameter": {in("env:TEST_SECRET") + "redis_url: redis://a:1/0?master_name=m&addr=b:1&password=" + testSecret + "\n", 0o644, "redis_url: is in this file"},
	} {
		file := configtest.SetMode(t, writeFile(t, "scanlogin.yaml", tt.text), tt.mode)
		code, _, errOut := runCommand(t, "check-config", "--config", file)
		if code != exitOK || !strings.Contains(errOut, tt.want) || (errOut == "") != (tt.want == "") || strings.Contains(errOut, testSecret) {
			t.Errorf("%s: code %d, %s", name, code, errOut)
		}
	}
}

func TestSecretsOnTheCommandLineAreRefused(t *testing.T) {
	file := writeFile(t, "scanlogin.yaml", good)
	key := configtest.SigningKey(t, "PRIVATE KEY")
	t.Setenv("TEST_KEY", key)
	for _, args := range [][]string{
		{"--redis-url", "redis://127.0.0.1/0"},
		{"--signing-key", "env:TEST_KEY"},
		{"--signing-keys", "file:" + writeFile(t, "key.pem", key)},
	} {
		if code, _, errOut := runCommand(t, append([]string{"check-config", "--config", file}, args...)...); code != exitOK {
			t.Errorf("%v: code %d, %s", args, code, errOut)
		}
	}
	for _, args := range [][]string{
		{"--redis-url", "redis://user:" + testSecret + "@127.0.0.1/0"},
		{"--redis-url", "redis://127.0.0.1/0?password=" + testSecret},
		{"--signing-keys", "env:TEST_KEY," + key},
		{"--signing-key=" + key},
		{"--redis-url", "redis://u:" + testSecret + "@127.0.0.1/0", "--token-ttl", "x"},
	} {
		code, out, errOut := runCommand(t, append([]string{"check-config", "--config", file}, args...)...)
		if code != exitUsage || !strings.Contains(errOut, "must not be on the command line") || strings.Contains(out+errOut, testSecret) || strings.Contains(out+errOut, key[40:80]) {
			t.Errorf("%s: code %d, %s%s", args[0], code, out, errOut)
		}
	}
	// Errors about the command line do not repeat its values either.
	for _, args := range [][]string{
		{"--signing-key", key}, // begins like a flag
		{testSecret},
		{"--listen", "127.0.0.1:0", key},
		{"--" + testSecret},
	} {
		code, out, errOut := runCommand(t, append([]string{"check-config", "--config", file}, args...)...)
		if code != exitUsage || strings.Contains(out+errOut, testSecret) || strings.Contains(out+errOut, key[40:80]) {
			t.Errorf("%s: code %d, %s%s", args[0], code, out, errOut)
		}
	}
}

// TestNoOutputContainsASecret breaks the configuration in many ways, each on the line
// of a secret.
func TestNoOutputContainsASecret(t *testing.T) {
	lines := []string{
		"secret: " + testSecret,
		"secret:" + testSecret,
		"secret: \"" + testSecret,
		"secret: '" + testSecret + "' x",
		"secret: [" + testSecret,
		"secret: [" + testSecret + "]",
		"secret: {" + testSecret + "}",
		"secret: {" + testSecret + ": }",
		"secret: " + testSecret + ": x",
		"secret: &" + testSecret,
		"secret: *" + testSecret,
		"secret: !" + testSecret + " x",
		"secret: !!" + testSecret + " x",
		"secret: |" + testSecret,
		"secret: >" + testSecret + "\n     x",
		"secret: @" + testSecret,
		"secret: %" + testSecret,
		"secret: `" + testSecret,
		"secret: a\n    " + testSecret,
		"secret: a\n\t" + testSecret,
		"secret: a\n    " + testSecret + ": 1",
		"secret: a\n    " + testSecret + ": 1\n    " + testSecret + ": 1",
		"%YAML " + testSecret,
		"? " + testSecret,
		"- " + testSecret,
		"identity: {jwt: {public_key: " + testSecret + "}}",
		"identity: {jwt: {jwks_url: \"" + testSecret + "\"}}",
		"identity: {jwt: {issuer: \"" + testSecret + "\"}}",
		"identity: {userinfo: {url: \"" + testSecret + "\"}}",
		"max_codes: " + testSecret,
		"code_ttl: " + testSecret,
		"bind_browser: " + testSecret,
		"payload_format: " + testSecret,
		"app_link: " + testSecret,
		"logo: " + testSecret,
		"origins: [\"" + testSecret + "\"]",
		"origins: [\"https://" + testSecret + "@a.example.com\"]",
		"app_ids: [\"" + testSecret + " x\"]",
	}
	for _, line := range lines {
		path := writeFile(t, "scanlogin.yaml", "public_url: https://scan.example.com\npools:\n  - id: demo\n    "+line+"\n")
		_, out, errOut := runCommand(t, "check-config", "--config", path)
		if strings.Contains(out+errOut, testSecret) {
			t.Errorf("%s\nis shown in:\n%s%s", line, out, errOut)
		}
	}
}

func TestNoOutputContainsASecretFromTheEnvironment(t *testing.T) {
	path := writeFile(t, "scanlogin.yaml", good)
	for _, name := range []string{
		"LISTEN", "OPS_LISTEN", "PUBLIC_URL", "REDIS_URL", "KEY_PREFIX", "SIGNING_KEY", "TOKEN_TTL",
		"TRUSTED_PROXIES", "DRAIN_DELAY", "LOG_LEVEL", "LOG_FORMAT",
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("SCANLOGIN_"+name, "::"+testSecret)
			code, out, errOut := runCommand(t, "check-config", "--config", path)
			if code != exitUsage || !strings.Contains(errOut, "SCANLOGIN_"+name+": ") || strings.Contains(out+errOut, testSecret) {
				t.Errorf("code %d:\n%s%s", code, out, errOut)
			}
		})
	}
}

func TestEverySettingHasAFlagAndAVariable(t *testing.T) {
	parser := kong.Must(newCommands())
	flags := map[string]*kong.Flag{}
	for _, command := range parser.Model.Children {
		if command.Name == "serve" {
			for _, flag := range command.Flags {
				flags[flag.Tag.Get("path")] = flag
			}
		}
	}
	for _, s := range config.Settings() {
		if strings.Contains(s.Path, "[]") {
			continue
		}
		words := strings.NewReplacer(".", "_").Replace(s.Path)
		name, variable := strings.ReplaceAll(words, "_", "-"), "SCANLOGIN_"+strings.ToUpper(words)
		if flag := flags[s.Path]; flag == nil || flag.Name != name || fmt.Sprint(flag.Envs) != "["+variable+"]" || flag.Help == "" {
			t.Errorf("%s: want --%s and %s", s.Path, name, variable)
		}
	}
}

func TestReferenceHasOneRowPerSetting(t *testing.T) {
	code, out, _ := runCommand(t, "check-config", "--reference")
	if lines := strings.Count(out, "\n"); code != exitOK || lines != len(config.Settings())+2 {
		t.Errorf("code %d, %d lines", code, lines)
	}
}
