package redisstore

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/scanlogin/scanlogin/internal/webhook/queue"
	"github.com/scanlogin/scanlogin/session"
)

var (
	//go:embed queue_add.lua
	queueAdd string
	//go:embed queue_take.lua
	queueTake string
	//go:embed queue_done.lua
	queueDone string
)

const (
	// group is the one consumer group of each stream: all nodes.
	group = "nodes"
	// queueBatch is how many entries one command names: Redis is busy with
	// them for about as long as with a batch of reads.
	queueBatch = 500
)

// Queue is a queue.Queue in Redis. A lane is one stream, with one consumer group
// and with an end of life, under the name
//
//	<prefix>:queue:<lane>
//
// Streams know for how long an entry has been idle, and give entries that were
// idle for long enough to somebody else. That is all a hold needs: an entry that
// is held for d is made as idle as it takes to be free in d.
type Queue struct {
	store           *Store
	consumer        string
	add, take, done *redis.Script

	mu sync.Mutex
	at map[string]string // where Take goes on to look, by lane
}

// Queue makes a queue over the store's connections.
func (s *Store) Queue() *Queue {
	return &Queue{
		store: s, consumer: string(session.NewOpID()), at: make(map[string]string),
		add: redis.NewScript(queueAdd), take: redis.NewScript(queueTake), done: redis.NewScript(queueDone),
	}
}

func (q *Queue) key(lane queue.Lane) string { return q.store.prefix + ":queue:" + lane.Name }

// run runs a script over a lane, within CallTimeout.
func (q *Queue) run(ctx context.Context, script *redis.Script, lane queue.Lane, args ...any) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, CallTimeout)
	defer cancel()
	return bounded(ctx, q.store, func(ctx context.Context) (any, error) {
		return script.Run(ctx, q.store.client, []string{q.key(lane)}, args...).Result()
	})
}

// Add implements queue.Queue. An entry whose answer was lost may be there twice.
func (q *Queue) Add(ctx context.Context, lane queue.Lane, text string) error {
	rolls := 0
	if lane.Rolls {
		rolls = 1
	}
	_, err := q.run(ctx, q.add, lane, group, lane.Most, rolls, lane.Life.Milliseconds(), text)
	switch {
	case errors.Is(err, redis.Nil):
		return queue.ErrFull
	case err != nil:
		return fmt.Errorf("add to a queue in redis: %w", err)
	}
	return nil
}

// Take implements queue.Queue. It looks at some part of what is held, and the
// next call at the next part.
func (q *Queue) Take(ctx context.Context, lane queue.Lane, n int, hold time.Duration) ([]queue.Entry, error) {
	if n < 1 {
		return nil, nil
	}
	q.mu.Lock()
	at, known := q.at[lane.Name]
	q.mu.Unlock()
	if !known {
		at = "0-0"
	}
	answer, err := q.run(ctx, q.take, lane, group, q.consumer, min(n, queueBatch), queue.LongestHold.Milliseconds(), idle(hold), at)
	if err != nil {
		return nil, fmt.Errorf("take from a queue in redis: %w", err)
	}
	parts, ok := answer.([]any)
	if !ok || len(parts) != 2 {
		return nil, errors.New("take from a queue in redis: unexpected answer from a script")
	}
	next, _ := parts[0].(string)
	list, _ := parts[1].([]any)
	q.mu.Lock()
	q.at[lane.Name] = next
	q.mu.Unlock()
	entries := make([]queue.Entry, 0, len(list))
	for _, one := range list {
		entries = append(entries, entry(one))
	}
	return entries, nil
}

// idle is for how long an entry that is held for hold is said to have been idle.
func idle(hold time.Duration) int64 {
	return (queue.LongestHold - min(max(hold, 0), queue.LongestHold)).Milliseconds()
}

// entry reads what a script returns for one, {id, {'entry', text}}. What a
// stranger put there has no text, and is for who takes it to throw away.
func entry(answer any) queue.Entry {
	parts, _ := answer.([]any)
	var e queue.Entry
	if len(parts) == 2 {
		e.ID, _ = parts[0].(string)
		e.Added = addedAt(e.ID)
		if fields, _ := parts[1].([]any); len(fields) == 2 {
			e.Text, _ = fields[1].(string)
		}
	}
	return e
}

// addedAt reads the time from an entry's id, <ms since 1970>-<number>.
func addedAt(id string) time.Time {
	ms, _, _ := strings.Cut(id, "-")
	n, _ := strconv.ParseInt(ms, 10, 64) // Redis wrote it
	return time.UnixMilli(n)
}

// Hold implements queue.Queue.
func (q *Queue) Hold(ctx context.Context, lane queue.Lane, d time.Duration, ids ...string) error {
	for batch := range slices.Chunk(ids, queueBatch) {
		args := []any{"XCLAIM", q.key(lane), group, q.consumer, 0}
		args = append(append(args, texts(batch)...), "IDLE", idle(d), "JUSTID")
		if err := q.hold(ctx, args); err != nil {
			return fmt.Errorf("hold in a queue in redis: %w", err)
		}
	}
	return ctx.Err()
}

func (q *Queue) hold(ctx context.Context, args []any) error {
	ctx, cancel := context.WithTimeout(ctx, CallTimeout)
	defer cancel()
	_, err := bounded(ctx, q.store, func(ctx context.Context) (any, error) { return q.store.client.Do(ctx, args...).Result() })
	if redis.HasErrorPrefix(err, "NOGROUP") { // the lane is gone, with all that was in it
		return nil
	}
	return err
}

// Done implements queue.Queue.
func (q *Queue) Done(ctx context.Context, lane queue.Lane, ids ...string) error {
	for batch := range slices.Chunk(ids, queueBatch) {
		if _, err := q.run(ctx, q.done, lane, append([]any{group}, texts(batch)...)...); err != nil {
			return fmt.Errorf("done in a queue in redis: %w", err)
		}
	}
	return ctx.Err()
}

// List implements queue.Queue.
func (q *Queue) List(ctx context.Context, lane queue.Lane, n int) ([]queue.Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, CallTimeout)
	defer cancel()
	messages, err := bounded(ctx, q.store, func(ctx context.Context) ([]redis.XMessage, error) {
		return q.store.client.XRevRangeN(ctx, q.key(lane), "+", "-", int64(n)).Result()
	})
	if err != nil {
		return nil, fmt.Errorf("list a queue in redis: %w", err)
	}
	entries := make([]queue.Entry, len(messages))
	for i, m := range messages {
		text, _ := m.Values["entry"].(string)
		entries[i] = queue.Entry{ID: m.ID, Added: addedAt(m.ID), Text: text}
	}
	return entries, nil
}

func texts(list []string) []any {
	all := make([]any, len(list))
	for i, text := range list {
		all[i] = text
	}
	return all
}
