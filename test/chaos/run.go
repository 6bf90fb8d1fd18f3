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
	{ID: "patient", Terms: history.Lifetimes{Code: 2 * time.Minute, Confirm: time.Minute, Ticket: 5 * time.Minute}},
	{ID: "hasty", Terms: history.Lifetimes{Code: 4 * time.Second, Confirm: 3 * time.Second, Ticket: 5 * time.Second}},
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
	o := cluster.Options{Mode: c.Redis, Nodes: c.Nodes, Scanlogin: c.Scanlogin, RedisServer: c.RedisServer, Dir: r.dir}
	for _, p := range pools {
		o.Pools = append(o.Pools, cluster.Pool{ID: p.ID, CodeTTL: p.Terms.Code, ConfirmTTL: p.Terms.Confirm, TicketTTL: p.Terms.Ticket, MaxCodes: 6})
	}
	if r.cluster, err = cluster.Start(ctx, o); err != nil {
		return nil, fmt.Errorf("%w (see %s)", err, r.dir)
	}
	r.environment = &actors.Environment{
		Log: r.log, Pools: pools, UserKey: cluster.UserKey, SiteSecret: cluster.SiteSecret,
		Client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: c.Scenarios}}, // phones and sites reuse connections
	}
	for _, n := range r.cluster.Nodes {
		r.environment.Nodes = append(r.environment.Nodes, n.URL)
	}
	if r.environment.Transports, err = r.environment.Probe(ctx); err != nil {
		r.cluster.Close()
		return nil, err
	}
	fmt.Printf("transports: %q\n", r.environment.Transports)
	return r, nil
}
