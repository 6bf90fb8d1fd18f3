package redisstore_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/ratelimit"
	"github.com/scanlogin/scanlogin/internal/ratelimit/ratelimittest"
	"github.com/scanlogin/scanlogin/internal/redistest"
)

func TestRedisKeepsTheTally(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*testing.T) (url string, masters []*redistest.Server){
		"Single": func(t *testing.T) (string, []*redistest.Server) {
			server := redistest.Start(t)
			return server.URL(), []*redistest.Server{server}
		},
		"LeastRightsOverAUnixSocket": func(t *testing.T) (string, []*redistest.Server) {
			socket := filepath.Join(t.TempDir(), "s")
			server := redistest.Start(t, "--unixsocket", socket)
			allow(server, leastRights(t))
			return "unix://" + appUser + socket, []*redistest.Server{server}
		},
		"LeastRightsOnACluster": func(t *testing.T) (string, []*redistest.Server) {
			c := startCluster(t)
			for _, node := range c {
				allow(node, leastRights(t, "on a Cluster"))
			}
			return c.url(appUser), c
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, masters := start(t)
			ratelimittest.Run(t, func(t *testing.T) ratelimittest.Storage {
				return ratelimittest.Storage{A: open(t, url).Tally(), B: open(t, url).Tally(), Life: func(key string) time.Duration {
					return lifeOfTally(masters, key)
				}}
			})
		})
	}
}

// lifeOfTally asks the master that has the key; of several, others redirect.
func lifeOfTally(masters []*redistest.Server, key string) time.Duration {
	at := 0
	if len(masters) > 1 {
		slot := masters[0].Do("CLUSTER", "KEYSLOT", "test:tally:"+key).(int64)
		at = int(slot) * len(masters) / slots
	}
	ms := masters[at].Do("PTTL", "test:tally:"+key).(int64)
	if ms == -2 { // no such key
		return 0
	}
	return time.Duration(ms) * time.Millisecond
}

func TestANewRedisLearnsTheTallysScripts(t *testing.T) {
	server := redistest.Start(t)
	on := open(t, server.URL()).Tally()
	for range 2 {
		answers, err := on.Do(t.Context(), ratelimit.Take("a", ratelimit.Limit{Most: 2, Over: time.Hour}), ratelimit.Note("b", time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		t.Log(answers)
		server.Do("SCRIPT", "FLUSH")
	}
	answers, err := on.Do(t.Context(), ratelimit.Take("a", ratelimit.Limit{Most: 2, Over: time.Hour}), ratelimit.Noted("b"))
	if err != nil || answers[0].Wait == 0 || answers[1].Count != 2 {
		t.Errorf("%v, error %v", answers, err)
	}
	server.Do("SCRIPT", "FLUSH")
	answers, err = on.Do(t.Context(), ratelimit.Note("b", time.Hour), ratelimit.Forget("b"), ratelimit.Noted("b"))
	if err != nil || answers[2].Count != 0 {
		t.Errorf("noted and forgotten: %v, error %v", answers, err)
	}
}

var scriptTime = regexp.MustCompile(`cmdstat_evalsha:calls=(\d+),usec=(\d+)`)

// BenchmarkTally is what the limits of one changing call cost: a take each for
// user, address and pool in one round trip. Its own figure is how long Redis
// is busy with them.
func BenchmarkTally(b *testing.B) {
	server := redistest.Start(b)
	on := open(b, server.URL()).Tally()
	limit := ratelimit.Limit{Most: 1000, Over: 10 * time.Second}
	call := func(i int) error {
		_, err := on.Do(b.Context(), ratelimit.Take("user"+strconv.Itoa(i%10_000), limit),
			ratelimit.Take("address"+strconv.Itoa(i%100), limit), ratelimit.Take("pool", ratelimit.Limit{Most: 1e7, Over: time.Minute}))
		return err
	}
	if err := call(0); err != nil {
		b.Fatal(err)
	}
	server.Do("CONFIG", "RESETSTAT")
	for i := 0; b.Loop(); i++ {
		if err := call(i); err != nil {
			b.Fatal(err)
		}
	}
	found := scriptTime.FindStringSubmatch(fmt.Sprint(server.Do("INFO", "commandstats")))
	if found == nil {
		b.Fatal("no figures of scripts")
	}
	busy, _ := strconv.ParseFloat(found[2], 64)
	b.ReportMetric(busy/float64(b.N), "redis-µs/op")
}
