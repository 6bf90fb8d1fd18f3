package queue

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/scanlogin/scanlogin/internal/redisclient"
)

var (
	//go:embed add.lua
	addScript string
	//go:embed take.lua
	takeScript string
	//go:embed done.lua
	doneScript string
)

const (
	// group is the one consumer group of each stream; all nodes are in it.
	group = "nodes"
	// batchSize is the number of entries in one command. It keeps Redis busy for about
	// as long as a batch of reads.
	batchSize = 500
)

// Redis is a Queue in Redis. A lane is a stream with one consumer group and an expiry:
//
//	<prefix>:queue:<lane>
//
// A hold is stored as idle time: Redis gives entries that have been idle for long enough
// to another consumer, and an entry that is held for d gets the idle time that reaches
// this bound after d.
type Redis struct {
	client          *redisclient.Client
	consumer        string
	add, take, done *redis.Script

	mu      sync.Mutex
	cursors map[string]string // where the next Take searches, by lane
}

// NewRedis creates a Redis.
func NewRedis(client *redisclient.Client) *Redis {
	return &Redis{
		client: client, consumer: rand.Text(), cursors: make(map[string]string),
		add: redis.NewScript(addScript), take: redis.NewScript(takeScript), done: redis.NewScript(doneScript),
	}
}

func (r *Redis) key(lane Lane) string { return r.client.Key("queue:" + lane.Name) }

// run runs a script on a lane.
func (r *Redis) run(ctx context.Context, script *redis.Script, lane Lane, args ...any) (any, error) {
	return redisclient.Call(ctx, r.client, func(ctx context.Context) (any, error) {
		return script.Run(ctx, r.client, []string{r.key(lane)}, args...).Result()
	})
}

// Add implements Queue. If the answer is lost, the entry may be added twice.
func (r *Redis) Add(ctx context.Context, lane Lane, text string) error {
	dropOldest := 0
	if lane.DropOldest {
		dropOldest = 1
	}
	_, err := r.run(ctx, r.add, lane, group, lane.MaxLen, dropOldest, lane.TTL.Milliseconds(), text)
	switch {
	case errors.Is(err, redis.Nil):
		return ErrFull
	case err != nil:
		return fmt.Errorf("add to queue in redis: %w", err)
	}
	return nil
}

// Take implements Queue. It searches a part of the entries that are held; the next call
// continues there.
func (r *Redis) Take(ctx context.Context, lane Lane, n int, hold time.Duration) ([]Entry, error) {
	if n < 1 {
		return nil, nil
	}
	r.mu.Lock()
	cursor, found := r.cursors[lane.Name]
	r.mu.Unlock()
	if !found {
		cursor = "0-0"
	}
	answer, err := r.run(ctx, r.take, lane, group, r.consumer, min(n, batchSize), LongestHold.Milliseconds(), idleTime(hold), cursor)
	if err != nil {
		return nil, fmt.Errorf("take from queue in redis: %w", err)
	}
	parts, ok := answer.([]any)
	if !ok || len(parts) != 2 {
		return nil, errors.New("take from queue in redis: unexpected answer from the script")
	}
	next, _ := parts[0].(string)
	list, _ := parts[1].([]any)
	r.mu.Lock()
	r.cursors[lane.Name] = next
	r.mu.Unlock()
	entries := make([]Entry, 0, len(list))
	for _, e := range list {
		entries = append(entries, parseEntry(e))
	}
	return entries, nil
}

// idleTime returns the idle time, in milliseconds, of an entry that is held for hold.
func idleTime(hold time.Duration) int64 {
	return (LongestHold - min(max(hold, 0), LongestHold)).Milliseconds()
}

// parseEntry reads one entry of a script's answer, {id, {'entry', text}}. An entry that
// another program added has no text; the caller drops it.
func parseEntry(answer any) Entry {
	parts, _ := answer.([]any)
	var e Entry
	if len(parts) == 2 {
		e.ID, _ = parts[0].(string)
		e.Added = timeOf(e.ID)
		if fields, _ := parts[1].([]any); len(fields) == 2 {
			e.Text, _ = fields[1].(string)
		}
	}
	return e
}

// timeOf returns the time in an entry's id, <Unix time in ms>-<number>.
func timeOf(id string) time.Time {
	ms, _, _ := strings.Cut(id, "-")
	n, _ := strconv.ParseInt(ms, 10, 64) // Redis wrote it
	return time.UnixMilli(n)
}

// Hold implements Queue.
func (r *Redis) Hold(ctx context.Context, lane Lane, d time.Duration, ids ...string) error {
	for batch := range slices.Chunk(ids, batchSize) {
		args := []any{"XCLAIM", r.key(lane), group, r.consumer, 0}
		args = append(append(args, toArgs(batch)...), "IDLE", idleTime(d), "JUSTID")
		_, err := redisclient.Call(ctx, r.client, func(ctx context.Context) (any, error) { return r.client.Do(ctx, args...).Result() })
		if err != nil && !redis.HasErrorPrefix(err, "NOGROUP") { // NOGROUP: the lane has expired, with all entries
			return fmt.Errorf("hold in queue in redis: %w", err)
		}
	}
	return ctx.Err()
}

// Done implements Queue.
func (r *Redis) Done(ctx context.Context, lane Lane, ids ...string) error {
	for batch := range slices.Chunk(ids, batchSize) {
		if _, err := r.run(ctx, r.done, lane, append([]any{group}, toArgs(batch)...)...); err != nil {
			return fmt.Errorf("remove from queue in redis: %w", err)
		}
	}
	return ctx.Err()
}

// List implements Queue.
func (r *Redis) List(ctx context.Context, lane Lane, n int) ([]Entry, error) {
	return r.ListBefore(ctx, lane, "", n)
}

// ListBefore implements Queue.
func (r *Redis) ListBefore(ctx context.Context, lane Lane, id string, n int) ([]Entry, error) {
	last := "+"
	if id != "" {
		last = "(" + id // exclusive
	}
	messages, err := redisclient.Call(ctx, r.client, func(ctx context.Context) ([]redis.XMessage, error) {
		return r.client.XRevRangeN(ctx, r.key(lane), last, "-", int64(n)).Result()
	})
	if err != nil {
		return nil, fmt.Errorf("list queue in redis: %w", err)
	}
	entries := make([]Entry, len(messages))
	for i, m := range messages {
		text, _ := m.Values["entry"].(string)
		entries[i] = Entry{ID: m.ID, Added: timeOf(m.ID), Text: text}
	}
	return entries, nil
}

func toArgs(texts []string) []any {
	args := make([]any, len(texts))
	for i, text := range texts {
		args[i] = text
	}
	return args
}
