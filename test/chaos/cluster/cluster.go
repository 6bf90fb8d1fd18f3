// Package cluster runs the system under test: real scanlogin nodes on a real Redis in
// one of its forms, each Redis server behind a proxy, all on 127.0.0.1. It guarantees
// that no process and no listener outlives [Rig.Close], and that every wait has a
// deadline.
package cluster

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/scanlogin/scanlogin/internal/process"
)

// UserKey is what the simulated app signs its users' tokens with, SiteSecret
// the secret of every pool.
const (
	UserKey    = "the key under which the simulated app signs its users' tokens"
	SiteSecret = "the secret of the simulated sites, long enough"
)

// Options say what to run.
type Options struct {
	Form        string
	Nodes       int
	Scanlogin   string // path of the binary
	RedisServer string // path of the binary
	Dir         string // for configurations, logs and data
	Pools       []Pool
}

// Pool is a user pool of every node's configuration.
type Pool struct {
	ID                             string
	CodeTTL, ConfirmTTL, TicketTTL time.Duration
	MaxCodes                       int
}

// Node is one scanlogin.
type Node struct {
	*process.Process
	URL string
	ops string
}

// Rig is all of it.
type Rig struct {
	Redis *Redis
	Nodes []*Node
}

//go:embed node.yaml
var nodeConfig string

// Start starts everything, or nothing.
func Start(ctx context.Context, o Options) (*Rig, error) {
	redis.SetLogger(silence{})
	r := new(Rig)
	var err error
	if r.Redis, err = startRedis(ctx, o.Form, o.Dir, o.RedisServer); err != nil {
		r.Close()
		return nil, err
	}
	for i := range o.Nodes {
		n, err := r.newNode(i, o)
		if err == nil {
			r.Nodes = append(r.Nodes, n)
			err = n.StartAndAwait(ctx)
		}
		if err != nil {
			r.Close()
			return nil, err
		}
	}
	return r, nil
}

func (r *Rig) newNode(i int, o Options) (*Node, error) {
	port, err := process.FreePort()
	if err != nil {
		return nil, err
	}
	ops, err := process.FreePort()
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("node%d", i)
	n := &Node{URL: fmt.Sprintf("http://127.0.0.1:%d", port), ops: fmt.Sprintf("http://127.0.0.1:%d", ops)}
	var text strings.Builder
	if err := template.Must(template.New(name).Parse(nodeConfig)).Execute(&text, map[string]any{
		"Port": port, "Ops": ops, "Redis": r.Redis.URL, "Pools": o.Pools, "Secret": SiteSecret, "UserKey": UserKey,
	}); err != nil {
		return nil, err
	}
	file := filepath.Join(o.Dir, name+".yaml")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		return nil, err
	}
	n.Process = process.New(o.Dir, name, o.Scanlogin, "serve", "--config", file)
	return n, nil
}

// StartAndAwait starts the node and waits until it answers. It need not be
// ready: that is also up to Redis.
func (n *Node) StartAndAwait(ctx context.Context) error {
	if err := n.Start(); err != nil {
		return err
	}
	return n.Await(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, n.ops+"/livez", nil)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(q)
		if err != nil {
			return err
		}
		return answer.Body.Close()
	})
}

// Close ends everything.
func (r *Rig) Close() {
	for _, n := range r.Nodes {
		n.Kill()
	}
	if r.Redis != nil {
		r.Redis.close()
	}
}
