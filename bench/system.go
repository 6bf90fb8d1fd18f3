package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"text/template"
	"time"

	"github.com/scanlogin/scanlogin/internal/process"
)

// kind is what a server is an instance of.
type kind string

const (
	scanlogin  kind = "scanlogin"
	centrifuge kind = "centrifuge" // a server on the library
	nchan      kind = "nchan"
	socket     kind = "websocket" // bare coder/websocket, no Redis
	bareEcho   kind = "echo"      // Echo and the Redis calls alone
)

// programs are what is started.
type programs struct {
	Scanlogin   string `default:"bin/scanlogin" help:"The binary that is measured."`
	Scanbench   string `default:"bin/scanbench" help:"Its benchmark, which makes logins and storms."`
	RedisServer string `default:"redis-server" help:"The redis-server to start."`
	Nginx       string `default:"/usr/sbin/nginx" help:"The nginx to start."`
	NchanModule string `default:"/usr/lib/nginx/modules/ngx_nchan_module.so" help:"The nchan module for it (Debian: libnginx-mod-nchan)."`
	Source      string `default:"." help:"Where scanlogin's source is: its scripts, and its benchmark of pictures."`
}

// Secrets of the scanlogin nodes that are started.
const (
	poolSecret = "the secret of the benchmark's own pool"
	userKey    = "the key under which the benchmark signs users' tokens"
)

var (
	//go:embed node.yaml
	nodeConfig string
	//go:embed nchan.conf
	nchanConfig string
)

// subject is what is measured: nodes of one kind on a Redis of their own.
type subject struct {
	kind   kind
	dir    string
	redis  *process.Process // nil: none
	store  string           // its address
	nodes  []*node
	client *http.Client // of phones and publishers
}

type node struct {
	url, ops string // ops "": no metrics
	*process.Process
}

// first and last are where phones call and pages connect.
func (s *subject) first() *node { return s.nodes[0] }
func (s *subject) last() *node  { return s.nodes[len(s.nodes)-1] }

// start starts a subject; close ends it.
func (p *programs) start(ctx context.Context, k kind, nodes int) (s *subject, err error) {
	s = &subject{kind: k, client: &http.Client{Timeout: callTime, Transport: &http.Transport{MaxIdleConnsPerHost: 512}}}
	if s.dir, err = os.MkdirTemp("", "bench"); err != nil {
		return nil, err
	}
	started := s
	defer func() {
		if err != nil {
			started.close()
		}
	}()
	if k != socket {
		if err := p.startRedis(ctx, s); err != nil {
			return nil, err
		}
	}
	for i := range nodes {
		if err := p.startNode(ctx, s, filepath.Join(s.dir, strconv.Itoa(i))); err != nil {
			return nil, fmt.Errorf("%s: %w", k, err)
		}
	}
	return s, nil
}

func (s *subject) close() {
	for _, n := range s.nodes {
		n.Kill()
	}
	if s.redis != nil {
		s.redis.Kill()
	}
	s.client.CloseIdleConnections()
	_ = os.RemoveAll(s.dir)
}

func (p *programs) startRedis(ctx context.Context, s *subject) error {
	port, err := process.FreePort()
	if err != nil {
		return err
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	s.store = "redis://" + address
	s.redis = process.New(s.dir, "redis", p.RedisServer, "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", s.dir, "--save", "")
	if err := s.redis.Start(); err != nil {
		return err
	}
	return s.redis.Await(ctx, func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

// startNode starts one more node of s, with a folder of its own.
func (p *programs) startNode(ctx context.Context, s *subject, dir string) error {
	port, err := process.FreePort()
	if err != nil {
		return err
	}
	listen := fmt.Sprintf("127.0.0.1:%d", port)
	n := &node{url: "http://" + listen, ops: "http://" + listen}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	program, args, err := p.command(s, n, dir, port)
	if err != nil {
		return err
	}
	n.Process = process.New(dir, string(s.kind), program, args...)
	if err := n.Start(); err != nil {
		return err
	}
	s.nodes = append(s.nodes, n)
	ready := n.ops + "/readyz"
	if s.kind == nchan {
		n.ops, ready = "", n.url+"/pub/ready" // is answered when Redis is connected
	}
	err = n.Await(ctx, func(ctx context.Context) error { return isReady(ctx, ready) })
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, string(s.kind)+".log"))
		return errors.Join(err, errors.New(string(log[max(0, len(log)-500):])))
	}
	return nil
}

// command is what runs a node, whose configuration it writes.
func (p *programs) command(s *subject, n *node, dir string, port int) (program string, args []string, err error) {
	facts := map[string]any{"Port": port, "Redis": s.store, "Dir": dir, "Module": p.NchanModule, "Secret": poolSecret, "UserKey": userKey}
	switch s.kind {
	case scanlogin:
		ops, err := process.FreePort()
		if err != nil {
			return "", nil, err
		}
		n.ops, facts["Ops"] = fmt.Sprintf("http://127.0.0.1:%d", ops), ops
		file, err := fill(filepath.Join(dir, "node.yaml"), nodeConfig, facts)
		return p.Scanlogin, []string{"serve", "--config", file}, err
	case nchan:
		file, err := fill(filepath.Join(dir, "nchan.conf"), nchanConfig, facts)
		return p.Nginx, []string{"-p", dir, "-c", file}, err
	default:
		self, err := os.Executable()
		return self, []string{
			"serve", string(s.kind), "--listen", "127.0.0.1:" + strconv.Itoa(port), "--redis", s.store,
			"--scripts", filepath.Join(p.Source, "session", "redisstore"),
		}, err
	}
}

func fill(file, text string, facts map[string]any) (string, error) {
	var b bytes.Buffer
	if err := template.Must(template.New(file).Parse(text)).Execute(&b, facts); err != nil {
		return "", err
	}
	return file, os.WriteFile(file, b.Bytes(), 0o600)
}

func isReady(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= http.StatusInternalServerError { // nchan: 404, nobody has published yet
		return errors.New("not ready: " + answer.Status)
	}
	return nil
}

// raiseFiles lets us have as many files as the system allows; servers that we
// start have the same.
func raiseFiles() error {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return err
	}
	l.Cur = l.Max
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l)
}
