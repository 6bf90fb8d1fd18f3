package redisstore_test

import (
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/redisstore/redistest"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

func TestRedisKeepsTheLaw(t *testing.T) {
	sessiontest.Run(t, func(t *testing.T) sessiontest.Storage {
		server := redistest.Start(t)
		a, b := open(t, server.URL()), open(t, server.URL())
		return sessiontest.Storage{
			A:      sessiontest.Node{Store: a, Bus: a.Bus()},
			B:      sessiontest.Node{Store: b, Bus: b.Bus()},
			Cut:    server.CutPubSub,
			Save:   func(id session.ID) func() { return save(server, id) },
			Forget: func(id session.ID) { server.Do("DEL", key(id)) },
			Life:   func(id session.ID) time.Duration { return life(server, id) },
		}
	})
}

func save(server *redistest.Server, id session.ID) (restore func()) {
	dump, ttl := server.Do("DUMP", key(id)), server.Do("PTTL", key(id))
	return func() { server.Do("RESTORE", key(id), ttl, dump, "REPLACE") }
}

func life(server *redistest.Server, id session.ID) time.Duration {
	ms := server.Do("PTTL", key(id)).(int64)
	if ms == -2 { // no such key
		return 0
	}
	return time.Duration(ms) * time.Millisecond
}
