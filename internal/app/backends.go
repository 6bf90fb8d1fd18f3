package app

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/scanlogin/scanlogin/internal/config"
	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/metrics"
	"github.com/scanlogin/scanlogin/internal/ratelimit"
	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/internal/webhook"
	"github.com/scanlogin/scanlogin/internal/webhook/queue"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/memstore"
	"github.com/scanlogin/scanlogin/session/redisstore"
)

// backends are the storage contracts of a server, in memory or on Redis.
type backends struct {
	store    session.Store
	bus      session.Bus
	queue    queue.Queue
	busAge   func() time.Duration // nil: the bus is in this process
	busStats metrics.Bus          // nil as busAge
	counts   ratelimit.Store      // nil: limits are counted in this process only
	records  kv.Store
	listen   func(name string, wake func()) // calls wake when another node announces a document
	close    func()
}

func (a *App) openBackends() (backends, error) {
	if a.config.RedisURL == "" {
		store := memstore.NewBounded(cmp.Or(int64(a.config.StoreMaxBytes), memstore.DefaultMaxBytes))
		return backends{
			store: store, bus: store.Bus(), queue: queue.NewMemory(), records: kv.NewMemory(), listen: func(string, func()) {}, close: func() {},
		}, nil
	}
	client, err := openRedis(a.config)
	if err != nil {
		return backends{}, err
	}
	store := redisstore.New(client, redisstore.Options{
		MaxBytes: int64(a.config.StoreMaxBytes), CompletePrevious: a.withHashes, Log: a.log,
	})
	bus := store.Bus()
	return backends{
		store: store, bus: bus, queue: queue.NewRedis(client), busAge: bus.Age, busStats: bus,
		counts: ratelimit.NewRedis(client), records: kv.NewRedis(client), listen: bus.Listen,
		close: func() {
			if err := client.Close(); err != nil {
				a.log.Warn("closing redis failed", "error", err)
			}
		},
	}, nil
}

// withHashes returns a code of the previous release with the hashes that it did not store; as
// it is if its pool is gone.
func (a *App) withHashes(code session.Session) session.Session {
	if p := a.registry.ByID(code.Pool); p != nil {
		code, _ = p.WithHashes(code)
	}
	return code
}

func openRedis(c *config.Config) (*redisclient.Client, error) {
	return redisclient.Open(redisclient.Options{URL: string(c.RedisURL), Prefix: c.KeyPrefix, WaitReplicas: c.WaitReplicas})
}

// WithDeadLetters calls use with the dead letters of the nodes that share a configuration.
func WithDeadLetters(c *config.Config, poolID string, use func(webhook.DeadLetters) error) error {
	if c.RedisURL == "" {
		return errors.New("redis_url is not set: without Redis, dead letters are in the memory of the server, where no command can read them")
	}
	if !slices.ContainsFunc(c.Pools, func(p config.Pool) bool { return p.ID == poolID }) {
		return fmt.Errorf("--pool: the configuration has no pool %q", poolID)
	}
	client, err := openRedis(c)
	if err != nil {
		return err
	}
	return errors.Join(use(webhook.DeadLetters{Queue: queue.NewRedis(client)}), client.Close())
}
