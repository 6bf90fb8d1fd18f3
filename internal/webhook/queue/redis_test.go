package redisstore_test

import (
	"testing"

	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/internal/webhook/queue"
	"github.com/scanlogin/scanlogin/internal/webhook/queue/queuetest"
)

func TestRedisQueueKeepsTheLaw(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*testing.T) (url string){
		"Single": func(t *testing.T) string { return redistest.Start(t).URL() },
		"LeastRightsOnACluster": func(t *testing.T) string {
			c := startCluster(t)
			for _, node := range c {
				allow(node, leastRights(t, "on a Cluster", "with webhooks"))
			}
			return c.url(appUser)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := start(t)
			queuetest.Run(t, func(t *testing.T) (a, b queue.Queue) {
				return open(t, url).Queue(), open(t, url).Queue()
			})
		})
	}
}
