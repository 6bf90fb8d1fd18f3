// Package redisstore keeps sessions in Redis, so that any number of nodes share them:
// [session.Store] as scripts, [session.Bus] on Pub/Sub. It gives the guarantees of
// those interfaces on a single Redis, behind Sentinel and on a Cluster.
//
// A session is one hash with an expiry, under the key
//
//	<prefix>:2:{<id>}
//
// which is also the channel on which its versions are announced. While Redis is away,
// calls fail within [redisclient.CallTimeout]; nothing falls back to memory.
// docs/redis.md describes what an operator must know, including the ACL rights.
//
// The previous release has other records, under <prefix>:{<id>}. No script of one release
// touches a record of the other. This release reads and finishes them (previous.go,
// previous_bus.go), so that both can run next to each other during an update.
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
	//go:embed create.lua
	createScript string
	//go:embed apply.lua
	applyScript string
	//go:embed load.lua
	loadScript string
)

// Options configure a Store.
type Options struct {
	// MaxBytes is the memory of Redis, in a Cluster of each master, that Usage reports
	// as the maximum if it is less than Redis's maxmemory, or if maxmemory is not
	// set. 0 uses maxmemory.
	MaxBytes int64
	// CompletePrevious returns a session of the previous release with Grant, GrantHash
	// and BrowserHash, which the release did not store. It must not block. nil: such
	// sessions cannot be redeemed by Apply.
	CompletePrevious func(session.Session) session.Session
	// Log receives what the bus and invalid records report; nil discards it.
	Log *slog.Logger
}

// Store is a session.Store in Redis.
type Store struct {
	client              *redisclient.Client
	maxBytes            int64
	log                 *slog.Logger
	create, apply, load *redis.Script
	previous            previous
	invalid             atomic.Int64 // invalid records found
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
		create:   redis.NewScript(createScript),
		apply:    redis.NewScript(applyScript),
		load:     redis.NewScript(loadScript),
		previous: newPrevious(o.CompletePrevious),
	}
}

// key returns the key of a session, which is also the channel of its announcements.
func (s *Store) key(id session.ID) string { return s.client.Key("2:{" + string(id) + "}") }

// idOf returns the session that has this key.
func (s *Store) idOf(key string) (session.ID, bool) { return idIn(key, s.client.Key("2:{")) }

// idIn returns what is between prefix and a brace at the end.
func idIn(key, prefix string) (session.ID, bool) {
	key, hasPrefix := strings.CutPrefix(key, prefix)
	id, hasSuffix := strings.CutSuffix(key, "}")
	return session.ID(id), hasPrefix && hasSuffix
}
