package redisstore_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

// form is Redis in one of its forms: where clients find it, and the servers
// that are masters in it, which owner chooses one of for a code.
type form struct {
	url     string
	masters []*redistest.Server
	owner   func(session.ID) *redistest.Server
}

func TestRedisKeepsTheLaw(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*testing.T) form{
		"Single": func(t *testing.T) form {
			return oneMaster(redistest.Start(t), "")
		},
		"LeastRightsOverAUnixSocket": func(t *testing.T) form {
			socket := filepath.Join(t.TempDir(), "s")
			server := redistest.Start(t, "--unixsocket", socket)
			allow(server, leastRights(t))
			return oneMaster(server, "unix://"+appUser+socket)
		},
		"LeastRightsOnACluster": func(t *testing.T) form {
			c := startCluster(t)
			for _, node := range c {
				allow(node, leastRights(t, "on a Cluster"))
			}
			return form{c.url(appUser), c, c.owner}
		},
		"Sentinel": func(t *testing.T) form {
			s := startSentinel(t, 60_000)
			return oneMaster(s.master, s.url())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start(t) // one for all tests: codes have names of their own
			sessiontest.Run(t, f.storage)
		})
	}
}

func oneMaster(server *redistest.Server, url string) form {
	if url == "" {
		url = server.URL()
	}
	return form{url, []*redistest.Server{server}, func(session.ID) *redistest.Server { return server }}
}

func (f form) storage(t *testing.T) sessiontest.Storage {
	a, b := open(t, f.url), open(t, f.url)
	return sessiontest.Storage{
		A: sessiontest.Node{Store: a, Bus: a.Bus()},
		B: sessiontest.Node{Store: b, Bus: b.Bus()},
		Cut: func() {
			for _, server := range f.masters {
				server.CutPubSub()
			}
		},
		Save:   func(id session.ID) func() { return save(f.owner(id), id) },
		Forget: func(id session.ID) { f.owner(id).Do("DEL", key(id)) },
		Life:   func(id session.ID) time.Duration { return life(f.owner(id), id) },
	}
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
