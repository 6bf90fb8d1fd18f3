package queue_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/internal/webhook/queue"
	"github.com/scanlogin/scanlogin/internal/webhook/queue/queuetest"
)

func openRedis(t testing.TB, url string) *queue.Redis {
	return queue.NewRedis(redistest.Open(t, redisclient.Options{URL: url, Prefix: "test"}))
}

func TestRedisConformance(t *testing.T) {
	t.Parallel()
	redistest.RunOnEach(t, map[string]func(*testing.T) redistest.Deployment{
		"Single":                redistest.StartSingle,
		"LeastRightsOnACluster": redistest.StartRestrictedCluster("with webhooks"),
	}, func(t *testing.T, d redistest.Deployment) {
		queuetest.Run(t, func(t *testing.T) (a, b queue.Queue) { return openRedis(t, d.URL), openRedis(t, d.URL) })
	})
}

func TestEachDocumentedRightIsNeeded(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	base, additional := redistest.LeastRights(t), redistest.RightsFor(t, "with webhooks")
	for i := range additional {
		server.Allow(append(slices.Clone(base), slices.Delete(slices.Clone(additional), i, i+1)...))
		if err := useEverything(t, server); err == nil {
			t.Errorf("%s is not needed", additional[i])
		}
	}
	server.Allow(append(base, additional...))
	if err := useEverything(t, server); err != nil {
		t.Errorf("with all rights: %v", err)
	}
}

// useEverything does everything that a queue does, and returns the first refusal.
func useEverything(t *testing.T, server *redistest.Server) error {
	server.Do("SCRIPT", "FLUSH")
	server.Do("FLUSHALL")
	ctx, q := t.Context(), openRedis(t, "redis://"+redistest.AppUser+server.Addr())
	lane := queue.Lane{Name: "lane", MaxLen: 10, TTL: time.Minute}
	if err := q.Add(ctx, lane, "entry"); err != nil {
		return err
	}
	entries, err := q.Take(ctx, lane, 1, time.Minute)
	if err != nil {
		return err
	}
	id := entries[0].ID
	_, err = q.List(ctx, lane, 1)
	return cmp.Or(err, q.Hold(ctx, lane, time.Minute, id), q.Done(ctx, lane, id))
}
