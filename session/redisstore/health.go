package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/scanlogin/scanlogin/session"
)

const (
	// probeLife is how long what Check stores stays: longer than the call.
	probeLife = 5 * time.Second
	// probeTries is how many places of a Cluster Check tries: one master without
	// its replicas must not make each node not ready in turn.
	probeTries = 3
)

// Check implements [session.Checker]: it stores and announces a record by the
// script of a step, on a key of its own that ends after 5 s. On a Cluster it
// succeeds if one of three random places takes it.
func (s *Store) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, CallTimeout)
	defer cancel()
	tries := 1
	if _, ok := s.client.(*redis.ClusterClient); ok {
		tries = probeTries
	}
	var err error
	for range tries {
		if err = s.probe(ctx); err == nil {
			return nil
		}
	}
	return err
}

func (s *Store) probe(ctx context.Context) error {
	op := session.NewOpID()
	end := millis(s.Now().Add(probeLife))
	_, err := bounded(ctx, s, func(ctx context.Context) (string, error) {
		return s.runSwap(ctx, false, s.prefix+":{check:"+string(op)+"}", 1, string(op), end, "", end, "")
	})
	var reply redis.Error
	switch {
	case err == nil:
		return nil
	case isFull(err):
		return fmt.Errorf("probe in redis: %w: %w", session.ErrFull, err)
	case errors.As(err, &reply):
		return fmt.Errorf("probe in redis: %w: %w", session.ErrRefused, err)
	}
	return fmt.Errorf("probe in redis: %w", err)
}

// isFull reports whether Redis said that it has reached maxmemory. Redis 6.2 puts
// other words before it when a script is told.
func isFull(err error) bool {
	return err != nil && strings.Contains(err.Error(), "OOM command not allowed")
}

// Usage implements [session.UsageReporter] by INFO memory, of each master on a
// Cluster: used_memory without what Redis itself does not count
// (mem_not_counted_for_evict), and maxmemory or Options.MaxBytes, whichever is
// less.
func (s *Store) Usage(ctx context.Context) (session.Usage, error) {
	ctx, cancel := context.WithTimeout(ctx, CallTimeout)
	defer cancel()
	usage, err := bounded(ctx, s, func(ctx context.Context) (session.Usage, error) {
		cluster, ok := s.client.(*redis.ClusterClient)
		if !ok {
			return s.usageOf(ctx, s.client)
		}
		var mu sync.Mutex
		var fullest session.Usage
		err := cluster.ForEachMaster(ctx, func(ctx context.Context, master *redis.Client) error {
			usage, err := s.usageOf(ctx, master)
			mu.Lock()
			defer mu.Unlock()
			if err == nil && (fullest == session.Usage{} || usage.Ratio() > fullest.Ratio()) {
				fullest = usage
			}
			return err
		})
		return fullest, err
	})
	switch {
	case err == nil:
		return usage, nil
	case redis.HasErrorPrefix(err, "NOPERM"):
		return session.Usage{}, fmt.Errorf("usage of redis: %w: %w", session.ErrRefused, err)
	}
	return session.Usage{}, fmt.Errorf("usage of redis: %w", err)
}

func (s *Store) usageOf(ctx context.Context, node redis.Cmdable) (session.Usage, error) {
	text, err := node.Info(ctx, "memory").Result()
	if err != nil {
		return session.Usage{}, err
	}
	used, found := infoField(text, "used_memory")
	if !found {
		return session.Usage{}, errors.New("INFO memory has no used_memory")
	}
	uncounted, _ := infoField(text, "mem_not_counted_for_evict")
	bound, _ := infoField(text, "maxmemory")
	if s.maxBytes > 0 && (bound <= 0 || s.maxBytes < bound) {
		bound = s.maxBytes
	}
	return session.Usage{Used: max(0, used-uncounted), Max: bound}, nil
}

// infoField returns a number of INFO's answer.
func infoField(text, name string) (int64, bool) {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
