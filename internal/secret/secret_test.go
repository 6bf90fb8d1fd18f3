package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/scanlogin/scanlogin/internal/secret"
)

const value = "a secret of more than twenty-four bytes"

// derived is a struct that must not show its fields.
type derived struct {
	secret.Redacted
	text string
	key  []byte
	Open string
}

func TestSecretsAreRedactedInAllOutput(t *testing.T) {
	type holder struct {
		Text    secret.Text
		Derived derived
	}
	h := holder{value, derived{text: value, key: []byte(value), Open: value}}
	for name, v := range map[string]any{"a text": h.Text, "a struct": h.Derived, "their holder": h, "a pointer to it": &h, "a list": []secret.Text{value}} {
		var shown bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&shown, verb+"\n", v)
		}
		slog.New(slog.NewJSONHandler(&shown, nil)).Info("x", "v", v)
		slog.New(slog.NewTextHandler(&shown, nil)).Info("x", "v", v)
		for _, marshal := range []func(any) ([]byte, error){json.Marshal, func(v any) ([]byte, error) { return yaml.Marshal(v) }} {
			text, err := marshal(v)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			shown.Write(text)
		}
		if !strings.Contains(shown.String(), "[redacted]") {
			t.Errorf("%s is not marked as redacted in:\n%s", name, &shown)
		}
		for _, spelling := range []string{
			value, fmt.Sprintf("%x", value), strings.Trim(fmt.Sprint([]byte(value)), "[]"), strings.Trim(fmt.Sprintf("%#v", []byte(value)), "[]byte{}"),
		} {
			if strings.Contains(shown.String(), spelling) {
				t.Errorf("%s shows as %s in:\n%s", name, spelling, &shown)
			}
		}
	}
	for _, v := range []any{h.Text, h.Derived} { // handlers of others resolve values, and print what they do not know
		if got := slog.AnyValue(v).Resolve(); got.Kind() != slog.KindString || got.String() != "[redacted]" || v.(fmt.Stringer).String() != "[redacted]" {
			t.Errorf("%T logs %s %v", v, got.Kind(), got)
		}
	}
	if string(h.Text) != value {
		t.Error("the value cannot be revealed")
	}
}
