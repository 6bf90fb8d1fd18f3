package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/internal/process"
)

// Addresses that the participants connect from. The nodes trust the
// X-Forwarded-For header of proxyAddress.
const (
	siteAddress     = "127.0.1.1"
	attackerAddress = "127.0.3.1"
	proxyAddress    = "127.9.9.9"
)

const secret = "the secret of both pools under attack"

// nodeConfig keeps the default limits: they are the defenses under test.
const nodeConfig = `
listen: 127.0.0.1:%d
ops_listen: 127.0.0.1:%d
public_url: http://127.0.0.1:%d
redis_url: redis://127.0.0.1:%d/0
trusted_proxies: [` + proxyAddress + `]
log: {level: info, format: json}
pools:
  - id: bystander
    secret: "` + secret + `"
  - id: attacked
    secret: "` + secret + `"
%s`

// environment is one Redis and two nodes under one attack.
type environment struct {
	attack
	short                bool
	program, redisServer string

	dir      string
	redis    *process.Redis
	nodes    [2]*node // pages connect to the first, phones and sites to the second
	webhooks *receiver

	mu      sync.Mutex
	figures []namedFigure
}

type node struct {
	*process.Process
	port, ops int
	usage     usage
}

func (n *node) url() string { return fmt.Sprintf("http://127.0.0.1:%d", n.port) }

type namedFigure struct {
	name  string
	value float64
}

// record records a figure of this attack and replaces an earlier value of the same
// name. Figures are reported in the order of their first values.
func (env *environment) record(name string, value float64) {
	env.mu.Lock()
	defer env.mu.Unlock()
	for i := range env.figures {
		if env.figures[i].name == name {
			env.figures[i].value = value
			return
		}
	}
	env.figures = append(env.figures, namedFigure{name, value})
}

func (env *environment) start(ctx context.Context) (err error) {
	if env.dir, err = os.MkdirTemp("", "attack"); err != nil {
		return err
	}
	if env.webhooks, err = newReceiver(); err != nil {
		return err
	}
	if err := env.startRedis(ctx); err != nil {
		return err
	}
	for i := range env.nodes {
		if err := env.startNode(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

func (env *environment) startRedis(ctx context.Context) (err error) {
	memory := env.memory
	if memory == "" {
		memory = "1gb"
	}
	env.redis, err = process.StartRedis(ctx, env.dir, env.redisServer, "--maxmemory", memory, "--maxmemory-policy", "noeviction")
	return err
}

func (env *environment) startNode(ctx context.Context, i int) (err error) {
	n := &node{}
	if n.port, err = process.FreePort(); err != nil {
		return err
	}
	if n.ops, err = process.FreePort(); err != nil {
		return err
	}
	name := fmt.Sprint("node", i)
	file := filepath.Join(env.dir, name+".yaml")
	settings := env.settings
	if settings != "" {
		settings = fmt.Sprintf(settings, env.webhooks.address)
	}
	text := fmt.Sprintf(nodeConfig, n.port, n.ops, n.port, env.redis.Port, settings)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	path, args := env.program, []string{"serve", "--config", file}
	if env.nodeFiles > 0 {
		path, args = "/bin/sh", []string{"-c", `ulimit -n "$0" && exec "$@"`, strconv.Itoa(env.nodeFiles), env.program, "serve", "--config", file}
	}
	n.Process = process.New(env.dir, name, path, args...)
	if err := n.Start(); err != nil {
		return err
	}
	env.nodes[i] = n
	return n.Await(ctx, n.ready)
}

// ready reports whether the node is ready, as its ops listener says.
func (n *node) ready(ctx context.Context) error { return n.askOps(ctx, "/readyz") }

func (n *node) askOps(ctx context.Context, path string) error {
	return process.IsReady(fmt.Sprintf("http://127.0.0.1:%d%s", n.ops, path))(ctx)
}

// run runs the attack while honest visitors log in.
func (env *environment) run(ctx context.Context) (result, error) {
	seconds := env.fullSeconds
	if env.short {
		seconds = env.shortSeconds
	}
	measuring, stop := context.WithCancel(ctx)
	defer stop()
	var background sync.WaitGroup
	defer background.Wait()
	defer stop()
	for _, n := range env.nodes {
		background.Go(func() { n.usage.sample(measuring, n.PID()) })
	}
	crowd := newCrowd(env)
	if !env.noVisitors {
		background.Go(func() { crowd.arrive(measuring) })
	}
	attacking, end := context.WithTimeout(ctx, time.Duration(seconds)*time.Second)
	defer end()
	err := env.attack.run(attacking, env)
	stop()
	background.Wait()
	if ctx.Err() != nil {
		return result{}, ctx.Err()
	}
	for range 60 { // webhooks of the last logins may still be in delivery
		if env.webhooks.missing(crowd.users) == 0 || !env.hasWebhook() {
			break
		}
		pause(ctx, 500*time.Millisecond)
	}
	return env.result(crowd), err
}

// hasWebhook reports whether the attacked pool has a webhook.
func (env *environment) hasWebhook() bool { return strings.Contains(env.settings, "webhook") }

func (env *environment) close() {
	for _, n := range env.nodes {
		if n != nil && n.Process != nil {
			n.Kill()
		}
	}
	if env.redis != nil {
		env.redis.Kill()
	}
	if env.webhooks != nil {
		env.webhooks.close()
	}
	if env.dir != "" {
		_ = os.RemoveAll(env.dir)
	}
}

func (env *environment) logTail() error {
	text, err := env.nodes[0].Output()
	if err != nil {
		return err
	}
	return fmt.Errorf("node0: …%s", text[max(0, len(text)-500):])
}

// dialer returns a dialer that connects from one loopback address.
func dialer(from string) *net.Dialer {
	return &net.Dialer{Timeout: 5 * time.Second, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
}
