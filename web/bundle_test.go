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

// bundles are the committed bundles by the script that builds them.
var bundles = map[string]string{"./build.sh": "scanlogin.js", "./console/build.sh": "console/console.js"}

// The committed bundles are what their sources give, so that `go install` needs no build step and
// an outdated one is never served.
func TestBundlesAreBuiltFromTheirSources(t *testing.T) {
	for script, bundle := range bundles {
		built := filepath.Join(t.TempDir(), "built.js")
		if out, err := exec.CommandContext(t.Context(), script, built).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		want, err := os.ReadFile(built)
		if err != nil {
			t.Fatal(err)
		}
		if have, err := os.ReadFile(bundle); err != nil || !bytes.Equal(have, want) {
			t.Errorf("web/%s is not what its sources give: run `make web` and commit the result", bundle)
		}
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

// The licenses of what the bundle contains require their text in every copy.
func TestBundleHasTheLicensesOfThirdParties(t *testing.T) {
	packages, err := os.ReadDir("third_party")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, p := range packages {
		if !p.IsDir() {
			continue
		}
		found++
		license, err := os.ReadFile(filepath.Join("third_party", p.Name(), "LICENSE"))
		if err != nil {
			t.Error(err)
			continue
		}
		if !bytes.HasPrefix(license, []byte("MIT License")) && !bytes.HasPrefix(license, []byte("The MIT License (MIT)")) {
			t.Errorf("%s: which license is it, and what does it require?", p.Name())
		}
		if !inABundle(t, license) || !inABundle(t, []byte("\n"+p.Name()+" ")) {
			t.Errorf("no bundle has the name and the license of %s", p.Name())
		}
	}
	if found == 0 {
		t.Error("third_party has no package")
	}
}

// inABundle reports whether a bundle contains text.
func inABundle(t *testing.T, text []byte) bool {
	for _, name := range bundles {
		bundle, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(bundle, text) {
			return true
		}
	}
	return false
}
