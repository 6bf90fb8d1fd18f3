// Package secret keeps secrets out of logs and output.
//
// It guarantees that a Text, and a struct that embeds Redacted, appears as "[redacted]" when
// it is printed with any verb, logged by slog, or marshaled as JSON, YAML or text.
package secret

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Redacted redacts every struct that embeds it.
type Redacted struct{}

// String returns "[redacted]".
func (Redacted) String() string { return redacted }

// Format writes "[redacted]" for every verb.
func (Redacted) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns "[redacted]".
func (Redacted) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]", and never an error.
func (Redacted) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Text is a text that is redacted like Redacted. string(t) reveals it.
type Text string

// String is as of [Redacted].
func (Text) String() string { return Redacted{}.String() }

// Format is as of [Redacted].
func (Text) Format(f fmt.State, verb rune) { Redacted{}.Format(f, verb) }

// LogValue is as of [Redacted].
func (Text) LogValue() slog.Value { return Redacted{}.LogValue() }

// MarshalText is as of [Redacted].
func (Text) MarshalText() ([]byte, error) { return Redacted{}.MarshalText() }

// Random returns 256 random bits in base64url, 43 characters.
func Random() Text {
	var bits [32]byte
	rand.Read(bits[:]) // never fails (crypto/rand, Go 1.24)
	return Text(base64.RawURLEncoding.EncodeToString(bits[:]))
}
