// Package configtest has what tests of configurations share: a valid one, files and keys.
// Its secret must not appear in any output.
package configtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Secret is the secret of Minimal.
const Secret = "s3cr3t-Value-that-nobody-may-see-0123456789"

// Minimal is the shortest valid configuration. It has one pool, whose settings may follow.
const Minimal = `public_url: https://scan.example.com
pools:
  - id: demo
    secret: ` + Secret + `
`

// SecondPool may follow Minimal.
const SecondPool = "  - id: second\n    secret: " + Secret + "\n"

// WriteFile writes a file into a new directory and returns its path.
func WriteFile(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// SetMode sets the permissions of a file, whatever the umask is, and returns its path.
func SetMode(t testing.TB, path string, mode fs.FileMode) string {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// ClearEnvironment removes the variables that configure scanlogin or OpenTelemetry. Call it
// in TestMain; the tests set their own.
func ClearEnvironment() {
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "SCANLOGIN_") || strings.HasPrefix(name, "OTEL_") {
			_ = os.Unsetenv(name) // fails only for invalid names
		}
	}
}

// SigningKey returns a new P-256 key as PEM: a "PRIVATE KEY" or an "EC PRIVATE KEY".
func SigningKey(t testing.TB, kind string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if kind == "EC PRIVATE KEY" {
		der, err = x509.MarshalECPrivateKey(key)
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
