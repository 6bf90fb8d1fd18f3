package redisstore_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

// deployment is a single Redis, a Sentinel setup or a Cluster: its URL, its masters, and
// the master that has a code.
type deployment struct {
	url     string
	masters []*redistest.Server
	owner   func(session.ID) *redistest.Server
}

func TestRedisConformance(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*testing.T) deployment{
		"Single": func(t *testing.T) deployment {
			return oneMaster(redistest.Start(t), "")
		},
		"LeastRightsOverAUnixSocket": func(t *testing.T) deployment {
			socket := filepath.Join(t.TempDir(), "s")
			server := redistest.Start(t, "--unixsocket", socket)
			server.Allow(redistest.LeastRights(t))
			return oneMaster(server, "unix://"+redistest.AppUser+socket)
		},
		"LeastRightsOnACluster": func(t *testing.T) deployment {
			c := redistest.StartCluster(t)
			c.Allow(redistest.LeastRights(t, "on a Cluster"))
			return deployment{c.URL(redistest.AppUser), c, func(id session.ID) *redistest.Server { return c.Owner(key(id)) }}
		},
		"Sentinel": func(t *testing.T) deployment {
			s := startSentinel(t, 60_000)
			return oneMaster(s.master, s.url())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := start(t) // shared by all tests: their codes have different ids
			sessiontest.Run(t, d.storage)
		})
	}
}

func oneMaster(server *redistest.Server, url string) deployment {
	if url == "" {
		url = server.URL()
	}
	return deployment{url, []*redistest.Server{server}, func(session.ID) *redistest.Server { return server }}
}

func (d deployment) storage(t *testing.T) sessiontest.Storage {
	a, b := open(t, d.url), open(t, d.url)
	return sessiontest.Storage{
		A: sessiontest.Node{Store: a, Bus: a.Bus()},
		B: sessiontest.Node{Store: b, Bus: b.Bus()},
		Cut: func() {
			for _, server := range d.masters {
				server.CutPubSub()
			}
		},
		Save:   func(id session.ID) func() { return save(d.owner(id), id) },
		Forget: func(id session.ID) { d.owner(id).Do("DEL", key(id)) },
		TTL:    func(id session.ID) time.Duration { return ttl(d.owner(id), id) },
	}
}

func save(server *redistest.Server, id session.ID) (restore func()) {
	dump, left := server.Do("DUMP", key(id)), server.Do("PTTL", key(id))
	return func() { server.Do("RESTORE", key(id), left, dump, "REPLACE") }
}

func ttl(server *redistest.Server, id session.ID) time.Duration {
	ms := server.Do("PTTL", key(id)).(int64)
	if ms == -2 { // no such key
		return 0
	}
	return time.Duration(ms) * time.Millisecond
}
