// Package redisstore keeps sessions in Redis, so that any number of nodes
// share them: [session.Store] as two scripts, [session.Bus] on Pub/Sub. It
// promises what those promise, on a single Redis, behind Sentinel and on a
// Cluster, of version 6.2 or later (or what speaks like it).
//
// A code is one hash with an end of life, under the name
//
//	<prefix>:{<id>}
//
// which is also the channel on which its versions are announced. While Redis
// is away, calls fail within [CallTimeout] and nothing falls back to memory.
// docs/redis.md says what an operator must know, the rights of a user of
// Redis's ACL among it.
package redisstore

import (
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"github.com/scanlogin/scanlogin/session"
)

var (
	//go:embed load.lua
	loadScript string
	//go:embed swap.lua
	swapScript string
)

// Options say where the sessions are kept.
type Options struct {
	// URL is Redis's address: redis://, rediss:// or unix://; with addr=
	// parameters the further nodes of a Cluster, with master_name= those of
	// Sentinel. docs/redis.md has examples of each.
	URL string
	// Prefix begins all keys and channels; "" means "scanlogin". It may not
	// contain braces, which decide on a key's place in a Cluster.
	Prefix string
	// WaitReplicas is how many replicas of the node that has a code must have
	// a redeemed one before Swap succeeds; see there. 0 waits for none.
	WaitReplicas int
	// MaxBytes is how much memory of Redis, on a Cluster of each master, Usage
	// takes for all there is, where it is less than Redis's own maxmemory or Redis
	// has none. 0: maxmemory alone.
	MaxBytes int64
	// Log is told of losses and returns of the bus; nil: nobody is.
	Log *slog.Logger
}

// Store is a session.Store in Redis.
type Store struct {
	client    redis.UniversalClient
	heeds     bool // client ends its calls with their contexts
	prefix    string
	replicas  int
	maxBytes  int64
	log       *slog.Logger
	load      *redis.Script
	swap      *redis.Script
	clock     clock
	strangers atomic.Int64 // times that something stored was no session
}

// Open makes a Store. It does not talk to Redis, so it succeeds while Redis is
// away; an error is one of configuration and never shows the URL, which may
// hold a password.
func Open(o Options) (*Store, error) {
	if o.Prefix == "" {
		o.Prefix = "scanlogin"
	}
	if strings.ContainsAny(o.Prefix, "{}") {
		return nil, errors.New("key_prefix: must not contain braces")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	options, err := parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("redis_url: %w", err)
	}
	return &Store{
		client:   newClient(options, o.WaitReplicas),
		heeds:    !options.IsClusterMode && options.MasterName == "",
		prefix:   o.Prefix,
		replicas: o.WaitReplicas,
		maxBytes: o.MaxBytes,
		log:      o.Log,
		load:     redis.NewScript(loadScript),
		swap:     redis.NewScript(swapScript),
	}, nil
}

// Close closes the connections. The buses must have ended.
func (s *Store) Close() error { return s.client.Close() }

// name is the key of a code and the channel on which it is announced.
func (s *Store) name(id session.ID) string { return s.prefix + ":{" + string(id) + "}" }

// id is the code that has the name.
func (s *Store) id(name string) (session.ID, bool) {
	name, begins := strings.CutPrefix(name, s.prefix+":{")
	name, ends := strings.CutSuffix(name, "}")
	return session.ID(name), begins && ends
}
