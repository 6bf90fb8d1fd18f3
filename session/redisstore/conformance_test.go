package redisstore_test

import (
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

func TestRedisConformance(t *testing.T) {
	t.Parallel()
	redistest.RunOnEach(t, map[string]func(*testing.T) redistest.Deployment{
		"Single":                     redistest.StartSingle,
		"LeastRightsOverAUnixSocket": redistest.StartUnixSocket,
		"LeastRightsOnACluster":      redistest.StartRestrictedCluster(),
		"Sentinel": func(t *testing.T) redistest.Deployment {
			s := startSentinel(t, 60_000)
			return redistest.OneMaster(s.master, s.url())
		},
	}, func(t *testing.T, d redistest.Deployment) { // shared by all tests: their codes have different ids
		sessiontest.Run(t, func(t *testing.T) sessiontest.Storage { return storage(t, d, key) })
	})
}

func storage(t *testing.T, d redistest.Deployment, key func(session.ID) string) sessiontest.Storage {
	a, b := open(t, d.URL), open(t, d.URL)
	return sessiontest.Storage{
		A: sessiontest.Node{Store: a, Bus: a.Bus()},
		B: sessiontest.Node{Store: b, Bus: b.Bus()},
		Cut: func() {
			for _, server := range d.Masters {
				server.CutPubSub()
			}
		},
		Save:   func(id session.ID) func() { return save(d.Owner(key(id)), key(id)) },
		Forget: func(id session.ID) { d.Owner(key(id)).Do("DEL", key(id)) },
		TTL:    func(id session.ID) time.Duration { return d.TTL(key(id)) },
	}
}

func save(server *redistest.Server, key string) (restore func()) {
	dump, left := server.Do("DUMP", key), server.Do("PTTL", key)
	return func() { server.Do("RESTORE", key, left, dump, "REPLACE") }
}
