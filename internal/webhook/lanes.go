package webhook

import (
	"encoding/json"
	"time"

	"github.com/scanlogin/scanlogin/internal/webhook/queue"
)

// Bounds of what one pool may have in the queue. An entry of codes has about
// 150 bytes; a message has 0.5 KB, and 3 KB at most; one of an unscanned code
// has 0.5 KB at most. Whoever opens pages makes codes, so 200,000 codes (30 MB)
// and 20,000 messages of unscanned ones (10 MB) are what anybody can fill.
const (
	mostCodes     = 200_000
	mostScanned   = 10_000_000
	mostDue       = 100_000
	mostUnscanned = 20_000
	mostDead      = 10_000
)

// Lives of the lanes from the last Add on. A code is over after 82 minutes at
// the latest (the longest code, confirm and ticket TTL), and a message after a
// day and its last pause.
const (
	lifeOfCodes = 3 * time.Hour
	lifeOfDue   = 48 * time.Hour
	lifeOfDead  = 30 * 24 * time.Hour
)

// codesOf is the lane of the codes of a pool, from their creation on. When it is
// full, the oldest make room: a scan adds its code to another lane.
func codesOf(pool string) queue.Lane {
	return queue.Lane{Name: "webhooks:" + pool + ":codes", MaxLen: mostCodes, DropOldest: true, TTL: lifeOfCodes}
}

// scannedOf is the lane of the codes of a pool that were scanned, or about to be.
func scannedOf(pool string) queue.Lane {
	return queue.Lane{Name: "webhooks:" + pool + ":scanned", MaxLen: mostScanned, TTL: lifeOfCodes}
}

// dueOf is the lane of a pool's messages that are to be sent, of scanned codes.
func dueOf(pool string) queue.Lane {
	return queue.Lane{Name: "webhooks:" + pool + ":due", MaxLen: mostDue, TTL: lifeOfDue}
}

// unscannedOf is the lane of a pool's messages that are to be sent, of codes that
// were not scanned. They are sent after the others, and dropped where there is no
// room for them.
func unscannedOf(pool string) queue.Lane {
	return queue.Lane{Name: "webhooks:" + pool + ":unscanned", MaxLen: mostUnscanned, TTL: lifeOfDue}
}

// deadOf is the lane of messages that were given up; the oldest are forgotten.
func deadOf(pool string) queue.Lane {
	return queue.Lane{Name: "webhooks:" + pool + ":dead", MaxLen: mostDead, DropOldest: true, TTL: lifeOfDead}
}

// deadUnscannedOf is deadOf for messages of unscanned codes: they are kept while half
// of it is free, and displace no others.
func deadUnscannedOf(pool string) queue.Lane {
	lane := deadOf(pool)
	lane.DropOldest, lane.MaxLen = false, mostDead/2
	return lane
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
