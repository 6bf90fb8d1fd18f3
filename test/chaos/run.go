package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/test/chaos/actors"
	"github.com/scanlogin/scanlogin/test/chaos/cluster"
	"github.com/scanlogin/scanlogin/test/chaos/faults"
	"github.com/scanlogin/scanlogin/test/chaos/history"
)

type runCommand struct {
	Redis       string        `name:"redis" default:"single" enum:"single,sentinel,cluster" help:"The Redis mode: single, sentinel or cluster."`
	Nodes       int           `default:"3" help:"How many scanlogin nodes to start."`
	Scenarios   int           `name:"scenarios" default:"200" help:"How many scenarios run at the same time."`
	Duration    time.Duration `default:"60s" help:"Approximate duration; the time without faults after the last one is always complete."`
	Seed        uint64        `help:"Repeats the random choices of an earlier run, as far as scheduling allows. 0: random."`
	Faults      string        `default:"all" help:"Kinds of faults, separated by commas."`
	First       string        `help:"Kinds that are injected first, in this order; the others follow in random order."`
	Scanlogin   string        `default:"bin/scanlogin" help:"The binary to test."`
	RedisServer string        `default:"redis-server" help:"The redis-server to start."`
	Keep        string        `placeholder:"DIR" help:"Keep configurations, logs, data and history in this new directory. Without it, they are kept only if guarantees were violated."`
	JSON        string        `name:"json" placeholder:"FILE" help:"Also write the report to this file, with the events of all violations."`
}

// Run performs one run.
func (c *runCommand) Run(ctx context.Context) error {
	kinds, err := faults.Choose(c.Faults, c.Redis)
	if err != nil {
		return err
	}
	if _, err := faults.Choose(c.First, c.Redis); c.First != "" && err != nil {
		return fmt.Errorf("first: %w", err)
	}
	if c.Seed == 0 {
		c.Seed = rand.Uint64()
	}
	fmt.Printf("seed %d, redis %s, %d nodes, %d concurrent scenarios, %v\n", c.Seed, c.Redis, c.Nodes, c.Scenarios, c.Duration)
	r, err := c.start(ctx)
	if err != nil {
		return err
	}
	err = r.runScenarios(ctx, kinds)
	r.cluster.Close()
	if err != nil {
		return fmt.Errorf("%w (see %s)", err, r.dir)
	}
	return r.check()
}

// check checks the history, and keeps all files if there are violations.
func (r *run) check() error {
	h := r.log.History()
	if err := h.Save(r.dir); err != nil {
		return err
	}
	out := newReport(h)
	out.Seed, out.Redis, out.Nodes, out.Scenarios = r.Seed, r.Redis, r.Nodes, r.ends
	if err := out.conclude(r.JSON); err != nil {
		return fmt.Errorf("%w (see %s)", err, r.dir)
	}
	if r.Keep == "" {
		return os.RemoveAll(r.dir)
	}
	return nil
}

type checkCommand struct {
	Dir  string `arg:"" type:"existingdir" help:"The directory that a run has kept."`
	JSON string `name:"json" placeholder:"FILE" help:"Also write the report to this file."`
}

// Run checks a history again.
func (c *checkCommand) Run() error {
	h, err := history.Load(c.Dir)
	if err != nil {
		return err
	}
	return newReport(h).conclude(c.JSON)
}

// run is one run.
type run struct {
	*runCommand
	dir         string
	cluster     *cluster.Cluster
	environment *actors.Environment
	log         *history.Log

	mu   sync.Mutex
	ends map[string]int // finished scenarios by their end
}

// Codes of the first pool outlive every scenario; many of the second expire.
var pools = []actors.Pool{
	newPool("patient", history.Lifetimes{Code: 2 * time.Minute, Confirm: time.Minute, Ticket: 5 * time.Minute}),
	newPool("hasty", history.Lifetimes{Code: 4 * time.Second, Confirm: 3 * time.Second, Ticket: 5 * time.Second}),
}

// maxCodes is how many codes a page of each pool shows before it asks its user.
const maxCodes = 6

// newPool returns a pool with a confidential and a public OAuth client.
func newPool(id string, terms history.Lifetimes) actors.Pool {
	terms.Request = maxCodes*terms.Code + terms.Confirm
	return actors.Pool{ID: id, Terms: terms, Clients: []actors.Client{
		{ID: id + "-portal", Secret: "the secret of the portal of " + id, RedirectURI: "https://portal.example.com/callback"},
		{ID: id + "-app", RedirectURI: "https://app.example.com/callback"},
	}}
}

func (c *runCommand) start(ctx context.Context) (*run, error) {
	r := &run{runCommand: c, dir: c.Keep, log: history.NewLog(), ends: make(map[string]int)}
	var err error
	if r.dir == "" {
		r.dir, err = os.MkdirTemp("", "scanchaos")
	} else {
		err = os.Mkdir(r.dir, 0o700) // an existing one could contain data of an earlier run
	}
	if err != nil {
		return nil, err
	}
	if r.cluster, err = cluster.Start(ctx, c.options(r.dir)); err != nil {
		return nil, fmt.Errorf("%w (see %s)", err, r.dir)
	}
	r.environment = c.newEnvironment(r)
	if r.environment.Transports, err = r.environment.Probe(ctx); err != nil {
		r.cluster.Close()
		return nil, err
	}
	fmt.Printf("transports: %q\n", r.environment.Transports)
	return r, nil
}

// options describe the cluster of a run.
func (c *runCommand) options(dir string) cluster.Options {
	o := cluster.Options{Mode: c.Redis, Nodes: c.Nodes, Scanlogin: c.Scanlogin, RedisServer: c.RedisServer, Dir: dir}
	for _, p := range pools {
		pool := cluster.Pool{ID: p.ID, CodeTTL: p.Terms.Code, ConfirmTTL: p.Terms.Confirm, TicketTTL: p.Terms.Ticket, MaxCodes: maxCodes}
		for _, c := range p.Clients {
			pool.Clients = append(pool.Clients, cluster.Client(c))
		}
		o.Pools = append(o.Pools, pool)
	}
	return o
}

// newEnvironment returns what the actors of a run share, without the transports.
func (c *runCommand) newEnvironment(r *run) *actors.Environment {
	env := &actors.Environment{
		Log: r.log, Pools: pools, UserKey: cluster.UserKey, SiteSecret: cluster.SiteSecret,
		TokenKey: r.cluster.TokenKey,
		Client: &http.Client{
			Transport:     &http.Transport{MaxIdleConnsPerHost: c.Scenarios},                             // phones and sites reuse connections
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // clients are not on this machine
		},
	}
	for _, n := range r.cluster.Nodes {
		env.Nodes = append(env.Nodes, n.URL)
	}
	return env
}
