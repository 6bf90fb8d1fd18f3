package redisstore

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// replicaWait bounds how long a swap waits for replicas: the contract's 100 ms.
// Two machines in one place answer in under one.
const replicaWait = 100 * time.Millisecond

// waitKey finds in a context where the answer of WAIT goes.
type waitKey struct{}

// waiting has the script that runs under ctx followed by WAIT. The number of
// replicas that have all that was written up to then, the script's writes
// included, is in acknowledged when the script has returned.
func waiting(ctx context.Context, acknowledged *int64) context.Context {
	return context.WithValue(ctx, waitKey{}, acknowledged)
}

// waitHook sends WAIT behind a script, on its connection: Redis waits for the
// writes of the connection that asks. Being a hook of a single node's client,
// it does so wherever a redirection, a failover or a retry leads the script.
type waitHook struct {
	node     *redis.Client
	replicas int
}

// DialHook implements redis.Hook.
func (waitHook) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook implements redis.Hook: a script that waits becomes a pipeline.
func (h waitHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if acknowledged(ctx, cmd) == nil {
			return next(ctx, cmd)
		}
		_, err := h.node.Pipelined(ctx, func(pipe redis.Pipeliner) error { return pipe.Process(ctx, cmd) })
		return err
	}
}

// ProcessPipelineHook implements redis.Hook. A pipeline is what ProcessHook
// made, or what a Cluster's client makes of a script and ASKING.
func (h waitHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		count := acknowledged(ctx, cmds...)
		if count == nil {
			return next(ctx, cmds)
		}
		wait := redis.NewIntCmd(ctx, "wait", h.replicas, replicaWait.Milliseconds())
		err := next(ctx, append(slices.Clip(cmds), wait))
		*count = wait.Val()
		return err
	}
}

// acknowledged is where WAIT's answer goes if the last of cmds is a script that
// waits, else nil: a connection's greeting goes through the hooks as well.
func acknowledged(ctx context.Context, cmds ...redis.Cmder) *int64 {
	if len(cmds) == 0 || !strings.HasPrefix(cmds[len(cmds)-1].Name(), "eval") {
		return nil
	}
	count, _ := ctx.Value(waitKey{}).(*int64)
	return count
}
