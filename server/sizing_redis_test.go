package server_test

import (
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/ratelimit"
	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/internal/webhook/queue"
	"github.com/scanlogin/scanlogin/server"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/memstore"
	"github.com/scanlogin/scanlogin/session/redisstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

// usedMemory returns the memory that Redis uses, in bytes.
func usedMemory(t testing.TB, redis *redistest.Server) int64 {
	t.Helper()
	text, _ := redis.Do("INFO", "memory").(string)
	match := regexp.MustCompile(`(?m)^used_memory:(\d+)`).FindStringSubmatch(text)
	if match == nil {
		t.Fatal("INFO memory has no used_memory")
	}
	n, _ := strconv.ParseInt(match[1], 10, 64)
	return n
}

// geneWithLongestTexts requests a code with the longest accepted texts, made of characters
// that JSON escapes, from a new address and network.
func (n *node) geneWithLongestTexts(i int) answer {
	return n.callWith(unvalidated, "POST", "/gene", `{"userPoolId":"`+longPool+`","customData":{"a":"`+strings.Repeat(`\"`, 252)+`"},`+
		`"codeChallengeMethod":"S256","codeChallenge":"`+strings.Repeat("c", 43)+`"}`,
		"User-Agent", strings.Repeat(`"`, 600), "X-Forwarded-For", fmt.Sprintf("2001:db8:%x:1234:1234:1234:1234:1234", i),
		"Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
}

var longPool = strings.Repeat("p", 64)

// TestTheDefaultLimitsFitIntoTheComposeFilesRedis measures the maximum memory of an
// unscanned code with its counters. The codes that one pool may have by default must use less than
// 80 % of the memory of the Redis in docker-compose.yml, from where codes are refused.
func TestTheDefaultLimitsFitIntoTheComposeFilesRedis(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	client := redistest.Open(t, redisclient.Options{URL: redis.URL(), Prefix: "scanlogin"})
	st := redisstore.New(client, redisstore.Options{})
	n := start(t, sessiontest.Node{Store: st, Bus: st.Bus()}, func(o *server.Options) {
		o.Counts = patientStore{ratelimit.NewRedis(client)}
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	}, newPool(t, func(p *pool.Pool) { p.ID = longPool }))
	n.geneWithLongestTexts(0).ok() // loads scripts and opens connections
	const codes = 500
	keys := func() int64 { size, _ := redis.Do("DBSIZE").(int64); return size }
	eventually(t, "what was counted is stored", func() bool { return keys() >= 2 }) // the code and the note; ordinary use of allowances is not stored
	before, first := usedMemory(t, redis), keys()
	for i := range codes {
		eventually(t, "a code is created", func() bool { // a Redis that is slow because the machine is busy may refuse one
			a := n.geneWithLongestTexts(i + 1)
			return a.code != 1000 && a.ok() != nil
		})
	}
	n.stop() // sends the last counters
	made := (usedMemory(t, redis) - before) / codes
	each := float64(keys()-first) / codes

	note, code := int64(0), int64(0)
	for _, key := range redis.Do("KEYS", "*").([]any) {
		name := key.(string)
		size, _ := redis.Do("MEMORY", "USAGE", name).(int64)
		ttl, _ := redis.Do("PTTL", name).(int64)
		switch {
		case !strings.Contains(name, ":tally:"):
			code = max(code, size)
		case ttl > (5 * time.Minute).Milliseconds(): // the recent codes of an address
			note = max(note, size)
		}
	}
	entry := streamEntry(t, client, redis)
	if code == 0 || note == 0 || entry <= 0 {
		t.Fatalf("not measured: code %d, note %d, entry %d", code, note, entry)
	}

	// A limit of n codes per two minutes: n at once, and n in each two minutes after that. A code is
	// stored for its lifetime and session.Retention, the counters of an address for 20 minutes.
	most := float64(login.DefaultLimits().CodesPerPool)
	within := func(d time.Duration) float64 { return most * (1 + float64(d)/float64(2*time.Minute)) }
	open := within(pool.DefaultCodeTTL + session.Retention)
	noted := within(20*time.Minute) - open
	need := open*float64(made+entry) + noted*float64(note)
	have := composeMemory(t)
	t.Logf("a code takes %d bytes (MEMORY USAGE), with what is counted %d in %.1f keys, %d in a webhook's queue; a note %d; %.0f codes and %.0f notes are %.0f MB of %d MB",
		code, made, each, entry, note, open, noted, need/1e6, have/1e6)
	if need > 0.8*float64(have) {
		t.Errorf("%.0f MB may be needed for one pool, 80 %% of docker-compose.yml's maxmemory is %.0f MB", need/1e6, 0.8*float64(have)/1e6)
	}
}

// streamEntry returns the memory of a code's entry in the webhook queue, in bytes.
func streamEntry(t *testing.T, client *redisclient.Client, redis *redistest.Server) int64 {
	t.Helper()
	const entries = 2_000
	lane, q := queue.Lane{Name: "sizing", MaxLen: 10_000, TTL: time.Minute}, queue.NewRedis(client)
	for range entries {
		if err := q.Add(t.Context(), lane, string(session.NewID())); err != nil {
			t.Fatal(err)
		}
	}
	keys, _ := redis.Do("KEYS", "*sizing*").([]any)
	if len(keys) != 1 {
		t.Fatalf("the queue has the keys %v", keys)
	}
	size, _ := redis.Do("MEMORY", "USAGE", keys[0].(string), "SAMPLES", "0").(int64)
	return size / entries
}

// composeMemory returns the maxmemory of the Redis in docker-compose.yml, in bytes.
func composeMemory(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile("../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile(`- --maxmemory\n\s+- (\d+)mb\b`).FindSubmatch(text)
	if match == nil {
		t.Fatal("docker-compose.yml has no --maxmemory in mb")
	}
	n, _ := strconv.ParseInt(string(match[1]), 10, 64)
	return n << 20
}

// TestTheDefaultLimitsFitIntoAProcess does the same for a node without Redis.
func TestTheDefaultLimitsFitIntoAProcess(t *testing.T) {
	st := memstore.New()
	n := start(t, sessiontest.Node{Store: st, Bus: st.Bus()}, nil, newPool(t, func(p *pool.Pool) { p.ID = longPool }))
	n.geneWithLongestTexts(0).ok()
	usage, err := st.Usage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	open := float64(login.DefaultLimits().CodesPerPool) * (1 + float64(pool.DefaultCodeTTL+session.Retention)/float64(2*time.Minute))
	t.Logf("a code is estimated as %d bytes: %.0f of them are %.0f MB of %d MB", usage.Used, open, open*float64(usage.Used)/1e6, usage.Max/1e6)
	if need := open * float64(usage.Used); need > 0.8*float64(usage.Max) {
		t.Errorf("%.0f MB may be needed for one pool, 80 %% of the store is %.0f MB", need/1e6, 0.8*float64(usage.Max)/1e6)
	}
}
