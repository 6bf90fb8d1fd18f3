package webhook

import (
	"encoding/json"
	"time"

	"github.com/scanlogin/scanlogin/internal/webhook/queue"
)

// Limits per pool. An entry of a code has about 150 bytes; a message has about 0.5 KB, at
// most 3 KB; a message of an unscanned code has at most 0.5 KB. Anybody can create codes, so
// an attacker can fill 200,000 codes (30 MB) and 20,000 messages of unscanned codes (10 MB).
const (
	maxCodes     = 200_000
	maxScanned   = 10_000_000
	maxDue       = 100_000
	maxUnscanned = 20_000
	maxDead      = 10_000
)

// Lifetimes of the lanes after the last Add. A code ends after at most 82 minutes (the longest
// code, confirm and ticket TTL), and a message after a day and its last pause.
const (
	codesLife = 3 * time.Hour
	dueLife   = 48 * time.Hour
	deadLife  = 30 * 24 * time.Hour
)

// codesOf returns the lane of a pool's codes, from their creation on. When it is full, the
// oldest are removed; a scan adds its code to a different lane.
func codesOf(pool string) queue.Lane {
	return queue.Lane{Name: "webhooks:" + pool + ":codes", MaxLen: maxCodes, DropOldest: true, TTL: codesLife}
}

// scannedOf returns the lane of a pool's codes whose scan is or will be stored.
func scannedOf(pool string) queue.Lane {
	return queue.Lane{Name: "webhooks:" + pool + ":scanned", MaxLen: maxScanned, TTL: codesLife}
}

// dueOf returns the lane of a pool's messages about scanned codes.
func dueOf(pool string) queue.Lane {
	return queue.Lane{Name: "webhooks:" + pool + ":due", MaxLen: maxDue, TTL: dueLife}
}

// unscannedOf returns the lane of a pool's messages about unscanned codes. They are sent after
// the others, and dropped if the lane is full.
func unscannedOf(pool string) queue.Lane {
	return queue.Lane{Name: "webhooks:" + pool + ":unscanned", MaxLen: maxUnscanned, TTL: dueLife}
}

// deadOf returns the lane of a pool's dead letters. When it is full, the oldest are removed.
func deadOf(pool string) queue.Lane {
	return queue.Lane{Name: "webhooks:" + pool + ":dead", MaxLen: maxDead, DropOldest: true, TTL: deadLife}
}

// deadUnscannedOf returns deadOf for messages about unscanned codes: they are added while half
// of the lane is free, and remove no others.
func deadUnscannedOf(pool string) queue.Lane {
	lane := deadOf(pool)
	lane.DropOldest, lane.MaxLen = false, maxDead/2
	return lane
}

// message is a transition in the queue.
type message struct {
	ID      string `json:"id"`                // webhook-id
	Body    string `json:"body"`              // exactly as it is sent and signed
	Failure string `json:"failure,omitempty"` // dead letters: why the last attempt failed
}

func (m message) text() string {
	text, _ := json.Marshal(m) // a struct of strings cannot fail
	return string(text)
}

// readMessage decodes an entry; ok is false if scanlogin did not write it.
func readMessage(text string) (m message, ok bool) {
	err := json.Unmarshal([]byte(text), &m)
	return m, err == nil && m.ID != "" && m.Body != ""
}
