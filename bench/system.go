package main

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"text/template"
	"time"

	"github.com/scanlogin/scanlogin/internal/process"
)

// kind is the kind of server that a system runs.
type kind string

const (
	scanlogin  kind = "scanlogin"
	before     kind = "before"     // an older scanlogin: --before
	centrifuge kind = "centrifuge" // a server built with the library: bare publish
	comparable kind = "comparable" // the same with token check, load and store
	bareEcho   kind = "echo"       // only Echo and the Redis call of a scan
)

// isScanlogin reports whether a kind has scanlogin's API.
func (k kind) isScanlogin() bool { return k == scanlogin || k == before }

// callTime is how long a call may take; scanlogin answers within 2 s.
const callTime = 10 * time.Second

// programs are all programs that can be started.
type programs struct {
	binaries
	Before string `placeholder:"PATH" help:"An older scanlogin binary, with which logins and the storm are compared; without it they are not. Its API must be that of this version."`
	Source string `default:"." help:"The directory of scanlogin's source, with its Lua scripts."`
}

// Secrets of the scanlogin nodes that are started.
const (
	poolSecret = "the secret of the benchmark's own pool"
	userKey    = "the key under which the benchmark signs users' tokens"
)

//go:embed node.yaml
var nodeConfig string

// system is what is measured: nodes of one kind, with the Redis that they share.
type system struct {
	kind   kind
	dir    string         // "" if the system was not started by this process
	redis  *process.Redis // nil: none, or not started by this process
	nodes  []*node
	client *http.Client // of phones, sites and publishers

	pool, secret, userKey string
	oidc                  bool // logins are those of an OAuth client
}

type node struct {
	url, ops string           // ops "": no metrics
	process  *process.Process // nil: not started by this process
}

func newSystem(k kind) *system {
	return &system{kind: k, client: &http.Client{Timeout: callTime, Transport: &http.Transport{MaxIdleConnsPerHost: 512}}}
}

// Phones call the first node, and pages connect to the last.
func (s *system) first() *node { return s.nodes[0] }
func (s *system) last() *node  { return s.nodes[len(s.nodes)-1] }

// startOptions describe a system to start.
type startOptions struct {
	kind   kind
	nodes  int
	memory bool   // without Redis
	oidc   bool   // logins are those of an OAuth client
	pool   string // "": bench
}

// start starts a system; close ends it.
func (p *programs) start(ctx context.Context, o startOptions) (*system, error) {
	s := newSystem(o.kind)
	s.pool, s.secret, s.userKey, s.oidc = o.pool, poolSecret, userKey, o.oidc
	if s.pool == "" {
		s.pool = "bench"
	}
	if err := p.startAll(ctx, s, o); err != nil {
		s.close()
		return nil, fmt.Errorf("%s: %w", o.kind, err)
	}
	return s, nil
}

func (p *programs) startAll(ctx context.Context, s *system, o startOptions) (err error) {
	if s.dir, err = os.MkdirTemp("", "bench"); err != nil {
		return err
	}
	if !o.memory {
		if s.redis, err = process.StartRedis(ctx, s.dir, p.RedisServer); err != nil {
			return fmt.Errorf("%w; install Redis, name it with --redis-server, or use --memory", err)
		}
	}
	for i := range o.nodes {
		if err := p.startNode(ctx, s, filepath.Join(s.dir, strconv.Itoa(i))); err != nil {
			return err
		}
	}
	return nil
}

func (s *system) close() {
	for _, n := range s.nodes {
		if n.process != nil {
			n.process.Kill()
		}
	}
	if s.redis != nil {
		s.redis.Kill()
	}
	s.client.CloseIdleConnections()
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
}

// startNode starts one more node of s in its own directory.
func (p *programs) startNode(ctx context.Context, s *system, dir string) error {
	port, err := process.FreePort()
	if err != nil {
		return err
	}
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	n := &node{url: url, ops: url}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	program, args, err := p.command(s, n, dir, port)
	if err != nil {
		return err
	}
	n.process = process.New(dir, string(s.kind), program, args...)
	if err := n.process.Start(); err != nil {
		return fmt.Errorf("%w; build scanlogin with `make build`, or name it with --scanlogin", err)
	}
	s.nodes = append(s.nodes, n)
	return n.process.Await(ctx, process.IsReady(n.ops+"/readyz"))
}

// command returns the command line of a node, and writes its configuration.
func (p *programs) command(s *system, n *node, dir string, port int) (program string, args []string, err error) {
	if !s.kind.isScanlogin() {
		self, err := os.Executable()
		return self, []string{
			"serve", string(s.kind), "--listen", "127.0.0.1:" + strconv.Itoa(port), "--redis", s.redisURL(),
			"--scripts", filepath.Join(p.Source, "session", "redisstore"),
		}, err
	}
	program = p.Scanlogin
	if s.kind == before {
		program = p.Before
	}
	ops, err := process.FreePort()
	if err != nil {
		return "", nil, err
	}
	n.ops = fmt.Sprintf("http://127.0.0.1:%d", ops)
	if s.oidc {
		if err := writeSigningKey(filepath.Join(dir, "signing-key.pem")); err != nil {
			return "", nil, err
		}
	}
	file, err := writeConfig(filepath.Join(dir, "node.yaml"), map[string]any{
		"Port": port, "Ops": ops, "Redis": s.redisURL(), "Pool": s.pool, "Secret": s.secret, "UserKey": s.userKey,
		"OIDC": s.oidc, "Dir": dir, "ClientID": clientID, "ClientSecret": clientSecret, "Callback": callback,
	})
	return program, []string{"serve", "--config", file}, err
}

// redisURL returns the address of the system's Redis, "" if there is none.
func (s *system) redisURL() string {
	if s.redis == nil {
		return ""
	}
	return "redis://" + s.redis.Addr()
}

func writeConfig(file string, values map[string]any) (string, error) {
	var b bytes.Buffer
	if err := template.Must(template.New(file).Parse(nodeConfig)).Execute(&b, values); err != nil {
		return "", err
	}
	return file, os.WriteFile(file, b.Bytes(), 0o600)
}

// raiseFileLimit raises the limit of open files to the highest value allowed.
// Child processes inherit it.
func raiseFileLimit() error {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return err
	}
	l.Cur = l.Max
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l)
}
