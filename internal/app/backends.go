package app

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/scanlogin/scanlogin/internal/config"
	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/metrics"
	"github.com/scanlogin/scanlogin/internal/ratelimit"
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
	tally    ratelimit.Tally      // nil: limits are counted in this process only
	shelf    kv.Shelf
	tap      func(name string, wake func()) // calls wake when another node announces a document
	close    func()
}

func (a *App) openBackends() (backends, error) {
	if a.config.RedisURL == "" {
		store := memstore.NewBounded(cmp.Or(int64(a.config.StoreMaxBytes), memstore.DefaultMaxBytes))
		return backends{
			store: store, bus: store.Bus(), queue: queue.NewMemory(), shelf: kv.NewMemory(), tap: func(string, func()) {}, close: func() {},
		}, nil
	}
	store, err := openRedis(a.config, a.log)
	if err != nil {
		return backends{}, err
	}
	bus := store.Bus()
	return backends{store: store, bus: bus, queue: store.Queue(), busAge: bus.Age, busStats: bus, tally: store.Tally(), shelf: store.Shelf(), tap: bus.Tap, close: func() {
		if err := store.Close(); err != nil {
			a.log.Warn("redis did not close", "error", err)
		}
	}}, nil
}

func openRedis(c *config.Config, log *slog.Logger) (*redisstore.Store, error) {
	return redisstore.Open(redisstore.Options{
		URL: string(c.RedisURL), Prefix: c.KeyPrefix, WaitReplicas: c.WaitReplicas, MaxBytes: int64(c.StoreMaxBytes), Log: log,
	})
}

// WithDeadLetters calls use with the dead letters of the nodes that share a configuration.
func WithDeadLetters(c *config.Config, poolID string, use func(webhook.Dead) error) error {
	if c.RedisURL == "" {
		return errors.New("redis_url is not set: without Redis, dead letters are in the memory of the server, where no command can read them")
	}
	if !slices.ContainsFunc(c.Pools, func(p config.Pool) bool { return p.ID == poolID }) {
		return fmt.Errorf("--pool: the configuration has no pool %q", poolID)
	}
	store, err := openRedis(c, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return errors.Join(use(webhook.Dead{Queue: store.Queue()}), store.Close())
}
