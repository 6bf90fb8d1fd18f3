package kv_test

import (
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/kv/kvtest"
	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/internal/redistest"
)

func openRedis(t testing.TB, url string) *kv.Redis {
	return kv.NewRedis(redistest.Open(t, redisclient.Options{URL: url, Prefix: "test"}))
}

func TestRedisConformance(t *testing.T) {
	t.Parallel()
	redistest.RunOnEach(t, map[string]func(*testing.T) redistest.Deployment{
		"Single":                redistest.StartSingle,
		"LeastRightsOnACluster": redistest.StartRestrictedCluster("with a `console`, with `clients` or with `typed_codes`"),
	}, func(t *testing.T, d redistest.Deployment) {
		kvtest.Run(t, func(t *testing.T) (a, b kv.Store) { return openRedis(t, d.URL), openRedis(t, d.URL) })
	})
}

func TestHashesExpireAndDocumentsDoNot(t *testing.T) {
	server := redistest.Start(t)
	store := openRedis(t, server.URL())
	if err := store.Put(t.Context(), "hash", "x", "1", time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Swap(t.Context(), "doc", 1, "text"); err != nil {
		t.Fatal(err)
	}
	keys := server.Do("KEYS", "*").([]any)
	if len(keys) != 2 {
		t.Errorf("keys: %v", keys)
	}
	for _, key := range keys {
		stays := server.Do("PTTL", key) == int64(-1)
		if want := key == "test:doc"; stays != want {
			t.Errorf("%v has no expiry: %v, want %v", key, stays, want)
		}
	}
}

func TestInvalidRecordsCountAsMissing(t *testing.T) {
	server := redistest.Start(t)
	store := openRedis(t, server.URL())
	server.Do("SET", "test:hash", "x")
	server.Do("HSET", "test:doc", "version", "many", "text", "y")
	if got, err := store.Get(t.Context(), "hash"); err != nil || len(got[0]) != 0 {
		t.Errorf("%v, %v", got, err)
	}
	if doc, err := store.Load(t.Context(), "doc", kv.Document{Version: 7}); err != nil || doc.Version != 0 {
		t.Errorf("%+v, %v", doc, err)
	}
	if _, err := store.Swap(t.Context(), "doc", 1, "repaired"); err != nil {
		t.Error(err)
	}
}

func TestEachVersionOfADocumentIsAnnouncedOnItsKey(t *testing.T) {
	server := redistest.Start(t)
	client := redistest.Open(t, redisclient.Options{URL: server.URL(), Prefix: "test"})
	pubsub := client.Subscribe(t.Context(), "test:doc")
	defer pubsub.Close()
	if _, err := pubsub.ReceiveTimeout(t.Context(), 20*time.Second); err != nil { // the acknowledgement
		t.Fatal(err)
	}
	store := kv.NewRedis(client)
	for version, want := range []string{"1", "2"} {
		if _, err := store.Swap(t.Context(), "doc", int64(version+1), "text"); err != nil {
			t.Fatal(err)
		}
		got, err := pubsub.ReceiveTimeout(t.Context(), 20*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if message, ok := got.(*redis.Message); !ok || message.Payload != want {
			t.Errorf("announced %v, want %s", got, want)
		}
	}
}

func TestTheConsoleNeedsTheDocumentedRights(t *testing.T) {
	server := redistest.Start(t)
	useEverything := func() error {
		server.Do("FLUSHALL")
		server.Do("SCRIPT", "FLUSH")
		client, err := redisclient.Open(redisclient.Options{URL: "redis://" + redistest.AppUser + server.Addr(), Prefix: "test"})
		if err != nil {
			return err
		}
		defer client.Close()
		store := kv.NewRedis(client)
		if err := store.Put(t.Context(), "hash", "x", "1", time.Now().Add(time.Minute)); err != nil {
			return err
		}
		if _, err := store.Get(t.Context(), "hash"); err != nil {
			return err
		}
		if _, _, err := store.Change(t.Context(), "hash", kv.Change{Set: map[string]string{"x": "2"}, Expiry: time.Now().Add(time.Minute)}); err != nil {
			return err
		}
		if _, err := store.Swap(t.Context(), "doc", 1, "text"); err != nil {
			return err
		}
		_, err = store.Load(t.Context(), "doc", kv.Document{})
		return err
	}
	server.Allow(redistest.LeastRights(t, "with a `console`, with `clients` or with `typed_codes`"))
	if err := useEverything(); err != nil {
		t.Errorf("with all rights: %v", err)
	}
	server.Allow(redistest.LeastRights(t))
	if err := useEverything(); err == nil || !strings.Contains(err.Error(), "NOPERM") {
		t.Errorf("without the console's rights: %v", err)
	}
}

func TestADurableChangeWaitsForReplicas(t *testing.T) {
	master := redistest.Start(t)
	replica := redistest.StartReplica(t, master)
	store := kv.NewRedis(redistest.Open(t, redisclient.Options{URL: master.URL(), Prefix: "test", WaitReplicas: 1}))
	set := func(value string, durable bool) (bool, error) {
		_, done, err := store.Change(t.Context(), "hash", kv.Change{
			If: map[string]string{"refused": ""}, Set: map[string]string{"x": value}, Expiry: time.Now().Add(time.Minute), Durable: durable,
		})
		return done, err
	}
	redistest.Eventually(t, 20*time.Second, "the replica acknowledges a change", func() bool {
		done, err := set("1", true)
		return err == nil && done
	})
	replica.Stop()
	if done, err := set("2", false); err != nil || !done {
		t.Errorf("a change that is not durable: %v, %v", done, err)
	}
	if _, err := set("3", true); err == nil || !strings.Contains(err.Error(), "replicas") {
		t.Errorf("without a replica: %v", err)
	}
	if got := master.Do("HGET", "test:hash", "x"); got != "3" {
		t.Errorf("the change was not done: %v", got)
	}
	master.Do("HSET", "test:hash", "refused", "1")
	if done, err := set("4", true); err != nil || done {
		t.Errorf("a change that is refused: %v, %v", done, err)
	}
	replica.Continue()
}

func TestHashesAreDeletedByTheValueOfAField(t *testing.T) {
	t.Parallel()
	redistest.RunOnEach(t, map[string]func(*testing.T) redistest.Deployment{
		"Single":  redistest.StartSingle,
		"Cluster": redistest.StartRestrictedCluster("with a `console`, with `clients` or with `typed_codes`", "with `scanlogin forget`"),
	}, func(t *testing.T, d redistest.Deployment) {
		store := openRedis(t, d.URL)
		put := func(name, field, value string) {
			t.Helper()
			if err := store.Put(t.Context(), name, field, value, time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
		}
		all := []string{"login:1", "login:2", "login:3", "login:4", "other:1"}
		for i, value := range []string{"alice", "bob", "alice", "", "alice"} {
			put(all[i], "owner", value)
		}
		if n, err := store.DeleteWhere(t.Context(), kv.Selection{Names: "login:*", Field: "owner", Value: "alice"}); n != 2 || err != nil {
			t.Errorf("%d deleted, %v", n, err)
		}
		if n, err := store.DeleteWhere(t.Context(), kv.Selection{Names: "login:*", Field: "owner"}); n != 0 || err != nil {
			t.Errorf("without a value: %d deleted, %v", n, err)
		}
		got, err := store.Get(t.Context(), all...)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []int{0, 1, 0, 1, 1} {
			if len(got[i]) != want {
				t.Errorf("%s: %v", all[i], got[i])
			}
		}
	})
}
