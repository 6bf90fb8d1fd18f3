package web

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// bundles are the modules that are built, with their files and the third-party packages in them.
var bundles = map[string]struct{ file, contains string }{
	"scanlogin.js": {"scanlogin.js", "lean-qr"},
	"phone.js":     {"phone.js", ""},
	"decoder.js":   {"decoder.js", "qr"},
	"console.js":   {"console/console.js", "uplot"},
}

// The committed bundles are what their sources give, so that `go install` needs no build step
// and an outdated one is never served.
func TestBundlesAreBuiltFromTheirSources(t *testing.T) {
	for name, bundle := range bundles {
		built := filepath.Join(t.TempDir(), name)
		if out, err := exec.CommandContext(t.Context(), "./build.sh", name, built).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		want, err := os.ReadFile(built)
		if err != nil {
			t.Fatal(err)
		}
		if have, err := os.ReadFile(bundle.file); err != nil || !bytes.Equal(have, want) {
			t.Errorf("web/%s is not what its sources give: run `make web` and commit the result", bundle.file)
		}
	}
}

// The committed API reference is what the descriptions give.
func TestDocsAreBuiltFromTheDescriptions(t *testing.T) {
	built := filepath.Join(t.TempDir(), "docs.html")
	if out, err := exec.CommandContext(t.Context(), "go", "run", "./reference", "openapi.yaml", "asyncapi.yaml", built).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want, err := os.ReadFile(built)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read("docs.html"), want) {
		t.Error("web/docs.html is not what openapi.yaml and asyncapi.yaml give: run `make web` and commit the result")
	}
}

// The third-party sources are those that scripts/third-party-js.sh has verified.
func TestThirdPartySourcesAreUnchanged(t *testing.T) {
	root := os.DirFS("third_party")
	sums, err := fs.ReadFile(root, "SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	want := make(map[string]string)
	for lines := bufio.NewScanner(bytes.NewReader(sums)); lines.Scan(); {
		sum, name, _ := strings.Cut(lines.Text(), "  ")
		want[name] = sum
	}
	err = fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || name == "SHA256SUMS" {
			return err
		}
		body, err := fs.ReadFile(root, name)
		if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != want[name] {
			t.Errorf("third_party/%s is not what third_party/SHA256SUMS says: run scripts/third-party-js.sh", name)
		}
		delete(want, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range want {
		t.Errorf("third_party/%s is missing", name)
	}
}

// The licenses of what a bundle contains require their text in every copy.
func TestBundlesHaveTheLicensesOfThirdParties(t *testing.T) {
	found := make(map[string]bool)
	for _, bundle := range bundles {
		p := bundle.contains
		if p == "" {
			continue
		}
		found[p] = true
		license, err := os.ReadFile(filepath.Join("third_party", p, "LICENSE"))
		if err != nil {
			t.Error(err)
			continue
		}
		if !bytes.HasPrefix(license, []byte("MIT License")) && !bytes.HasPrefix(license, []byte("The MIT License")) {
			t.Errorf("%s: which license is it, and what does it require?", p)
		}
		text, err := os.ReadFile(bundle.file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(text, license) || !bytes.Contains(text, []byte("\n"+p+" ")) {
			t.Errorf("%s does not have the name and the license of %s", bundle.file, p)
		}
	}
	packages, err := os.ReadDir("third_party")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packages {
		if p.IsDir() && !found[p.Name()] {
			t.Errorf("third_party/%s is in no bundle", p.Name())
		}
	}
}
