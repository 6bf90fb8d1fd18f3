package kv

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/scanlogin/scanlogin/internal/redisclient"
)

var (
	//go:embed put.lua
	putScript string
	//go:embed change.lua
	changeScript string
	//go:embed document.lua
	documentScript string
)

// Redis is a Store in Redis, under the keys
//
//	<prefix>:<name>
//
// A hash has an expiry, a document has none. A document's key is also the channel on
// which its versions are announced.
type Redis struct {
	client   *redisclient.Client
	put      *redis.Script
	change   *redis.Script
	document *redis.Script
}

// NewRedis creates a Redis.
func NewRedis(client *redisclient.Client) *Redis {
	return &Redis{client, redis.NewScript(putScript), redis.NewScript(changeScript), redis.NewScript(documentScript)}
}

// Now implements Store.
func (r *Redis) Now() time.Time { return r.client.Now() }

// Put implements Store.
func (r *Redis) Put(ctx context.Context, name, field, value string, expiry time.Time) error {
	_, err := redisclient.Call(ctx, r.client, func(ctx context.Context) (any, error) {
		err := r.put.Run(ctx, r.client, []string{r.client.Key(name)}, redisclient.CeilMillis(expiry), field, value).Err()
		if errors.Is(err, redis.Nil) { // the script returns nothing
			err = nil
		}
		return nil, err
	})
	if err != nil {
		return fmt.Errorf("put hash in redis: %w", err)
	}
	return nil
}

// changeDone is the first value that change.lua returns if it changed the hash.
const changeDone = int64(1)

// errNotDurable means that a change is done, but may be lost in a failover.
var errNotDurable = errors.New("too few replicas acknowledged the change")

// Change implements Store.
func (r *Redis) Change(ctx context.Context, name string, c Change) (map[string]string, bool, error) {
	args := []any{redisclient.CeilMillis(c.Expiry), len(c.If)}
	for _, values := range []map[string]string{c.If, c.Set} {
		for field, value := range values {
			args = append(args, field, value)
		}
	}
	reply, err := redisclient.Call(ctx, r.client, func(ctx context.Context) ([]any, error) {
		acknowledged := int64(r.client.WaitReplicas())
		if c.Durable && acknowledged > 0 {
			ctx = redisclient.AwaitReplicas(ctx, &acknowledged)
		}
		reply, err := r.change.Run(ctx, r.client, []string{r.client.Key(name)}, args...).Slice()
		if err == nil && reply[0] == changeDone && acknowledged < int64(r.client.WaitReplicas()) {
			err = errNotDurable
		}
		return reply, err
	})
	if err != nil {
		return nil, false, fmt.Errorf("change hash in redis: %w", err)
	}
	fields := make(map[string]string)
	for i := 1; i+1 < len(reply); i += 2 {
		fields[fmt.Sprint(reply[i])] = fmt.Sprint(reply[i+1])
	}
	return fields, reply[0] == changeDone, nil
}

// Get implements Store in one round trip. A key that holds something else counts as
// missing.
func (r *Redis) Get(ctx context.Context, names ...string) ([]map[string]string, error) {
	return redisclient.Call(ctx, r.client, func(ctx context.Context) ([]map[string]string, error) {
		pipe := r.client.Pipeline()
		cmds := make([]*redis.MapStringStringCmd, len(names))
		for i, name := range names {
			cmds[i] = pipe.HGetAll(ctx, r.client.Key(name))
		}
		_, _ = pipe.Exec(ctx) // its error is that of one command; each is checked below
		hashes := make([]map[string]string, len(names))
		for i, cmd := range cmds {
			if err := cmd.Err(); err != nil && !redis.HasErrorPrefix(err, "WRONGTYPE") {
				return nil, fmt.Errorf("get hash from redis: %w", err)
			}
			hashes[i] = cmd.Val()
		}
		return hashes, nil
	})
}

// Selection describes hashes.
type Selection struct {
	Names        string // glob pattern of Redis
	Field, Value string // a field that must have the value, which is not ""
}

// DeleteWhere deletes the hashes of a selection, and returns their number, also with an error.
// It reads all keys of the storage, so it is for administrators; unlike the other operations it
// needs the right to SCAN.
func (r *Redis) DeleteWhere(ctx context.Context, s Selection) (n int, err error) {
	err = r.client.ScanAll(ctx, s.Names, func(keys []string) error {
		deleted, err := redisclient.Call(ctx, r.client, func(ctx context.Context) (int, error) { return r.deleteWhere(ctx, keys, s) })
		n += deleted
		return err
	})
	if err != nil {
		return n, fmt.Errorf("delete hashes in redis: %w", err)
	}
	return n, nil
}

func (r *Redis) deleteWhere(ctx context.Context, keys []string, s Selection) (n int, err error) {
	read := r.client.Pipeline()
	found := make([]*redis.StringCmd, len(keys))
	for i, key := range keys {
		found[i] = read.HGet(ctx, key, s.Field)
	}
	if _, err := read.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return 0, err
	}
	for i, value := range found {
		if value.Val() == "" || value.Val() != s.Value {
			continue
		}
		if err := r.client.PExpireAt(ctx, keys[i], time.UnixMilli(1)).Err(); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// Load implements Store. It reads the version first, so that polling every second is
// cheap however long the text is.
func (r *Redis) Load(ctx context.Context, name string, have Document) (Document, error) {
	return redisclient.Call(ctx, r.client, func(ctx context.Context) (Document, error) {
		stored, err := r.fields(ctx, name, "version", "op")
		if err != nil || stored.Version == have.Version && stored.Op == have.Op {
			return have, err
		}
		return r.fields(ctx, name, "version", "op", "text")
	})
}

func (r *Redis) fields(ctx context.Context, name string, fields ...string) (Document, error) {
	values, err := r.client.HMGet(ctx, r.client.Key(name), fields...).Result()
	if err != nil {
		return Document{}, fmt.Errorf("load document from redis: %w", err)
	}
	texts := make([]string, 3)
	for i, v := range values {
		texts[i], _ = v.(string) // nil becomes ""
	}
	version, _ := strconv.ParseInt(texts[0], 10, 64) // an invalid version counts as none
	return Document{Version: version, Op: texts[1], Text: texts[2]}, nil
}

// Swap implements Store.
func (r *Redis) Swap(ctx context.Context, name string, version int64, text string) (Document, error) {
	next := Document{Version: version, Op: rand.Text(), Text: text}
	outcome, err := redisclient.Call(ctx, r.client, func(ctx context.Context) (string, error) {
		return r.document.Run(ctx, r.client, []string{r.client.Key(name)}, next.Version, next.Op, next.Text).Text()
	})
	switch {
	case err != nil:
		return Document{}, fmt.Errorf("swap document in redis: %w", err)
	case outcome != "done":
		return Document{}, ErrStale
	}
	return next, nil
}
