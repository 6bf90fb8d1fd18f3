package webhook

import (
	"encoding/json"
	"time"

	"github.com/scanlogin/scanlogin/queue"
)

// Bounds of what one pool may have in the queue. An entry of codes has about
// 150 bytes and there are no more of them than live codes, each of which is
// 1 KB itself; a message has 0.5 KB, and 3 KB at most.
const (
	mostCodes = 10_000_000
	mostDue   = 100_000
	mostDead  = 10_000
)

// Lives of the lanes from the last Add on. A code is over after 82 minutes at
// the latest (the longest code, confirm and ticket TTL), and a message after a
// day and its last pause.
const (
	lifeOfCodes = 3 * time.Hour
	lifeOfDue   = 48 * time.Hour
	lifeOfDead  = 30 * 24 * time.Hour
)

// codesOf is the lane of the codes of a pool that must be followed.
func codesOf(pool string) queue.Lane {
	return queue.Lane{Name: "webhooks:" + pool + ":codes", Most: mostCodes, Life: lifeOfCodes}
}

// dueOf is the lane of a pool's messages that are to be sent.
func dueOf(pool string) queue.Lane {
	return queue.Lane{Name: "webhooks:" + pool + ":due", Most: mostDue, Life: lifeOfDue}
}

// deadOf is the lane of those that were given up; the oldest are forgotten.
func deadOf(pool string) queue.Lane {
	return queue.Lane{Name: "webhooks:" + pool + ":dead", Most: mostDead, Rolls: true, Life: lifeOfDead}
}

// message is one transition on its way.
type message struct {
	ID      string `json:"id"`                // webhook-id
	Body    string `json:"body"`              // as it is sent, to the byte: it is signed
	Failure string `json:"failure,omitempty"` // of a dead letter: why the last attempt failed
}

func (m message) text() string {
	text, _ := json.Marshal(m) // strings alone cannot fail
	return string(text)
}

// readMessage reads an entry; not ok is a stranger's.
func readMessage(text string) (m message, ok bool) {
	err := json.Unmarshal([]byte(text), &m)
	return m, err == nil && m.ID != "" && m.Body != ""
}
