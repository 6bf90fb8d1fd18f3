package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
)

// secretText is text that is never shown, however it is printed, logged or
// marshalled; string(s) reveals it. In the configuration it may name where the
// text is: see [secretText.resolve].
type secretText string

const redacted = "[redacted]"

func (secretText) String() string               { return redacted }
func (secretText) GoString() string             { return redacted }
func (secretText) Format(f fmt.State, _ rune)   { fmt.Fprint(f, redacted) }
func (secretText) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (secretText) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// maxSecretBytes bounds a file that a secret is read from: the largest thing
// that belongs there is a PEM key of a few hundred bytes.
const maxSecretBytes = 64 << 10

// resolve returns the text that s names by `env:NAME` or `file:PATH`, or s
// itself. A file's trailing line ends do not belong to the secret. Errors name
// the variable or the file, and never what it holds.
func (s secretText) resolve() (secretText, error) {
	if name, ok := strings.CutPrefix(string(s), "env:"); ok {
		value := os.Getenv(name)
		if value == "" {
			return "", fmt.Errorf("environment variable %s is not set; set it where scanlogin is started", quoteName(name))
		}
		return secretText(value), nil
	}
	if path, ok := strings.CutPrefix(string(s), "file:"); ok {
		return readSecret(path)
	}
	return s, nil
}

func readSecret(path string) (secretText, error) {
	data, err := readRegular(path, maxSecretBytes)
	if err != nil {
		return "", fmt.Errorf("file %s: %w", quoteName(path), reason(err))
	}
	text := strings.TrimRight(string(data), "\r\n")
	if text == "" {
		return "", fmt.Errorf("file %s is empty; write the secret into it", quoteName(path))
	}
	return secretText(text), nil
}

// quoteName quotes the name of a variable or a file for a message, unless it is
// so long that it may be a secret that was written in the name's place.
func quoteName(name string) string {
	if len(name) > 255 || strings.ContainsAny(name, "\r\n") {
		return "(a name too long to be one)"
	}
	return fmt.Sprintf("%q", name)
}

var errNotRegular = errors.New("is no regular file")

// readRegular reads a regular file of at most limit bytes. Devices and pipes
// are refused, because they may never end.
func readRegular(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errNotRegular
	}
	f, err := os.Open(path) // #nosec G304 -- who runs the program says what it reads
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAtMost(f, limit)
}

// readAtMost reads all of r, or fails if that is more than limit bytes.
func readAtMost(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("is larger than %d bytes", limit)
	}
	return data, nil
}

// reason is err without the path, which the message around it names already.
func reason(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	return err
}
