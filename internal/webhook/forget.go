package webhook

import (
	"context"
	"encoding/json"

	"github.com/scanlogin/scanlogin/internal/webhook/queue"
)

// forgetBatch is the number of messages that Forget reads at once: about 1 MB at most.
const forgetBatch = 300

// Forgotten is the result of Forget.
type Forgotten struct {
	Waiting     int // messages that were still to be sent
	DeadLetters int
}

// Forget removes the messages about a user of a pool that wait in q, so that the receiver
// does not get them, and the dead letters about this user. A message that a node is sending
// may still arrive. The result is valid also with an error.
func Forget(ctx context.Context, q queue.Queue, pool, userID string) (Forgotten, error) {
	var f Forgotten
	var err error
	if f.Waiting, err = forgetIn(ctx, q, dueOf(pool), userID); err != nil {
		return f, err
	}
	f.DeadLetters, err = forgetIn(ctx, q, deadOf(pool), userID)
	return f, err
}

// forgetIn removes the messages about a user from a lane, and returns their number.
func forgetIn(ctx context.Context, q queue.Queue, lane queue.Lane, userID string) (n int, err error) {
	for last := ""; ; {
		entries, err := q.ListBefore(ctx, lane, last, forgetBatch)
		if err != nil || len(entries) == 0 {
			return n, err
		}
		var about []string
		for _, e := range entries {
			last = e.ID
			if m, ok := readMessage(e.Text); ok && m.isAbout(userID) {
				about = append(about, e.ID)
			}
		}
		if err := q.Done(ctx, lane, about...); err != nil {
			return n, err
		}
		n += len(about)
	}
}

// isAbout reports whether a message contains data of this user.
func (m message) isAbout(userID string) bool {
	var body struct{ Data data }
	return json.Unmarshal([]byte(m.Body), &body) == nil && body.Data.User != nil && body.Data.User.ID == userID
}
