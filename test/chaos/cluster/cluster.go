// Package cluster runs the system under test on 127.0.0.1: scanlogin nodes on a single
// Redis, Redis Sentinel or Redis Cluster, with a proxy in front of each Redis server.
// It guarantees that no process and no listener outlives [Cluster.Close], and that
// every wait has a deadline.
package cluster

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	_ "embed"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/scanlogin/scanlogin/internal/process"
)

// UserKey signs the tokens of the simulated app's users. SiteSecret is the secret
// of every pool. PublicURL is the address of all nodes together, which is never used.
const (
	UserKey    = "the key under which the simulated app signs its users' tokens"
	SiteSecret = "the secret of the simulated sites, long enough"
	PublicURL  = "https://login.example.com"
)

// Options describe a cluster to start.
type Options struct {
	Mode        string
	Nodes       int
	Scanlogin   string // path of the binary
	RedisServer string // path of the binary
	Dir         string // directory for configurations, logs and data
	Pools       []Pool
}

// Pool is a user pool in the configuration of every node.
type Pool struct {
	ID                             string
	CodeTTL, ConfirmTTL, TicketTTL time.Duration
	MaxCodes                       int
	Clients                        []Client
}

// Client is an OAuth client of a pool, with all scopes.
type Client struct {
	ID          string
	Secret      string // "": a public client
	RedirectURI string
}

// Node is a scanlogin process.
type Node struct {
	*process.Process
	URL string
	ops string
}

// Cluster is a running system.
type Cluster struct {
	Redis *Redis
	Nodes []*Node

	// TokenKey verifies the tokens of OAuth clients.
	TokenKey *ecdsa.PublicKey
	keyFile  string
}

//go:embed node.yaml
var nodeConfig string

// Start starts a cluster. After an error, nothing runs.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	redis.SetLogger(discardLogger{})
	r := new(Cluster)
	var err error
	if r.Redis, err = startRedis(ctx, o.Mode, o.Dir, o.RedisServer); err != nil {
		r.Close()
		return nil, err
	}
	if err := r.newSigningKey(o.Dir); err != nil {
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

// newSigningKey writes the key with which all nodes sign tokens.
func (r *Cluster) newSigningKey(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	text, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	r.TokenKey, r.keyFile = &key.PublicKey, filepath.Join(dir, "signing-key.pem")
	return os.WriteFile(r.keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text}), 0o600)
}

func (r *Cluster) newNode(i int, o Options) (*Node, error) {
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
		"Port": port, "Ops": ops, "PublicURL": PublicURL, "Redis": r.Redis.URL, "Pools": o.Pools,
		"Secret": SiteSecret, "UserKey": UserKey, "SigningKey": r.keyFile,
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

// StartAndAwait starts the node and waits until it answers. It may not be ready,
// because that depends on Redis.
func (n *Node) StartAndAwait(ctx context.Context) error {
	if err := n.Start(); err != nil {
		return err
	}
	return n.Await(ctx, process.IsReady(n.ops+"/livez"))
}

// Close ends all processes and proxies.
func (r *Cluster) Close() {
	for _, n := range r.Nodes {
		n.Kill()
	}
	if r.Redis != nil {
		r.Redis.close()
	}
}
