// Package redistest runs a real redis-server, or a Cluster, for a test. The test can kill it,
// restart it, freeze it, cut its connections and restrict its ACL rights. The environment variable
// REDIS_SERVER names a compatible program to use instead, for example
// valkey-server. It guarantees that the server ends with the test.
package redistest

import (
	"cmp"
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/scanlogin/scanlogin/internal/asynctest"
	"github.com/scanlogin/scanlogin/internal/process"
	"github.com/scanlogin/scanlogin/internal/redisclient"
)

// commandTime is how long one command of a test may take. It takes less than a
// millisecond on an idle machine.
const commandTime = 10 * time.Second

// slack is the factor by which Eventually waits longer than on an idle machine.
const slack = 10

// Server is a redis-server on 127.0.0.1 that ends with its test. Its methods
// fail the test on errors; call them from the test's own goroutine.
type Server struct {
	t      testing.TB
	redis  *process.Redis
	client *redis.Client
}

// Start starts redis-server with additional arguments, for example
// "--appendonly", "yes", on a free port and in its own directory.
// Nothing is persisted unless the arguments say so.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	path, err := exec.LookPath(cmp.Or(os.Getenv("REDIS_SERVER"), "redis-server"))
	if err != nil {
		t.Fatal("these tests need redis-server: apt-get install redis-server, or brew install redis")
	}
	args = append([]string{"--repl-diskless-sync-delay", "0"}, args...) // by default a replica waits 5 s for others
	server, err := process.StartRedis(context.Background(), t.TempDir(), path, args...)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, redis: server, client: newClient(server.Addr())}
	t.Cleanup(func() {
		s.client.Close()
		s.Kill()
	})
	return s
}

func newClient(addr string) *redis.Client {
	return redis.NewClient(&redis.Options{Addr: addr, Protocol: 2, DisableIdentity: true})
}

// Addr returns host and port.
func (s *Server) Addr() string { return s.redis.Addr() }

// URL returns the address in the form of the redis_url setting.
func (s *Server) URL() string { return s.redis.URL() }

// Kill ends the server without giving it a chance to save. A second call does
// nothing.
func (s *Server) Kill() { s.redis.Kill() }

// Stop freezes the server: its connections stay open and silent.
func (s *Server) Stop() {
	s.t.Helper()
	if err := s.redis.Freeze(); err != nil {
		s.t.Fatal(err)
	}
}

// Continue resumes a server that Stop froze.
func (s *Server) Continue() {
	s.t.Helper()
	if err := s.redis.Resume(); err != nil {
		s.t.Fatal(err)
	}
}

// Restart kills the server if it runs, and starts it with the same port, directory and
// arguments.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	if err := s.redis.StartAndAwait(context.Background()); err != nil {
		s.t.Fatal(err)
	}
}

// Do sends one command and returns the reply, nil for a null reply.
func (s *Server) Do(args ...any) any {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), commandTime)
	defer cancel()
	reply, err := s.client.Do(ctx, args...).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		s.t.Fatalf("redis: %v: %v", args[0], err)
	}
	return reply
}

// CutPubSub closes every connection that subscribes to channels.
func (s *Server) CutPubSub() { s.t.Helper(); s.Do("CLIENT", "KILL", "TYPE", "pubsub") }

// FreePort returns a free port that a Redis Cluster node may use: its bus port
// is free, too.
func FreePort(t testing.TB) int {
	t.Helper()
	port, err := process.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// Open returns a client that is closed with the test.
func Open(t testing.TB, o redisclient.Options) *redisclient.Client {
	t.Helper()
	client, err := redisclient.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// Eventually waits for a condition that takes at most within on an idle machine, and fails
// the test if ten times as much is not enough.
func Eventually(t testing.TB, within time.Duration, what string, ok func() bool) {
	t.Helper()
	asynctest.Within(t, slack*within, what, ok)
}
