package redisstore

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/session"
)

var (
	//go:embed put.lua
	putScript string
	//go:embed document.lua
	documentScript string
)

// Shelf is a shelf.Shelf in the same Redis, under
//
//	<prefix>:<name>
//
// A sheet is a hash with an end of life. A document is one without, and its name
// is also the channel on which its versions are announced; see [Bus.Tap].
type Shelf struct {
	store    *Store
	put      *redis.Script
	document *redis.Script
}

// Shelf returns the shelf beside the codes.
func (s *Store) Shelf() *Shelf {
	return &Shelf{s, redis.NewScript(putScript), redis.NewScript(documentScript)}
}

// shelfName is the key of what has that name on the shelf.
func (s *Store) shelfName(name string) string { return s.prefix + ":" + name }

// Now implements shelf.Shelf.
func (h *Shelf) Now() time.Time { return h.store.Now() }

// Put implements shelf.Shelf.
func (h *Shelf) Put(ctx context.Context, name, field, value string, end time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, CallTimeout)
	defer cancel()
	_, err := bounded(ctx, h.store, func(ctx context.Context) (any, error) {
		err := h.put.Run(ctx, h.store.client, []string{h.store.shelfName(name)}, millis(end), field, value).Err()
		if errors.Is(err, redis.Nil) { // the script returns nothing
			err = nil
		}
		return nil, err
	})
	if err != nil {
		return fmt.Errorf("put in redis: %w", err)
	}
	return nil
}

// Get implements shelf.Shelf, in one round trip. What is no sheet is none.
func (h *Shelf) Get(ctx context.Context, names ...string) ([]map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, CallTimeout)
	defer cancel()
	return bounded(ctx, h.store, func(ctx context.Context) ([]map[string]string, error) {
		pipe := h.store.client.Pipeline()
		cmds := make([]*redis.MapStringStringCmd, len(names))
		for i, name := range names {
			cmds[i] = pipe.HGetAll(ctx, h.store.shelfName(name))
		}
		_, _ = pipe.Exec(ctx) // its error is that of one command; each is looked at
		all := make([]map[string]string, len(names))
		for i, cmd := range cmds {
			if err := cmd.Err(); err != nil && !redis.HasErrorPrefix(err, "WRONGTYPE") {
				return nil, fmt.Errorf("get from redis: %w", err)
			}
			all[i] = cmd.Val()
		}
		return all, nil
	})
}

// Load implements shelf.Shelf. The version alone is read first, so that asking
// each second costs Redis next to nothing however long the text is.
func (h *Shelf) Load(ctx context.Context, name string, have kv.Document) (kv.Document, error) {
	ctx, cancel := context.WithTimeout(ctx, CallTimeout)
	defer cancel()
	return bounded(ctx, h.store, func(ctx context.Context) (kv.Document, error) {
		now, err := h.fields(ctx, name, "version", "op")
		if err != nil || now.Version == have.Version && now.Op == have.Op {
			return have, err
		}
		return h.fields(ctx, name, "version", "op", "text")
	})
}

func (h *Shelf) fields(ctx context.Context, name string, fields ...string) (kv.Document, error) {
	values, err := h.store.client.HMGet(ctx, h.store.shelfName(name), fields...).Result()
	if err != nil {
		return kv.Document{}, fmt.Errorf("load from redis: %w", err)
	}
	texts := make([]string, 3)
	for i, v := range values {
		texts[i], _ = v.(string) // nil is ""
	}
	version, _ := strconv.ParseInt(texts[0], 10, 64) // what is no number is as good as none
	return kv.Document{Version: version, Op: texts[1], Text: texts[2]}, nil
}

// Swap implements shelf.Shelf.
func (h *Shelf) Swap(ctx context.Context, name string, version int64, text string) (kv.Document, error) {
	ctx, cancel := context.WithTimeout(ctx, CallTimeout)
	defer cancel()
	next := kv.Document{Version: version, Op: string(session.NewOpID()), Text: text}
	outcome, err := bounded(ctx, h.store, func(ctx context.Context) (string, error) {
		return h.document.Run(ctx, h.store.client, []string{h.store.shelfName(name)}, next.Version, next.Op, next.Text).Text()
	})
	switch {
	case err != nil:
		return kv.Document{}, fmt.Errorf("swap in redis: %w", err)
	case outcome != "done":
		return kv.Document{}, kv.ErrStale
	}
	return next, nil
}

// Tap has wake called for each announcement of a document, and whenever one
// might have been missed. It must be called before Run; wake must not block.
func (b *Bus) Tap(name string, wake func()) {
	b.taps[b.store.shelfName(name)] = wake
}
