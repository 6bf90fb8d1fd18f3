package identity

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a shared secret as configured. It shows its value only where it is
// converted to a string on purpose: not formatted, logged or marshalled.
type Secret string

const redacted = "[redacted]"

func (Secret) Format(f fmt.State, _ rune)   { _, _ = io.WriteString(f, redacted) }
func (Secret) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
