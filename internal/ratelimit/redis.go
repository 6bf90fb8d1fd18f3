package redisstore

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/scanlogin/scanlogin/internal/ratelimit"
)

var (
	//go:embed tally_take.lua
	tallyTake string
	//go:embed tally_note.lua
	tallyNote string
)

// Tally is a tally.Tally in Redis, by Redis's clock: each key a hash of one
// field with an end of life, under the name
//
//	<prefix>:tally:<key>
//
// It needs no further rights than codes do. A call whose answer was lost may be
// made twice, and counts twice then.
type Tally struct {
	store *Store
	take  *redis.Script
	note  *redis.Script
}

// Tally returns the tally that shares the store's connections and prefix.
func (s *Store) Tally() *Tally {
	return &Tally{store: s, take: redis.NewScript(tallyTake), note: redis.NewScript(tallyNote)}
}

// Do implements tally.Tally: one round trip, to each node of a Cluster that is
// concerned.
func (t *Tally) Do(ctx context.Context, ops ...ratelimit.Op) ([]ratelimit.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, CallTimeout)
	defer cancel()
	answers, err := bounded(ctx, t.store, func(ctx context.Context) ([]ratelimit.Answer, error) { return t.pipeline(ctx, ops) })
	if err != nil {
		return nil, fmt.Errorf("tally in redis: %w", err)
	}
	return answers, nil
}

func (t *Tally) pipeline(ctx context.Context, ops []ratelimit.Op) ([]ratelimit.Answer, error) {
	pipe := t.store.client.Pipeline()
	cmds := make([]*redis.Cmd, len(ops))
	for i, op := range ops {
		cmds[i] = t.send(ctx, pipe, op, (*redis.Script).EvalSha)
	}
	_, _ = pipe.Exec(ctx) // its error is that of one command; each is looked at
	answers := make([]ratelimit.Answer, len(ops))
	late := false
	for i, cmd := range cmds {
		missed := redis.HasErrorPrefix(cmd.Err(), "NOSCRIPT") // a new Redis
		late = late || missed
		if missed || late && cmd.Name() != "evalsha" { // what it should have come after has just been done
			cmd = t.send(ctx, t.store.client, ops[i], (*redis.Script).Eval)
		}
		n, err := cmd.Int64()
		if err != nil && !errors.Is(err, redis.Nil) {
			return nil, err
		}
		switch ops[i].Kind {
		case ratelimit.Taking:
			answers[i].Wait = time.Duration(n) * time.Microsecond
		case ratelimit.Noting, ratelimit.Reading:
			answers[i].Count = int(n)
		}
	}
	return answers, nil
}

// send sends what op stands for; run is how a script is named. What needs none
// costs Redis a fifth without.
func (t *Tally) send(ctx context.Context, to interface {
	redis.Scripter
	Do(ctx context.Context, args ...any) *redis.Cmd
}, op ratelimit.Op, run func(*redis.Script, context.Context, redis.Scripter, []string, ...any) *redis.Cmd) *redis.Cmd {
	key := t.store.prefix + ":tally:" + op.Key
	switch op.Kind {
	case ratelimit.Taking:
		return run(t.take, ctx, to, []string{key}, micros(op.Limit.Share()), micros(op.Limit.Over))
	case ratelimit.Noting:
		return run(t.note, ctx, to, []string{key}, op.Life.Milliseconds())
	case ratelimit.Forgetting:
		return to.Do(ctx, "pexpireat", key, 1) // an end that is over removes it; DEL would be one more right
	default:
		return to.Do(ctx, "hget", key, "count")
	}
}

// micros is d in microseconds, with fractions.
func micros(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Microsecond), 'f', 3, 64)
}
