package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

func TestSecretIsRedactedInAllOutput(t *testing.T) {
	type holder struct{ Secret Secret }
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

func FuzzConfiguration(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(example))
	f.Add([]byte("pools: [{secret: \"" + testSecret + ", identity: {jwt: {hs256_secret: " + testSecret + "}}}]"))
	f.Add([]byte("secret: |" + testSecret + "\n? " + testSecret + ": &a !!x *a"))
	f.Fuzz(func(t *testing.T, text []byte) {
		named := bytes.Contains(text, []byte("file:")) || bytes.Contains(text, []byte("env:"))
		if len(text) > 1<<14 || named {
			t.Skip("too slow, or names of files and variables, which messages quote")
		}
		d, err := parse("scanlogin.yaml", text)
		if err != nil {
			if strings.Contains(err.Error(), testSecret) {
				t.Errorf("shown in:\n%v", err)
			}
			return
		}
		d.resolveSecrets()
		d.validate()
		c := d.build()
		if shown := fmt.Sprintf("%v %v", d.problems, c.Warnings); strings.Contains(shown, testSecret) {
			t.Errorf("shown in:\n%s", shown)
		}
	})
}
