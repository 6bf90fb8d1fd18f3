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

// Server is a redis-server, or a Sentinel, which has no proxy.
type Server struct {
	*process.Process
	Proxy  *Proxy
	name   string
	port   int
	client *redis.Client // past the proxy
}

// durable lets a server that is killed lose nothing.
var durable = []string{"appendonly yes", "appendfsync always", `save ""`}

// newServer finds a place for a server and puts its proxy before it.
func newServer() (*Server, error) {
	port, err := process.FreePort()
	if err != nil {
		return nil, err
	}
	s := &Server{port: port}
	s.Proxy, err = startProxy(s.addr())
	return s, err
}

// patience is how long a server may take to come up, to answer, and to agree
// with others.
const patience = 20 * time.Second

// configure writes the server's configuration. Everything is in that file,
// because Sentinel rewrites it, and the command line would overrule it.
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
		DialTimeout: time.Second, ReadTimeout: patience, ContextTimeoutEnabled: true,
	})
	return nil
}

// silence takes the place of go-redis's logger, one for the process: what it
// has to say about servers that we have just killed is no news.
type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

func (s *Server) addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// StartAndAwait starts the server and waits until it answers and has loaded
// what it kept.
func (s *Server) StartAndAwait(ctx context.Context) error {
	if err := s.Start(); err != nil {
		return err
	}
	return s.Await(ctx, func(ctx context.Context) error { return s.client.Ping(ctx).Err() })
}

// Do sends a command past the proxy and returns the answer.
func (s *Server) Do(ctx context.Context, args ...any) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answer, err := s.client.Do(ctx, args...).Result()
	if err != nil && err != redis.Nil {
		return nil, fmt.Errorf("%s: %v: %w", s.name, args[0], err)
	}
	return answer, nil
}

// says asks for a section of INFO and reports whether all parts are in it.
func (s *Server) says(ctx context.Context, command []any, parts ...string) bool {
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
