package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/scanlogin/scanlogin/internal/process"
)

// The modes in which Redis runs.
const (
	ModeSingle   = "single"
	ModeSentinel = "sentinel"
	ModeCluster  = "cluster"
)

// Redis is the store of the nodes, in one of the modes.
type Redis struct {
	Mode      string
	Servers   []*Server // servers with data
	Sentinels []*Server
	URL       string // the redis_url setting of the nodes
}

// startRedis starts Redis. The caller must close the result, even after an error.
func startRedis(ctx context.Context, form, dir, path string) (*Redis, error) {
	r := &Redis{Mode: form}
	switch form {
	case ModeSingle:
		return r, r.startSingle(ctx, dir, path)
	case ModeSentinel:
		return r, r.startSentinel(ctx, dir, path)
	case ModeCluster:
		return r, r.startCluster(ctx, dir, path)
	}
	return r, errors.New("unknown Redis mode: " + form)
}

// add starts one more server with its proxy.
func (r *Redis) add(ctx context.Context, dir, path string, directives func(*Server) []string) error {
	s, err := newServer()
	if err != nil {
		return err
	}
	name := fmt.Sprint("redis", len(r.Servers))
	r.Servers = append(r.Servers, s)
	if err := s.configure(dir, name, path, slices.Concat(durable, directives(s))); err != nil {
		return err
	}
	return s.StartAndAwait(ctx)
}

func (r *Redis) startSingle(ctx context.Context, dir, path string) error {
	return r.add(ctx, dir, path, func(s *Server) []string {
		r.URL = fmt.Sprintf("redis://127.0.0.1:%d/0", s.Proxy.port())
		return nil
	})
}

// startSentinel starts a master, a replica and three Sentinels. Nodes, Sentinels
// and replicas all connect through the proxies, so that a frozen proxy looks like a
// server that is down.
func (r *Redis) startSentinel(ctx context.Context, dir, path string) error {
	for range 2 {
		if err := r.add(ctx, dir, path, func(s *Server) []string {
			lines := []string{
				"replica-announce-ip 127.0.0.1", fmt.Sprintf("replica-announce-port %d", s.Proxy.port()),
				"repl-diskless-sync-delay 0",
				"repl-timeout 4", "repl-ping-replica-period 1", // a replica with a silent link reconnects soon
			}
			if master := r.Servers[0]; s != master {
				lines = append(lines, fmt.Sprintf("replicaof 127.0.0.1 %d", master.Proxy.port()))
			}
			return lines
		}); err != nil {
			return err
		}
	}
	for i := range 3 {
		if err := r.addSentinel(ctx, i, dir, path); err != nil {
			return err
		}
	}
	at := func(i int) string { return r.Sentinels[i].addr() }
	r.URL = fmt.Sprintf("redis://%s?master_name=main&addr=%s&addr=%s", at(0), at(1), at(2))
	return r.Heal(ctx)
}

// addSentinel starts a Sentinel with short timeouts, so that a run has many
// failovers.
func (r *Redis) addSentinel(ctx context.Context, i int, dir, path string) error {
	port, err := process.FreePort()
	if err != nil {
		return err
	}
	s := &Server{port: port}
	r.Sentinels = append(r.Sentinels, s)
	if err := s.configure(dir, fmt.Sprint("sentinel", i), path, []string{
		fmt.Sprintf("sentinel monitor main 127.0.0.1 %d 2", r.Servers[0].Proxy.port()),
		"sentinel down-after-milliseconds main 1000",
		"sentinel failover-timeout main 6000",
	}, "--sentinel"); err != nil {
		return err
	}
	return s.StartAndAwait(ctx)
}

