package tally

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"
)

// Near is what one node has of a Tally that all nodes share. It promises that
// nobody waits for the storage longer than Patience; that while it is away, the
// node counts for itself, which is neither no limit nor a closed door; and that
// a key which is known to be exhausted costs the storage nothing. Make it with
// NewNear.
type Near struct {
	far Tally // nil: own is all
	own *Memory
	log *slog.Logger

	mu    sync.Mutex
	waits map[string]time.Time // keys that are exhausted, and until when
	quiet time.Time            // until then far is not asked
}

const (
	// Patience is how long an answer of the storage is waited for: a hundred
	// times what it takes, and with the 1.5 s of redisstore's calls within
	// the 2 s in which clients are promised an answer.
	Patience = 300 * time.Millisecond
	// away is how long a storage that did not answer is left alone.
	away = time.Second
	// maxWaits bounds what is known of exhausted keys: to forget one costs
	// no more than a question.
	maxWaits = 20_000
)

// ErrAway is what Do returns while the storage is left alone.
var ErrAway = errors.New("the tally did not answer lately")

// NewNear makes a node's view of far; nil: the node is alone. log is told when
// the storage goes and comes.
func NewNear(far Tally, log *slog.Logger) *Near {
	return &Near{far: far, own: NewMemory(), log: log, waits: make(map[string]time.Time)}
}

// Do implements Tally: it asks the storage, and is for what the node cannot
// know by itself. It goes on when ctx is canceled: a client that hangs up shall
// not go uncounted.
func (n *Near) Do(ctx context.Context, ops ...Op) ([]Answer, error) {
	if n.far == nil {
		return n.own.Do(context.WithoutCancel(ctx), ops...)
	}
	if n.isQuiet() {
		return nil, ErrAway
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), Patience)
	defer cancel()
	answers, err := n.far.Do(ctx, ops...)
	n.heard(err)
	return answers, err
}

// Take does ops, by the node's own count where the storage does not answer.
// Where one is known to be exhausted none is done, and its answer says so.
func (n *Near) Take(ctx context.Context, ops ...Op) []Answer {
	if answers := n.refused(ops); answers != nil {
		return answers
	}
	answers, err := n.Do(ctx, ops...)
	if err != nil {
		answers, _ = n.own.Do(context.WithoutCancel(ctx), ops...) // fails only with its context
	}
	n.learn(ops, answers)
	return answers
}

// Wait is how long op's key is known to be exhausted. It asks nobody.
func (n *Near) Wait(op Op) time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	return max(0, time.Until(n.waits[op.Key]))
}

// refused answers ops if any is of a key that is known to be exhausted.
func (n *Near) refused(ops []Op) []Answer {
	var answers []Answer
	for i, op := range ops {
		if wait := n.Wait(op); wait > 0 {
			if answers == nil {
				answers = make([]Answer, len(ops))
			}
			answers[i].Wait = wait
		}
	}
	return answers
}

// learn remembers refusals. That of a Peek may be taken back by a Forget on
// another node, and is not.
func (n *Near) learn(ops []Op, answers []Answer) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, op := range ops {
		if answers[i].Wait <= 0 || op.Limit.Most == 0 {
			continue
		}
		if len(n.waits) >= maxWaits {
			maps.DeleteFunc(n.waits, func(_ string, until time.Time) bool { return time.Until(until) <= 0 })
		}
		if len(n.waits) >= maxWaits {
			clear(n.waits)
		}
		n.waits[op.Key] = time.Now().Add(answers[i].Wait)
	}
}

func (n *Near) isQuiet() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return time.Now().Before(n.quiet)
}

// heard leaves the storage alone for a while after an error, so that one call
// in a second finds out whether it is back, and the others do not wait.
func (n *Near) heard(err error) {
	n.mu.Lock()
	was := n.quiet
	n.quiet = time.Time{}
	if err != nil {
		n.quiet = time.Now().Add(away)
	}
	n.mu.Unlock()
	switch {
	case err != nil && was.IsZero():
		n.log.Warn("limits are each node's own, the shared tally does not answer", "error", err)
	case err == nil && !was.IsZero():
		n.log.Info("limits are shared between the nodes again")
	}
}
