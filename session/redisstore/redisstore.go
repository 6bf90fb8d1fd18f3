// Package redisstore keeps sessions in Redis, so that any number of nodes share them:
// [session.Store] as two scripts, [session.Bus] on Pub/Sub. It gives the guarantees of
// those interfaces on a single Redis, behind Sentinel and on a Cluster.
//
// A session is one hash with an expiry, under the key
//
//	<prefix>:{<id>}
//
// which is also the channel on which its versions are announced. While Redis is away,
// calls fail within [redisclient.CallTimeout]; nothing falls back to memory.
// docs/redis.md describes what an operator must know, including the ACL rights.
package redisstore

import (
	_ "embed"
	"log/slog"
	"strings"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/session"
)

var (
	//go:embed previous_load.lua
	loadScript string
	//go:embed previous_swap.lua
	swapScript string
)

// Options configure a Store.
type Options struct {
	// MaxBytes is the memory of Redis, in a Cluster of each master, that Usage reports
	// as the maximum if it is less than Redis's maxmemory, or if maxmemory is not
	// set. 0 uses maxmemory.
	MaxBytes int64
	// Log receives what the bus and invalid records report; nil discards it.
	Log *slog.Logger
}

// Store is a session.Store in Redis.
type Store struct {
	client   *redisclient.Client
	maxBytes int64
	log      *slog.Logger
	load     *redis.Script
	swap     *redis.Script
	invalid  atomic.Int64 // invalid records found
}

// New creates a Store. It does not connect.
func New(client *redisclient.Client, o Options) *Store {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Store{
		client:   client,
		maxBytes: o.MaxBytes,
		log:      o.Log,
		load:     redis.NewScript(loadScript),
		swap:     redis.NewScript(swapScript),
	}
}

// key returns the key of a session, which is also the channel of its announcements.
func (s *Store) key(id session.ID) string { return s.client.Key("{" + string(id) + "}") }

// idOf returns the session that has this key.
func (s *Store) idOf(key string) (session.ID, bool) {
	key, hasPrefix := strings.CutPrefix(key, s.client.Key("{"))
	id, hasSuffix := strings.CutSuffix(key, "}")
	return session.ID(id), hasPrefix && hasSuffix
}
