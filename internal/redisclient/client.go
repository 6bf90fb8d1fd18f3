package redisstore

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// CallTimeout bounds every call, whatever its context says: the contract
// promises an answer within 2 s while Redis is away.
const CallTimeout = 1500 * time.Millisecond

const (
	// dialTimeout and ioTimeout let a call try twice within CallTimeout. A
	// script takes Redis under 10 µs (INFO commandstats), so half a second
	// is a Redis in trouble.
	dialTimeout = 500 * time.Millisecond
	ioTimeout   = 500 * time.Millisecond
	poolTimeout = 500 * time.Millisecond
	// poolSize is enough for 32,000 calls a second at 1 ms each, and little
	// enough for 100 nodes on a Redis with its default of 10,000 clients.
	poolSize = 32
	// mapAge is how old the map of a Cluster may grow. A dead master redirects
	// nobody, so this bounds how late its successor is found; go-redis would
	// wait for a minute. A reading is one short answer of one node.
	mapAge = time.Second
)

var errURL = errors.New("want redis://, rediss:// or unix:// with host or path, and at most the parameters " +
	"addr, master_name, username, password, db and client_name; " +
	"what is special in a password must be percent-encoded")

// parse returns the client's options for a URL. What is told of a wrong one is
// the same for all, because parts of a password may turn up anywhere in it.
func parse(text string) (*redis.UniversalOptions, error) {
	u, err := url.Parse(text)
	if err != nil || !known(u.Query()) {
		return nil, errURL
	}
	var where *redis.UniversalOptions
	switch q := u.Query(); {
	case q.Has("master_name"):
		where, err = parseSentinel(text)
	case q.Has("addr"):
		where, err = parseCluster(text)
	default:
		where, err = parseSingle(text)
	}
	if err != nil {
		return nil, errURL
	}
	return tune(where), nil
}

// known reports whether all parameters are about where Redis is and who we
// are; the others of go-redis's would break what this package promises, and
// skip_verify what TLS does.
func known(q url.Values) bool {
	for name := range q {
		switch name {
		case "addr", "master_name", "username", "password", "db", "client_name":
		default:
			return false
		}
	}
	return true
}

func parseSingle(text string) (*redis.UniversalOptions, error) {
	o, err := redis.ParseURL(text)
	if err != nil {
		return nil, err
	}
	return &redis.UniversalOptions{
		Addrs: []string{o.Addr}, DB: o.DB, ClientName: o.ClientName,
		Username: o.Username, Password: o.Password, TLSConfig: o.TLSConfig,
	}, nil
}

func parseCluster(text string) (*redis.UniversalOptions, error) {
	o, err := redis.ParseClusterURL(text)
	if err != nil {
		return nil, err
	}
	return &redis.UniversalOptions{
		Addrs: o.Addrs, IsClusterMode: true, ClientName: o.ClientName,
		Username: o.Username, Password: o.Password, TLSConfig: o.TLSConfig,
	}, nil
}

func parseSentinel(text string) (*redis.UniversalOptions, error) {
	o, err := redis.ParseFailoverURL(text)
	if err != nil {
		return nil, err
	}
	if o.MasterName == "" {
		return nil, errURL
	}
	return &redis.UniversalOptions{
		Addrs: o.SentinelAddrs, MasterName: o.MasterName, DB: o.DB, ClientName: o.ClientName,
		Username: o.Username, Password: o.Password, TLSConfig: o.TLSConfig,
		SentinelUsername: o.SentinelUsername, SentinelPassword: o.SentinelPassword,
	}, nil
}

// ioBuffer holds the largest session; go-redis's 32 KB, twice a connection, are
// 2 MB of a node for nothing.
const ioBuffer = 8 << 10

// tune adds to where Redis is how it is talked to.
func tune(o *redis.UniversalOptions) *redis.UniversalOptions {
	o.Protocol = 2 // RESP3 has nothing for us but pushes that the client must sort out
	o.ContextTimeoutEnabled = true
	o.DialTimeout = dialTimeout
	o.DialerRetries = 1 // attempts, in spite of its name
	o.ReadTimeout = ioTimeout
	o.WriteTimeout = ioTimeout
	o.MaxRetries = 1 // a script may run twice: an op knows its own work
	o.MaxRetryBackoff = 50 * time.Millisecond
	o.PoolSize = poolSize
	o.ReadBufferSize, o.WriteBufferSize = ioBuffer, ioBuffer
	o.PoolTimeout = poolTimeout
	o.PipelinePoolSize = -1 // pipelines go through the same pool
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	if o.TLSConfig != nil {
		o.TLSConfig.ServerName = "" // each node by the name it is reached at, not by the first one's
	}
	return o
}

// newClient makes the client; see waitHook for replicas.
func newClient(o *redis.UniversalOptions, replicas int) redis.UniversalClient {
	switch {
	case o.IsClusterMode:
		cluster := o.Cluster()
		cluster.ClusterStateReloadInterval = mapAge
		// They need COMMAND's answer, for which go-redis waits up to 5 s
		// whatever the caller's deadline, and nothing here needs them.
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

// bounded makes a call of s's client, and returns its result or, once ctx has
// ended, ctx's error. Two of go-redis's clients have paths that do not heed a
// deadline: they are called from goroutines of their own. A call that is left
// behind ends by the timeouts above, which also bounds how many there are. The
// third ends in time by itself, and without a goroutine for each of its calls the
// 99th percentile of a push is 12 to 17 % lower, and a confirm 8 % cheaper (two
// pairs of `bench run --only push`).
func bounded[T any](ctx context.Context, s *Store, call func(context.Context) (T, error)) (T, error) {
	if s.heeds {
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
