package ratelimit

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/scanlogin/scanlogin/internal/redisclient"
)

var (
	//go:embed allow.lua
	allowScript string
	//go:embed incr.lua
	incrScript string
	//go:embed take.lua
	takeScript string
)

// Redis is a Store in Redis, by Redis's clock. Each key is a hash with one field, or two
// if a counter has an owner, and an expiry:
//
//	<prefix>:tally:<key>
//
// It needs the same ACL rights as sessions do. A call whose answer was lost may be sent
// twice, and then counts twice, except Take.
type Redis struct {
	client *redisclient.Client
	allow  *redis.Script
	incr   *redis.Script
	take   *redis.Script
}

// NewRedis creates a Redis.
func NewRedis(client *redisclient.Client) *Redis {
	return &Redis{client: client, allow: redis.NewScript(allowScript), incr: redis.NewScript(incrScript), take: redis.NewScript(takeScript)}
}

// Do implements Store with one round trip, in a Cluster one to each node concerned.
func (r *Redis) Do(ctx context.Context, ops ...Op) ([]Result, error) {
	results, err := redisclient.Call(ctx, r.client, func(ctx context.Context) ([]Result, error) { return r.pipeline(ctx, ops) })
	if err != nil {
		return nil, fmt.Errorf("rate limit in redis: %w", err)
	}
	return results, nil
}

func (r *Redis) pipeline(ctx context.Context, ops []Op) ([]Result, error) {
	pipe := r.client.Pipeline()
	cmds := make([]*redis.Cmd, len(ops))
	for i, op := range ops {
		cmds[i] = r.send(ctx, pipe, op, (*redis.Script).EvalSha)
	}
	_, _ = pipe.Exec(ctx) // its error is that of one command; each is checked below
	results := make([]Result, len(ops))
	resend := false
	for i, cmd := range cmds {
		missing := redis.HasErrorPrefix(cmd.Err(), "NOSCRIPT") // Redis was restarted
		resend = resend || missing
		if missing || resend && cmd.Name() != "evalsha" { // repeat reads that ran before their script
			cmd = r.send(ctx, r.client, ops[i], (*redis.Script).Eval)
		}
		n, err := cmd.Int64()
		if err != nil && !errors.Is(err, redis.Nil) {
			return nil, err
		}
		switch ops[i].Kind {
		case KindAllow, KindTake:
			results[i].RetryAfter = time.Duration(n) * time.Microsecond
		case KindIncr, KindCount:
			results[i].Count = int(n)
		}
	}
	return results, nil
}

// send sends the command for op; run selects EVALSHA or EVAL. Operations that need no
// script use none, which costs Redis a fifth less.
func (r *Redis) send(ctx context.Context, to interface {
	redis.Scripter
	Do(ctx context.Context, args ...any) *redis.Cmd
}, op Op, run func(*redis.Script, context.Context, redis.Scripter, []string, ...any) *redis.Cmd) *redis.Cmd {
	key := r.client.Key("tally:" + op.Key)
	switch op.Kind {
	case KindAllow:
		return run(r.allow, ctx, to, []string{key}, micros(op.Limit.Interval()), micros(op.Limit.Period))
	case KindIncr:
		return run(r.incr, ctx, to, []string{key}, op.TTL.Milliseconds(), op.Owner)
	case KindTake:
		return run(r.take, ctx, to, []string{key}, op.ID, op.Limit.Burst, op.Limit.Period.Milliseconds())
	case KindGiveBack:
		return run(r.take, ctx, to, []string{key}, op.ID)
	case KindReset:
		return to.Do(ctx, "pexpireat", key, 1) // an expiry in the past deletes the key; DEL would need another ACL right
	default:
		return to.Do(ctx, "hget", key, "count")
	}
}

// micros formats d in microseconds, with fractions.
func micros(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Microsecond), 'f', 3, 64)
}

// Forget deletes the counters that belong to any of the owners, and returns their number,
// also with an error. It reads all keys of the storage, so it is for administrators; unlike
// the other operations it needs the right to SCAN. A counter that is incremented meanwhile
// may remain.
func (r *Redis) Forget(ctx context.Context, owners ...string) (n int, err error) {
	err = r.client.ScanAll(ctx, "tally:*", func(keys []string) error {
		deleted, err := redisclient.Call(ctx, r.client, func(ctx context.Context) (int, error) { return r.deleteOwned(ctx, keys, owners) })
		n += deleted
		return err
	})
	if err != nil {
		return n, fmt.Errorf("delete counters in redis: %w", err)
	}
	return n, nil
}

// deleteOwned deletes those of keys that belong to any of the owners.
func (r *Redis) deleteOwned(ctx context.Context, keys, owners []string) (n int, err error) {
	read := r.client.Pipeline()
	found := make([]*redis.StringCmd, len(keys))
	for i, key := range keys {
		found[i] = read.HGet(ctx, key, "owner")
	}
	if _, err := read.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return 0, err
	}
	expire := r.client.Pipeline()
	for i, owner := range found {
		if owner.Val() != "" && slices.Contains(owners, owner.Val()) {
			expire.PExpireAt(ctx, keys[i], time.UnixMilli(1))
		}
	}
	if expire.Len() == 0 {
		return 0, nil
	}
	results, err := expire.Exec(ctx)
	for _, result := range results {
		if result.Err() == nil {
			n++
		}
	}
	return n, err
}
