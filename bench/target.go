package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// targetFlags say what is measured.
type targetFlags struct {
	URL     []string `name:"url" placeholder:"URL" help:"Measure what runs here, one URL a node; pages go to the last, phones to the first. Without it, nodes are started."`
	Ops     []string `placeholder:"URL" help:"Where the nodes' ops_listen is, in the same order: memory and CPU are read from its /metrics."`
	Pool    string   `default:"bench" help:"The user pool's id."`
	Secret  string   `env:"SCANBENCH_SECRET" help:"The pool's secret: sites exchange tickets by it, and back ends vouch for users."`
	UserKey string   `env:"SCANBENCH_USER_KEY" help:"The HS256 secret of the pool's identity, to sign phone users' tokens with. Without it, users are vouched for by the pool's secret."`

	Nodes       int    `default:"1" help:"How many nodes to start."`
	Memory      bool   `help:"Start one node without Redis."`
	Scanlogin   string `default:"bin/scanlogin" help:"The binary to start."`
	RedisServer string `default:"redis-server" help:"The redis-server to start."`
	JSON        string `name:"json" placeholder:"FILE" help:"Write the result here as well."`
}

// Validate is called by each command's own.
func (f *targetFlags) Validate() error {
	for _, text := range append(append([]string(nil), f.URL...), f.Ops...) {
		if u, err := url.Parse(text); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return errors.New(text + ": must be http(s)://host[:port]")
		}
	}
	switch {
	case len(f.URL) == 0 && len(f.Ops) > 0:
		return errors.New("--ops goes with --url")
	case len(f.Ops) > 0 && len(f.Ops) != len(f.URL):
		return errors.New("--ops must name as many nodes as --url")
	case f.Nodes < 1 || f.Memory && f.Nodes > 1:
		return errors.New("--nodes must be at least 1, and is 1 with --memory")
	}
	return nil
}

// target is what is measured.
type target struct {
	nodes   []node
	pool    string
	secret  string
	userKey string
	client  *http.Client
	close   func()
}

type node struct{ url, ops string }

// pages and phones are the nodes that pages connect to, and phones call: as
// far from each other as there are nodes.
func (t *target) pages() string  { return t.nodes[len(t.nodes)-1].url }
func (t *target) phones() string { return t.nodes[0].url }

// open returns what the flags name, and starts it if need be.
func (f *targetFlags) open(ctx context.Context, o output) (*target, error) {
	t := &target{
		pool: f.Pool, secret: f.Secret, userKey: f.UserKey, close: func() {},
		client: &http.Client{Timeout: callTime, Transport: &http.Transport{MaxIdleConnsPerHost: 256}},
	}
	if len(f.URL) == 0 {
		return t, f.start(ctx, t, o)
	}
	for i, u := range f.URL {
		n := node{url: strings.TrimSuffix(u, "/")}
		if len(f.Ops) > 0 {
			n.ops = strings.TrimSuffix(f.Ops[i], "/")
		}
		t.nodes = append(t.nodes, n)
	}
	return t, nil
}

// needSteps returns what is missing to play phones and sites.
func (t *target) needSteps() error {
	if t.secret == "" {
		return errors.New("--secret (or SCANBENCH_SECRET) is missing: the secret of the pool, which exchanges tickets and, without --user-key, vouches for users")
	}
	return nil
}
