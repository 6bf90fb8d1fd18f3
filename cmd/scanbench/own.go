package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"

	"github.com/scanlogin/scanlogin/internal/process"
)

//go:embed node.yaml
var nodeConfig string

// Secrets of the nodes that are started.
const (
	ownSecret  = "the secret of the benchmark's own pool"
	ownUserKey = "the key under which the benchmark signs users' tokens"
)

// start starts a Redis and nodes that are t's until it is closed.
func (f *targetFlags) start(ctx context.Context, t *target, o output) (err error) {
	dir, err := os.MkdirTemp("", "scanbench")
	if err != nil {
		return err
	}
	var running []*process.Process
	t.close = func() {
		for _, p := range running {
			if p != nil {
				p.Kill()
			}
		}
		_ = os.RemoveAll(dir)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, lastWords(dir))
			t.close()
		}
	}()
	t.secret, t.userKey = ownSecret, ownUserKey
	config := map[string]any{"Pool": t.pool, "Secret": t.secret, "UserKey": t.userKey, "Redis": ""}
	if !f.Memory {
		p, address, err := f.startRedis(ctx, dir)
		running, config["Redis"] = append(running, p), address
		if err != nil {
			return err
		}
	}
	for i := range f.Nodes {
		p, n, err := f.startNode(ctx, dir, fmt.Sprint("node", i), config)
		running = append(running, p)
		if err != nil {
			return err
		}
		t.nodes = append(t.nodes, n)
	}
	o.say("started %d node(s) of %s", f.Nodes, f.Scanlogin)
	return nil
}

func (f *targetFlags) startRedis(ctx context.Context, dir string) (*process.Process, string, error) {
	port, err := process.FreePort()
	if err != nil {
		return nil, "", err
	}
	p := process.New(dir, "redis", f.RedisServer, "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", dir, "--save", "")
	if err := p.Start(); err != nil {
		return nil, "", fmt.Errorf("%w; install Redis, name it with --redis-server, or use --memory", err)
	}
	return p, fmt.Sprintf("redis://127.0.0.1:%d/0", port), p.Await(ctx, func(ctx context.Context) error { return canDial(ctx, port) })
}

func (f *targetFlags) startNode(ctx context.Context, dir, name string, config map[string]any) (*process.Process, node, error) {
	port, err := process.FreePort()
	if err != nil {
		return nil, node{}, err
	}
	ops, err := process.FreePort()
	if err != nil {
		return nil, node{}, err
	}
	config["Port"], config["Ops"] = port, ops
	var text strings.Builder
	if err := template.Must(template.New(name).Parse(nodeConfig)).Execute(&text, config); err != nil {
		return nil, node{}, err
	}
	file := filepath.Join(dir, name+".yaml")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		return nil, node{}, err
	}
	p := process.New(dir, name, f.Scanlogin, "serve", "--config", file)
	if err := p.Start(); err != nil {
		return nil, node{}, fmt.Errorf("%w; build it with `make build`, or name it with --scanlogin", err)
	}
	n := node{url: fmt.Sprintf("http://127.0.0.1:%d", port), ops: fmt.Sprintf("http://127.0.0.1:%d", ops)}
	return p, n, p.Await(ctx, func(ctx context.Context) error { return isReady(ctx, n.ops) })
}

func canDial(ctx context.Context, port int) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return err
	}
	return conn.Close()
}

func isReady(ctx context.Context, ops string) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, ops+"/readyz", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return errors.New("not ready: " + answer.Status)
	}
	return nil
}

// lastWords are the ends of the logs of what was started.
func lastWords(dir string) error {
	var all []error
	logs, _ := filepath.Glob(filepath.Join(dir, "*.log"))
	for _, file := range logs {
		text, err := os.ReadFile(file)
		if err == nil && len(text) > 0 {
			all = append(all, fmt.Errorf("%s: …%s", filepath.Base(file), text[max(0, len(text)-500):]))
		}
	}
	return errors.Join(all...)
}
