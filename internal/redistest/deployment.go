package redistest

import (
	"path/filepath"
	"testing"
	"time"
)

// Deployment is a Redis as nodes use it: a single server, a Sentinel setup or a Cluster.
type Deployment struct {
	URL     string
	Masters []*Server
	Owner   func(key string) *Server // the master that has the key
}

// OneMaster returns the deployment of a server that clients reach at url.
func OneMaster(server *Server, url string) Deployment {
	return Deployment{url, []*Server{server}, func(string) *Server { return server }}
}

// StartSingle starts one server.
func StartSingle(t *testing.T) Deployment {
	server := Start(t)
	return OneMaster(server, server.URL())
}

// StartUnixSocket starts one server that is reached over a Unix socket by a user who has
// the documented rights only.
func StartUnixSocket(t *testing.T) Deployment {
	socket := filepath.Join(t.TempDir(), "s")
	server := Start(t, "--unixsocket", socket)
	server.Allow(LeastRights(t))
	return OneMaster(server, "unix://"+AppUser+socket)
}

// StartRestrictedCluster returns a function that starts a Cluster whose user has the
// documented rights only, and those for the needs.
func StartRestrictedCluster(needs ...string) func(t *testing.T) Deployment {
	return func(t *testing.T) Deployment {
		c := StartCluster(t)
		c.Allow(LeastRights(t, append([]string{"on a Cluster"}, needs...)...))
		return Deployment{c.URL(AppUser), c, c.Owner}
	}
}

// RunOnEach runs test on each deployment, in parallel.
func RunOnEach(t *testing.T, deployments map[string]func(t *testing.T) Deployment, test func(t *testing.T, d Deployment)) {
	for name, start := range deployments {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, start(t))
		})
	}
}

// TTL returns the time until a key expires, 0 if there is no such key.
func (d Deployment) TTL(key string) time.Duration {
	ms := d.Owner(key).Do("PTTL", key).(int64)
	if ms == -2 { // no such key
		return 0
	}
	return time.Duration(ms) * time.Millisecond
}
