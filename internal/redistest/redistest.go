// Package redistest runs a real redis-server for a test, and lets the test do
// to it what operations and networks do: kill it, freeze it, cut it off. The
// environment's REDIS_SERVER names another program that speaks like it, for
// instance valkey-server.
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
)

const (
	// patience is how long a server may take to answer: it takes some 20 ms
	// on an idle machine.
	patience = 10 * time.Second
	// portTries is how often another port is tried, since the one found free
	// may be taken before redis-server binds it.
	portTries = 5
)

var errTaken = errors.New("redis-server found its port taken")

// Server is a redis-server on 127.0.0.1 that ends with its test. Its methods
// fail the test if they cannot do their work; they are for the test's own
// goroutine.
type Server struct {
	t      testing.TB
	dir    string
	port   int
	args   []string
	client *redis.Client
	proc   *os.Process
	exited chan struct{} // closed when proc has ended
	output *bytes.Buffer // what proc printed; to be read when it has ended
}

// Start starts redis-server with further arguments, for instance
// "--appendonly", "yes", on a free port and in a directory of its own.
// Nothing is persisted unless the arguments say so.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	s := &Server{t: t, dir: t.TempDir(), args: args}
	if err := os.WriteFile(s.config(), nil, 0o600); err != nil { // Sentinel insists on a file
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	var err error
	for range portTries {
		s.port = FreePort(t)
		if err = s.launch(); !errors.Is(err, errTaken) {
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

// Addr is the server's host and port.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// URL is the server's address as the configuration has it.
func (s *Server) URL() string { return "redis://" + s.Addr() + "/0" }

// Kill ends the server as a power cut does. What it killed already may be
// killed again.
func (s *Server) Kill() {
	if s.proc != nil {
		s.proc.Kill() // fails only if it has ended
		<-s.exited
	}
}

// Restart kills the server if it runs, and starts it on the same port, in the
// same directory and with the same arguments.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	if err := s.launch(); err != nil {
		s.t.Fatal(err)
	}
}

// Do sends one command and returns the answer, nil for none.
func (s *Server) Do(args ...any) any {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	answer, err := s.client.Do(ctx, args...).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		s.t.Fatalf("redis: %v: %v", args[0], err)
	}
	return answer
}

// CutPubSub closes every connection that listens to channels.
func (s *Server) CutPubSub() { s.t.Helper(); s.Do("CLIENT", "KILL", "TYPE", "pubsub") }

// launch starts the process and waits until it answers.
func (s *Server) launch() error {
	path, err := exec.LookPath(cmp.Or(os.Getenv("REDIS_SERVER"), "redis-server"))
	if err != nil {
		return errors.New("these tests need redis-server: apt-get install redis-server, or brew install redis")
	}
	s.output = new(bytes.Buffer)
	cmd := exec.Command(path, append([]string{
		s.config(), "--port", strconv.Itoa(s.port), "--bind", "127.0.0.1", "--dir", s.dir, "--save", "",
		"--repl-diskless-sync-delay", "0", // else a replica waits 5 s for others
	}, s.args...)...)
	cmd.Stdout, cmd.Stderr = s.output, s.output
	cmd.SysProcAttr = diesWithUs()
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

// awaitAnswer waits until the process that was started answers, not another
// one that has taken the port.
func (s *Server) awaitAnswer() error {
	client := newClient(s.Addr())
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	mine := fmt.Sprintf("process_id:%d\r\n", s.proc.Pid)
	for {
		info, err := client.Info(ctx, "server", "persistence").Result()
		if err == nil && strings.Contains(info, mine) && !strings.Contains(info, "loading:1") {
			return nil
		}
		select {
		case <-s.exited:
			if strings.Contains(s.output.String(), "Failed listening") {
				return errTaken
			}
			return fmt.Errorf("redis-server ended: %s", s.output)
		case <-ctx.Done():
			return fmt.Errorf("redis-server does not answer on %s: %w", s.Addr(), err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (s *Server) config() string { return filepath.Join(s.dir, "redis.conf") }

// FreePort finds a port that is free now, and low enough for a node of a
// Cluster, which listens 10,000 higher as well.
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
