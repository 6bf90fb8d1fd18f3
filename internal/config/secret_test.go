package config

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

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