// startCluster starts three masters. They announce the proxies' ports to clients
// and connect to each other directly.
func (r *Redis) startCluster(ctx context.Context, dir, path string) error {
	for range 3 {
		if err := r.add(ctx, dir, path, func(s *Server) []string {
			return []string{
				"cluster-enabled yes", "cluster-node-timeout 2000", "cluster-announce-ip 127.0.0.1",
				fmt.Sprintf("cluster-announce-port %d", s.Proxy.port()), fmt.Sprintf("cluster-announce-bus-port %d", s.port+process.BusPort),
			}
		}); err != nil {
			return err
		}
	}
	for i, s := range r.Servers {
		for _, command := range [][]any{
			{"CLUSTER", "SET-CONFIG-EPOCH", i + 1},
			{"CLUSTER", "ADDSLOTSRANGE", i * 16384 / 3, (i+1)*16384/3 - 1},
			{"CLUSTER", "MEET", "127.0.0.1", r.Servers[0].port, r.Servers[0].port + process.BusPort},
		} {
			if _, err := s.Do(ctx, command...); err != nil {
				return err
			}
		}
	}
	at := func(i int) int { return r.Servers[i].Proxy.port() }
	r.URL = fmt.Sprintf("redis://127.0.0.1:%d?addr=127.0.0.1:%d&addr=127.0.0.1:%d", at(0), at(1), at(2))
	return r.Heal(ctx)
}

// Heal waits until Redis has recovered completely.
func (r *Redis) Heal(ctx context.Context) error {
	switch r.Mode {
	case ModeSentinel:
		return eventually(ctx, "there is one master with a replica, and the Sentinels agree", r.IsReplicated)
	case ModeCluster:
		return eventually(ctx, "the Redis Cluster is complete", func(ctx context.Context) bool {
			for _, s := range r.Servers {
				if !s.replyContains(ctx, []any{"CLUSTER", "INFO"}, "cluster_state:ok", "cluster_known_nodes:3", "cluster_slots_ok:16384") {
					return false
				}
			}
			return true
		})
	}
	return eventually(ctx, "Redis answers", func(ctx context.Context) bool {
		return r.Servers[0].replyContains(ctx, []any{"INFO", "persistence"}, "loading:0")
	})
}

// IsReplicated reports whether writes survive the loss of the master (Sentinel
// mode): the Sentinels agree on a master, and a replica is connected to it.
func (r *Redis) IsReplicated(ctx context.Context) bool {
	master := r.Master(ctx)
	replication := []any{"INFO", "replication"}
	if master < 0 || !r.Servers[master].replyContains(ctx, replication, "role:master", "state=online") ||
		!r.Servers[master].replyContains(ctx, replication, "lag=0") && !r.Servers[master].replyContains(ctx, replication, "lag=1") {
		return false
	}
	for i, s := range r.Servers {
		if i != master && !s.replyContains(ctx, []any{"INFO", "replication"}, "role:slave", "master_link_status:up") {
			return false
		}
	}
	for _, s := range r.Sentinels {
		if !s.replyContains(ctx, []any{"INFO", "sentinel"}, "name=main,status=ok", "slaves=1,sentinels=3") {
			return false
		}
	}
	return true
}

// Epoch returns the Sentinels' configuration epoch, which increases with each
// failover. It is "" if a Sentinel does not answer or if they do not agree.
func (r *Redis) Epoch(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	found := ""
	for i, s := range r.Sentinels {
		answer, err := s.Do(ctx, "SENTINEL", "MASTER", "main")
		fields, _ := answer.([]any)
		at := slices.Index(fields, any("config-epoch"))
		if err != nil || at < 0 || at+1 >= len(fields) {
			return ""
		}
		epoch := fmt.Sprint(fields[at+1])
		if i > 0 && epoch != found {
			return ""
		}
		found = epoch
	}
	return found
}

// Master returns the index of the server that all Sentinels report as the master,
// -1 if they do not agree.
func (r *Redis) Master(ctx context.Context) int {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	found := -1
	for i, s := range r.Sentinels {
		answer, err := s.Do(ctx, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main")
		parts, _ := answer.([]any)
		if err != nil || len(parts) != 2 {
			return -1
		}
		at := slices.IndexFunc(r.Servers, func(s *Server) bool { return fmt.Sprint(s.Proxy.port()) == parts[1] })
		if i > 0 && at != found {
			return -1
		}
		found = at
	}
	return found
}

func (r *Redis) close() {
	for _, s := range slices.Concat(r.Sentinels, r.Servers) {
		s.close()
	}
}

// eventually waits until a condition that depends on several processes holds.
func eventually(ctx context.Context, what string, ok func(context.Context) bool) error {
	ctx, cancel := context.WithTimeout(ctx, 2*timeout)
	defer cancel()
	for !ok(ctx) {
		select {
		case <-ctx.Done():
			return errors.New("did not happen in time: " + what)
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}
