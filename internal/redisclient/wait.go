package redisclient

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// ReplicaTimeout is how long a script waits for replicas. Two machines in one data
// center acknowledge within a millisecond.
const ReplicaTimeout = 100 * time.Millisecond

// waitKey is the context key under which AwaitReplicas stores its destination.
type waitKey struct{}

// AwaitReplicas returns a context under which a script is followed by WAIT. When the
// script has returned, acknowledged is the number of replicas that have all writes of
// that connection so far, including the script's.
func AwaitReplicas(ctx context.Context, acknowledged *int64) context.Context {
	return context.WithValue(ctx, waitKey{}, acknowledged)
}

// waitHook sends WAIT behind a script, on the same connection: Redis waits for the
// writes of the connection that asks. As a hook of a single node's client it also works
// after a redirection, a failover or a retry.
type waitHook struct {
	node     *redis.Client
	replicas int
}

// DialHook implements redis.Hook.
func (waitHook) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook implements redis.Hook: it turns a script that waits into a pipeline.
func (h waitHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if acknowledged(ctx, cmd) == nil {
			return next(ctx, cmd)
		}
		_, err := h.node.Pipelined(ctx, func(pipe redis.Pipeliner) error { return pipe.Process(ctx, cmd) })
		return err
	}
}

// ProcessPipelineHook implements redis.Hook. The pipeline comes from ProcessHook, or
// from a Cluster client that sends ASKING before the script.
func (h waitHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		count := acknowledged(ctx, cmds...)
		if count == nil {
			return next(ctx, cmds)
		}
		wait := redis.NewIntCmd(ctx, "wait", h.replicas, ReplicaTimeout.Milliseconds())
		err := next(ctx, append(slices.Clip(cmds), wait))
		*count = wait.Val()
		return err
	}
}

// acknowledged returns the destination of WAIT's answer if the last command is a script
// that waits, else nil: the commands that set up a connection use the same hooks.
func acknowledged(ctx context.Context, cmds ...redis.Cmder) *int64 {
	if len(cmds) == 0 || !strings.HasPrefix(cmds[len(cmds)-1].Name(), "eval") {
		return nil
	}
	count, _ := ctx.Value(waitKey{}).(*int64)
	return count
}
