package identity

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a configured shared secret. Its value appears only if it is explicitly
// converted to a string: it is redacted when formatted, logged or marshaled.
type Secret string

const redacted = "[redacted]"

func (Secret) Format(f fmt.State, _ rune)   { _, _ = io.WriteString(f, redacted) }
func (Secret) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
