package pool

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/scanlogin/scanlogin/internal/secret"
)

// Webhook configures where a pool's transitions are sent and how they are signed.
type Webhook struct {
	URL          string
	Keys         []WebhookKey // all sign: two during a rotation
	Events       []string     // event types to send; empty: all
	AllowPrivate bool         // the address may be on a private network
}

// Wants reports whether events of this type are sent.
func (w *Webhook) Wants(event string) bool {
	return len(w.Events) == 0 || slices.Contains(w.Events, event)
}

// Sign returns the signature header of Standard Webhooks for a message that is sent at a
// time: one signature per key.
func (w *Webhook) Sign(id string, at time.Time, body []byte) string {
	signatures := make([]string, len(w.Keys))
	for i, key := range w.Keys {
		mac := hmac.New(sha256.New, key.bytes)
		fmt.Fprintf(mac, "%s.%d.%s", id, at.Unix(), body)
		signatures[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(signatures, " ")
}

// WebhookKey signs messages. It never reveals its value.
type WebhookKey struct {
	secret.Redacted
	bytes []byte
}

// Form and size of a key by Standard Webhooks, in bytes.
const (
	webhookKeyPrefix   = "whsec_"
	minKeySize         = 24
	maxKeySize         = 64
	recommendedKeySize = 32
)

// ErrWebhookKey is returned for text that is not a key.
var ErrWebhookKey = errors.New("must be whsec_ and 24 to 64 random bytes in base64; create one with `scanlogin secret --webhook`")

// ParseWebhookKey parses a key in the form of Standard Webhooks.
func ParseWebhookKey(text string) (WebhookKey, error) {
	encoded, ok := strings.CutPrefix(text, webhookKeyPrefix)
	key, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if !ok || err != nil || strings.ContainsAny(encoded, "\r\n") || len(key) < minKeySize || len(key) > maxKeySize {
		return WebhookKey{}, ErrWebhookKey
	}
	return WebhookKey{bytes: key}, nil
}

// FormatWebhookKey returns the text of a key of 32 random bytes.
func FormatWebhookKey(random [recommendedKeySize]byte) string {
	return webhookKeyPrefix + base64.StdEncoding.EncodeToString(random[:])
}
