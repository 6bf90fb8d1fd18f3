// Package redistest runs a real redis-server, or a Cluster, for a test.
//
// It guarantees that a server ends with its test. Tests can kill, restart and freeze it, cut
// connections and restrict ACL rights. The environment variable REDIS_SERVER names a
// compatible program to run instead, for instance valkey-server.
package redistest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/scanlogin/scanlogin/internal/redisclient"
)

const (
	// timeout bounds the start of a server, which takes 20 ms on an idle machine, and
	// each command.
	timeout = 10 * time.Second
	// portTries is the number of ports to try: a free port may be taken before
	// redis-server binds it.
	portTries = 5
	// slack is the factor by which Eventually waits longer than on an idle machine.
	slack = 10
)

var errPortTaken = errors.New("redis-server: the port is already in use")

// Server is a redis-server on 127.0.0.1 that ends with its test. Its methods fail the
// test on an error; call them from the test's own goroutine.
type Server struct {
	t      testing.TB
	dir    string
	port   int
	args   []string
	client *redis.Client
	proc   *os.Process
	exited chan struct{} // closed when proc has ended
	output *bytes.Buffer // output of proc; read it only when proc has ended
}

// Start starts redis-server on a free port and in its own directory, with additional
// arguments such as "--appendonly", "yes". By default nothing is persisted.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	s := &Server{t: t, dir: t.TempDir(), args: args}
	if err := os.WriteFile(s.config(), nil, 0o600); err != nil { // Sentinel requires a file
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	var err error
	for range portTries {
		s.port = FreePort(t)
		if err = s.launch(); !errors.Is(err, errPortTaken) {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	s.client = newClient(s.Addr())
	t.Cleanup(func() { s.client.Close() })
	return s
}

func newClient(addr string) *redis.Client {
	return redis.NewClient(&redis.Options{Addr: addr, Protocol: 2, DisableIdentity: true})
}

// Addr returns the server's host and port.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// URL returns the server's address as in the setting redis_url.
func (s *Server) URL() string { return "redis://" + s.Addr() + "/0" }

// Kill ends the server as a power cut does. It may be called again.
func (s *Server) Kill() {
	if s.proc != nil {
		s.proc.Kill() // fails only if the process has ended
		<-s.exited
	}
}

// Restart kills the server if it runs, and starts it with the same port, directory and
// arguments.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	if err := s.launch(); err != nil {
		s.t.Fatal(err)
	}
}

// Do sends one command and returns the answer, or nil if there is none.
func (s *Server) Do(args ...any) any {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	answer, err := s.client.Do(ctx, args...).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		s.t.Fatalf("redis: %v: %v", args[0], err)
	}
	return answer
}

// CutPubSub closes every Pub/Sub connection.
func (s *Server) CutPubSub() { s.t.Helper(); s.Do("CLIENT", "KILL", "TYPE", "pubsub") }

// launch starts the process and waits until it answers.
func (s *Server) launch() error {
	path, err := exec.LookPath(cmp.Or(os.Getenv("REDIS_SERVER"), "redis-server"))
	if err != nil {
		return errors.New("redis-server not found: install it with apt-get install redis-server or brew install redis")
	}
	s.output = new(bytes.Buffer)
	cmd := exec.Command(path, append([]string{
		s.config(), "--port", strconv.Itoa(s.port), "--bind", "127.0.0.1", "--dir", s.dir, "--save", "",
		"--repl-diskless-sync-delay", "0", // the default makes a replica wait 5 s for others
	}, s.args...)...)
	cmd.Stdout, cmd.Stderr = s.output, s.output
	cmd.SysProcAttr = killWithParent()
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	go func() {
		cmd.Wait()
		close(exited)
	}()
	s.proc, s.exited = cmd.Process, exited
	return s.awaitAnswer()
}

// awaitAnswer waits until this process answers, not another one that took the port.
func (s *Server) awaitAnswer() error {
	client := newClient(s.Addr())
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	processID := fmt.Sprintf("process_id:%d\r\n", s.proc.Pid)
	for {
		info, err := client.Info(ctx, "server", "persistence").Result()
		if err == nil && strings.Contains(info, processID) && !strings.Contains(info, "loading:1") {
			return nil
		}
		select {
		case <-s.exited:
			if strings.Contains(s.output.String(), "Failed listening") {
				return errPortTaken
			}
			return fmt.Errorf("redis-server ended: %s", s.output)
		case <-ctx.Done():
			return fmt.Errorf("redis-server does not answer on %s: %w", s.Addr(), err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (s *Server) config() string { return filepath.Join(s.dir, "redis.conf") }

// FreePort returns a port that is free now, and low enough for a Cluster node, which also
// listens on the port 10,000 above it.
func FreePort(t testing.TB) int {
	t.Helper()
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		if port := l.Addr().(*net.TCPAddr).Port; port < 1<<16-10_000 {
			return port
		}
	}
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
	within *= slack
	for deadline := time.Now().Add(within); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}
