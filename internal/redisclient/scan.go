package redisclient

import (
	"context"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// scanCount is the number of keys that Redis examines per command: it is busy for less
// than a millisecond.
const scanCount = 1000

// ScanAll calls use with the keys <prefix>:<pattern>, some at a time, where pattern is a glob
// pattern of Redis. On a Cluster these are the keys of all masters. It returns the first
// error. A key that exists during the whole scan is passed at least once, others may be.
func (c *Client) ScanAll(ctx context.Context, pattern string, use func(keys []string) error) error {
	pattern = globs.Replace(c.prefix) + ":" + pattern
	cluster, ok := c.UniversalClient.(*redis.ClusterClient)
	if !ok {
		return c.scanNode(ctx, c.UniversalClient, pattern, use)
	}
	var mu sync.Mutex // masters are scanned in parallel
	return cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
		return c.scanNode(ctx, node, pattern, func(keys []string) error {
			mu.Lock()
			defer mu.Unlock()
			return use(keys)
		})
	})
}

// globs quotes the special characters of a glob pattern.
var globs = strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "]", `\]`)

// scanNode scans the keys of one node. Each command has a deadline of its own.
func (c *Client) scanNode(ctx context.Context, node redis.Cmdable, pattern string, use func(keys []string) error) error {
	for cursor := uint64(0); ; {
		next, err := Call(ctx, c, func(ctx context.Context) (page, error) {
			keys, cursor, err := node.Scan(ctx, cursor, pattern, scanCount).Result()
			return page{keys, cursor}, err
		})
		if err != nil {
			return err
		}
		if len(next.keys) > 0 {
			if err := use(next.keys); err != nil {
				return err
			}
		}
		if cursor = next.cursor; cursor == 0 {
			return nil
		}
	}
}

// page is the answer to one SCAN.
type page struct {
	keys   []string
	cursor uint64 // 0: it was the last page
}
