package config

import (
	"fmt"
	"os"
	"strings"

	"github.com/scanlogin/scanlogin/internal/safefile"
	"github.com/scanlogin/scanlogin/internal/secret"
)

// Secret is a secret in the configuration. Before it is resolved it may be a reference:
// env:NAME or file:PATH.
type Secret = secret.Text

// maxSecretBytes limits files with secrets. The largest secret is a PEM key of a few
// hundred bytes.
const maxSecretBytes = 64 << 10

// resolveSecret returns the text that s refers to by env:NAME or file:PATH, or s itself.
// Trailing line ends of a file are removed. Errors name the variable or the file, but not
// its content.
func resolveSecret(s Secret) (Secret, error) {
	if name, ok := strings.CutPrefix(string(s), "env:"); ok {
		value := os.Getenv(name)
		if value == "" {
			return "", fmt.Errorf("environment variable %s is not set; set it where scanlogin is started", quoteName(name))
		}
		return Secret(value), nil
	}
	if path, ok := strings.CutPrefix(string(s), "file:"); ok {
		return readSecret(path)
	}
	return s, nil
}

func readSecret(path string) (Secret, error) {
	data, err := safefile.Read(path, maxSecretBytes)
	if err != nil {
		return "", fmt.Errorf("file %s: %w", quoteName(path), err)
	}
	text := strings.TrimRight(string(data), "\r\n")
	if text == "" {
		return "", fmt.Errorf("file %s is empty; write the secret into it", quoteName(path))
	}
	return Secret(text), nil
}

// quoteName quotes the name of a variable or a file for a message, unless its length
// suggests that it is a secret without env: or file:.
func quoteName(name string) string {
	if len(name) > 255 || strings.ContainsAny(name, "\r\n") {
		return "(the name is too long)"
	}
	return fmt.Sprintf("%q", name)
}
