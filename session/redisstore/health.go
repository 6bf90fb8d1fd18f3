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

	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/session"
)

const (
	// probeTTL is how long the record that Check stores is kept: longer than the call.
	probeTTL = 5 * time.Second
	// probeTries is the number of keys that Check tries in a Cluster: one master
	// without its replicas must not make every node report that it is not ready.
	probeTries = 3
)

// Check implements [session.Checker]: it stores and announces a record with the script
// that creates codes, under a key of its own that expires after 5 s. In a Cluster it succeeds
// if one of three random slots accepts the record.
func (s *Store) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, redisclient.CallTimeout)
	defer cancel()
	tries := 1
	if _, ok := s.client.UniversalClient.(*redis.ClusterClient); ok {
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
	end := redisclient.CeilMillis(s.Now().Add(probeTTL))
	_, err := redisclient.Call(ctx, s.client, func(ctx context.Context) (answer, error) {
		return s.run(ctx, s.create, s.client.Key("{check:"+string(op)+"}"), string(op), "{}", "", "", end, "")
	})
	var reply redis.Error
	switch {
	case err == nil:
		return nil
	case isFull(err):
		return fmt.Errorf("test write to redis: %w: %w", session.ErrFull, err)
	case errors.As(err, &reply):
		return fmt.Errorf("test write to redis: %w: %w", session.ErrRefused, err)
	}
	return fmt.Errorf("test write to redis: %w", err)
}

// isFull reports whether Redis has reached maxmemory. For scripts, Redis 6.2 puts other
// words before this text.
func isFull(err error) bool {
	return err != nil && strings.Contains(err.Error(), "OOM command not allowed")
}

// Usage implements [session.Measured] with INFO memory, in a Cluster of each master:
// used_memory minus mem_not_counted_for_evict, and the lower of maxmemory and
// Options.MaxBytes.
func (s *Store) Usage(ctx context.Context) (session.Usage, error) {
	usage, err := redisclient.Call(ctx, s.client, func(ctx context.Context) (session.Usage, error) {
		cluster, ok := s.client.UniversalClient.(*redis.ClusterClient)
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
		return session.Usage{}, fmt.Errorf("read memory usage of redis: %w: %w", session.ErrRefused, err)
	}
	return session.Usage{}, fmt.Errorf("read memory usage of redis: %w", err)
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
	maximum, _ := infoField(text, "maxmemory")
	if s.maxBytes > 0 && (maximum <= 0 || s.maxBytes < maximum) {
		maximum = s.maxBytes
	}
	return session.Usage{Used: max(0, used-uncounted), Max: maximum}, nil
}

// infoField returns a numeric field of INFO's answer.
func infoField(text, name string) (int64, bool) {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
