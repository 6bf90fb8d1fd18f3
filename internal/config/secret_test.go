package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

func TestSecretTextIsNeverShown(t *testing.T) {
	type holder struct{ Secret secretText }
	h := holder{testSecret}
	var shown bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&shown, verb, h)
		fmt.Fprintf(&shown, verb, h.Secret)
	}
	fmt.Fprint(&shown, h.Secret.String(), h.Secret.GoString())
	slog.New(slog.NewJSONHandler(&shown, nil)).Info("x", "secret", h.Secret, "holder", h)
	slog.New(slog.NewTextHandler(&shown, nil)).Info("x", "secret", h.Secret, "holder", h)
	asJSON, _ := json.Marshal(h)
	asYAML, _ := yaml.Marshal(h)
	shown.Write(asJSON)
	shown.Write(asYAML)
	if strings.Contains(shown.String(), testSecret) || strings.Contains(shown.String(), fmt.Sprintf("%x", testSecret)) {
		t.Errorf("shown in:\n%s", &shown)
	}
}

// TestNoOutputRepeatsASecret breaks the configuration in many ways, each on the
// very line of a secret.
func TestNoOutputRepeatsASecret(t *testing.T) {
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

func TestNoOutputRepeatsASecretOfTheEnvironment(t *testing.T) {
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

func FuzzConfiguration(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(example))
	f.Add([]byte("pools: [{secret: \"" + testSecret + ", identity: {jwt: {hs256_secret: " + testSecret + "}}}]"))
	f.Add([]byte("secret: |" + testSecret + "\n? " + testSecret + ": &a !!x *a"))
	f.Fuzz(func(t *testing.T, text []byte) {
		named := bytes.Contains(text, []byte("file:")) || bytes.Contains(text, []byte("env:"))
		if len(text) > 1<<14 || named {
			t.Skip("too slow, or names that are repeated on purpose")
		}
		d, err := parse("scanlogin.yaml", text)
		if err != nil {
			if strings.Contains(err.Error(), testSecret) {
				t.Errorf("shown in:\n%v", err)
			}
			return
		}
		d.requireAll()
		d.resolveAll()
		s := d.settings()
		if shown := fmt.Sprintf("%v %v", d.problems, s.warnings); strings.Contains(shown, testSecret) {
			t.Errorf("shown in:\n%s", shown)
		}
	})
}
