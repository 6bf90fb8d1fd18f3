package main

import (
	"context"
	"errors"
	"net/url"
	"strings"
)

// binaries are the programs that every command may start.
type binaries struct {
	Scanlogin   string `default:"bin/scanlogin" help:"The scanlogin binary to start."`
	RedisServer string `default:"redis-server" help:"The redis-server to start."`
}

// targetFlags select what is measured.
type targetFlags struct {
	URL     []string `name:"url" placeholder:"URL" help:"Measure these running nodes, one URL each; pages connect to the last, phones to the first. Without it, nodes are started."`
	Ops     []string `placeholder:"URL" help:"The nodes' ops_listen, in the same order: memory and CPU are read from its /metrics."`
	Pool    string   `default:"bench" help:"The user pool's id."`
	Secret  string   `env:"BENCH_SECRET" help:"The pool's secret, with which sites exchange tickets and back ends vouch for users."`
	UserKey string   `env:"BENCH_USER_KEY" help:"The HS256 secret of the pool's identity, to sign users' tokens. Without it, the pool's secret vouches for users."`

	Nodes  int  `default:"1" help:"How many nodes to start."`
	Memory bool `help:"Start one node without Redis."`
	binaries
	JSON string `name:"json" placeholder:"FILE" help:"Also write the result to this file."`
}

// Validate is called by the commands' own Validate.
func (f *targetFlags) Validate() error {
	for _, text := range append(append([]string(nil), f.URL...), f.Ops...) {
		if u, err := url.Parse(text); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return errors.New(text + ": must be http(s)://host[:port]")
		}
	}
	switch {
	case len(f.URL) == 0 && len(f.Ops) > 0:
		return errors.New("--ops requires --url")
	case len(f.Ops) > 0 && len(f.Ops) != len(f.URL):
		return errors.New("--ops must name as many nodes as --url")
	case f.Nodes < 1 || f.Memory && f.Nodes > 1:
		return errors.New("--nodes must be at least 1, and exactly 1 with --memory")
	}
	return nil
}

// open returns the system that the flags select, and starts it if necessary.
func (f *targetFlags) open(ctx context.Context) (*system, error) {
	if len(f.URL) == 0 {
		p := programs{binaries: f.binaries}
		s, err := p.start(ctx, startOptions{kind: scanlogin, nodes: f.Nodes, memory: f.Memory, pool: f.Pool})
		if err == nil {
			progress("started %d node(s) of %s", f.Nodes, f.Scanlogin)
		}
		return s, err
	}
	s := newSystem(scanlogin)
	s.pool, s.secret, s.userKey = f.Pool, f.Secret, f.UserKey
	for i, u := range f.URL {
		n := &node{url: strings.TrimSuffix(u, "/")}
		if len(f.Ops) > 0 {
			n.ops = strings.TrimSuffix(f.Ops[i], "/")
		}
		s.nodes = append(s.nodes, n)
	}
	return s, nil
}

// requireSecret returns an error if phones and sites cannot be simulated.
func (s *system) requireSecret() error {
	if s.secret == "" {
		return errors.New("--secret (or BENCH_SECRET) is missing: the pool's secret, which exchanges tickets and, without --user-key, vouches for users")
	}
	return nil
}
