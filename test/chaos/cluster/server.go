package cluster

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/scanlogin/scanlogin/internal/process"
)

// Server is a redis-server, or a Sentinel without a proxy.
type Server struct {
	*process.Process
	Proxy  *Proxy
	name   string
	port   int
	client *redis.Client // connects directly, not through the proxy
}

// durable makes a killed server lose no acknowledged write.
var durable = []string{"appendonly yes", "appendfsync always", `save ""`}

// newServer reserves a port for a server and starts its proxy.
func newServer() (*Server, error) {
	port, err := process.FreePort()
	if err != nil {
		return nil, err
	}
	s := &Server{port: port}
	s.Proxy, err = startProxy(s.addr())
	return s, err
}

// timeout is how long a server may take to answer a command. A whole recovery may
// take twice as long.
const timeout = 20 * time.Second

// configure writes the server's configuration. All directives are in the file: the
// command line would override what Sentinel writes to it.
func (s *Server) configure(dir, name, path string, directives []string, args ...string) error {
	home := filepath.Join(dir, name)
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	lines := append([]string{"port " + strconv.Itoa(s.port), "bind 127.0.0.1", "dir " + home}, directives...)
	file := filepath.Join(home, "redis.conf")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return err
	}
	s.name = name
	s.Process = process.New(dir, name, path, append([]string{file}, args...)...)
	s.client = redis.NewClient(&redis.Options{
		Addr: s.addr(), Protocol: 2, DisableIdentity: true,
		DialTimeout: time.Second, ReadTimeout: timeout, ContextTimeoutEnabled: true,
	})
	return nil
}

// discardLogger discards the messages of go-redis about servers that were just killed.
// go-redis has one logger per process.
type discardLogger struct{}

func (discardLogger) Printf(context.Context, string, ...any) {}

func (s *Server) addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// StartAndAwait starts the server and waits until it answers and has loaded its
// data.
func (s *Server) StartAndAwait(ctx context.Context) error {
	if err := s.Start(); err != nil {
		return err
	}
	return s.Await(ctx, func(ctx context.Context) error { return s.client.Ping(ctx).Err() })
}

// Do sends a command directly to the server and returns the reply.
func (s *Server) Do(ctx context.Context, args ...any) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	answer, err := s.client.Do(ctx, args...).Result()
	if err != nil && err != redis.Nil {
		return nil, fmt.Errorf("%s: %v: %w", s.name, args[0], err)
	}
	return answer, nil
}

// replyContains reports whether the reply to a command contains all parts.
func (s *Server) replyContains(ctx context.Context, command []any, parts ...string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	answer, err := s.Do(ctx, command...)
	text, _ := answer.(string)
	if err != nil {
		return false
	}
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

func (s *Server) close() {
	if s.Process != nil {
		s.Kill()
	}
	if s.client != nil {
		s.client.Close()
	}
	if s.Proxy != nil {
		s.Proxy.close()
	}
}
