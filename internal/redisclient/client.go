// Package redisclient connects to Redis: a single server, one behind Sentinel, or a Cluster.
//
// It guarantees that a call ends within [CallTimeout], whatever its context says and
// while Redis is away; that no error shows the URL, which may contain a password; and
// that all stores of a process share one key prefix, one connection pool and one
// estimate of Redis's clock. Redis 6.2 or later, or a compatible server, is required.
package redisclient

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// CallTimeout is the deadline of every call, whatever its context says. Clients are
// promised an answer within 2 s while Redis is away.
const CallTimeout = 1500 * time.Millisecond

const (
	// dialTimeout and ioTimeout allow two attempts within CallTimeout. A script
	// takes Redis less than 0.1 ms (INFO commandstats), so a Redis that needs half a
	// second is in trouble.
	dialTimeout = 500 * time.Millisecond
	ioTimeout   = 500 * time.Millisecond
	poolTimeout = 500 * time.Millisecond
	// poolSize allows 32,000 calls per second of 1 ms each, and 100 nodes on a Redis
	// with its default limit of 10,000 clients.
	poolSize = 32
	// clusterReload is the interval at which the map of a Cluster is read. A dead
	// master sends no redirection, so this bounds how late its successor is found;
	// the default of go-redis is a minute. One read is a short answer of one node.
	clusterReload = time.Second
	// bufferSize holds the largest session. The default of go-redis, 32 KiB twice per
	// connection, would cost a node 2 MiB more.
	bufferSize = 8 << 10
)

// Options configure a Client.
type Options struct {
	// URL is the address of Redis: redis://, rediss:// or unix://. It lists the other
	// nodes of a Cluster in addr= parameters, and names Sentinel's master in
	// master_name=. docs/redis.md has an example of each.
	URL string
	// Prefix starts all keys and channels; "" means "scanlogin". It must not contain
	// braces, which select the hash slot in a Cluster.
	Prefix string
	// WaitReplicas is the number of replicas that AwaitReplicas waits for; 0 waits
	// for none.
	WaitReplicas int
}

// Client is a Redis client with a key prefix. Use it through [Call] where the Redis may
// be a Cluster or behind Sentinel.
type Client struct {
	redis.UniversalClient

	prefix       string
	waitReplicas int
	bounded      bool // the client itself ends each call with its context
	clock        clock
}

// Open creates a Client. It does not connect, so it succeeds while Redis is away. An
// error names the setting to correct and never shows the URL.
func Open(o Options) (*Client, error) {
	if o.Prefix == "" {
		o.Prefix = "scanlogin"
	}
	if strings.ContainsAny(o.Prefix, "{}") {
		return nil, errors.New("key_prefix: must not contain braces")
	}
	options, err := parseURL(o.URL)
	if err != nil {
		return nil, fmt.Errorf("redis_url: %w", err)
	}
	return &Client{
		UniversalClient: newClient(options, o.WaitReplicas),
		prefix:          o.Prefix,
		waitReplicas:    o.WaitReplicas,
		bounded:         !options.IsClusterMode && options.MasterName == "",
	}, nil
}

// Key returns the key or channel with this name: <prefix>:<name>.
func (c *Client) Key(name string) string { return c.prefix + ":" + name }

// WaitReplicas returns Options.WaitReplicas.
func (c *Client) WaitReplicas() int { return c.waitReplicas }

// Now estimates Redis's clock without I/O: the local clock, corrected by what
// [Client.ObserveClock] has learned.
func (c *Client) Now() time.Time { return c.clock.now() }

// ObserveClock corrects the estimate: a request sent at sent and answered at received
// returned remote as Redis's time, in milliseconds.
func (c *Client) ObserveClock(sent, received, remote time.Time) {
	c.clock.observe(sent, received, remote)
}

// setDefaults adds everything that does not depend on the address.
func setDefaults(o *redis.UniversalOptions) *redis.UniversalOptions {
	o.Protocol = 2 // RESP3 would only add push messages
	o.ContextTimeoutEnabled = true
	o.DialTimeout = dialTimeout
	o.DialerRetries = 1 // attempts, despite the name
	o.ReadTimeout = ioTimeout
	o.WriteTimeout = ioTimeout
	o.MaxRetries = 1 // a script may run twice: it recognizes its own operation
	o.MaxRetryBackoff = 50 * time.Millisecond
	o.PoolSize = poolSize
	o.ReadBufferSize, o.WriteBufferSize = bufferSize, bufferSize
	o.PoolTimeout = poolTimeout
	o.PipelinePoolSize = -1 // pipelines use the same pool
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	if o.TLSConfig != nil {
		o.TLSConfig.ServerName = "" // verify each node by its own name, not by the first node's
	}
	return o
}

// newClient creates the client for one of the three forms; see waitHook for replicas.
func newClient(o *redis.UniversalOptions, replicas int) redis.UniversalClient {
	switch {
	case o.IsClusterMode:
		cluster := o.Cluster()
		cluster.ClusterStateReloadInterval = clusterReload
		// Routing policies need the answer to COMMAND, for which go-redis waits up to
		// 5 s regardless of the caller's deadline.
		cluster.DisableRoutingPolicies = true
		client := redis.NewClusterClient(cluster)
		client.OnNewNode(func(node *redis.Client) { node.AddHook(waitHook{node, replicas}) })
		return client
	case o.MasterName != "":
		client := redis.NewFailoverClient(o.Failover())
		client.AddHook(waitHook{client, replicas})
		return client
	default:
		client := redis.NewClient(o.Simple())
		client.AddHook(waitHook{client, replicas})
		return client
	}
}

// Call runs call with a deadline of CallTimeout, and returns its result or, once the
// context has ended, the context's error.
//
// The clients for Sentinel and Cluster have code paths that ignore a deadline, so their
// calls run in a goroutine of their own. An abandoned call ends by the timeouts above,
// which also bounds the number of such goroutines. The client for a single server
// respects its context; without a goroutine per call the 99th percentile of a push is
// 12 to 17 % lower and a confirm costs 8 % less CPU (two pairs of `bench run --only push`).
func Call[T any](ctx context.Context, c *Client, call func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, CallTimeout)
	defer cancel()
	if c.bounded {
		return call(ctx)
	}
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := call(ctx)
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// DiscardLog discards what go-redis logs. Its logger is global and writes to stderr, in its
// own format, what our log contains as well. Only a main function may call it, before it
// opens a Client.
func DiscardLog() { redis.SetLogger(discard{}) }

type discard struct{}

func (discard) Printf(context.Context, string, ...any) {}
