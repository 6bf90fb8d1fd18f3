package pool

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// Webhook is where a pool's transitions are told, and how the receiver knows
// that it is us who tells them.
type Webhook struct {
	URL          string
	Keys         []WebhookKey // each signs: two while one takes the place of the other
	Events       []string     // which are told, by their types; none: all
	AllowPrivate bool         // the address may be one inside the own network
}

// Wants reports whether events of the type are told.
func (w *Webhook) Wants(event string) bool {
	return len(w.Events) == 0 || slices.Contains(w.Events, event)
}

// Sign returns the signatures of a message that is sent at a time, by each key
// one, as Standard Webhooks has them in its header.
func (w *Webhook) Sign(id string, at time.Time, body []byte) string {
	signatures := make([]string, len(w.Keys))
	for i, key := range w.Keys {
		mac := hmac.New(sha256.New, key.bytes)
		fmt.Fprintf(mac, "%s.%d.%s", id, at.Unix(), body)
		signatures[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(signatures, " ")
}

// WebhookKey signs messages. It never shows its value.
type WebhookKey struct{ bytes []byte }

// Standard Webhooks' form and bounds of a key, in bytes.
const (
	webhookKeyPrefix   = "whsec_"
	minKeySize         = 24
	maxKeySize         = 64
	recommendedKeySize = 32
)

// ErrWebhookKey is for a text that is no key.
var ErrWebhookKey = errors.New("must be whsec_ and the base64 of 24 to 64 random bytes; `scanlogin secret --webhook` prints a good one")

// ParseWebhookKey reads a key as Standard Webhooks writes it.
func ParseWebhookKey(text string) (WebhookKey, error) {
	encoded, ok := strings.CutPrefix(text, webhookKeyPrefix)
	key, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if !ok || err != nil || strings.ContainsAny(encoded, "\r\n") || len(key) < minKeySize || len(key) > maxKeySize {
		return WebhookKey{}, ErrWebhookKey
	}
	return WebhookKey{key}, nil
}

// FormatWebhookKey writes 32 random bytes as a key's text.
func FormatWebhookKey(random [recommendedKeySize]byte) string {
	return webhookKeyPrefix + base64.StdEncoding.EncodeToString(random[:])
}

func (WebhookKey) String() string               { return redacted }
func (WebhookKey) GoString() string             { return redacted }
func (WebhookKey) Format(f fmt.State, _ rune)   { fmt.Fprint(f, redacted) }
func (WebhookKey) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (WebhookKey) MarshalText() ([]byte, error) { return []byte(redacted), nil }
