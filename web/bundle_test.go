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

// The committed bundle is what its sources give, so that `go install` needs no build step and
// an outdated one is never served.
func TestBundleIsBuiltFromItsSources(t *testing.T) {
	built := filepath.Join(t.TempDir(), "scanlogin.js")
	if out, err := exec.CommandContext(t.Context(), "./build.sh", built).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want, err := os.ReadFile(built)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read("scanlogin.js"), want) {
		t.Error("web/scanlogin.js is not what web/src gives: run `make web` and commit the result")
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
		if !bytes.HasPrefix(license, []byte("MIT License")) {
			t.Errorf("%s: which license is it, and what does it require?", p.Name())
		}
		bundle := read("scanlogin.js")
		if !bytes.Contains(bundle, license) || !bytes.Contains(bundle, []byte("\n"+p.Name()+" ")) {
			t.Errorf("the bundle does not have the name and the license of %s", p.Name())
		}
	}
	if found == 0 {
		t.Error("third_party has no package")
	}
}
