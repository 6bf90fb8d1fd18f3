package server_test

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/ratelimit"
	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/server"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/memstore"
	"github.com/scanlogin/scanlogin/session/redisstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

// readCounter counts the batches that read something, which a caller waits for. All others are
// written after the answer.
type readCounter struct {
	ratelimit.Store
	mu    sync.Mutex
	reads int
}

func (a *readCounter) Do(ctx context.Context, ops ...ratelimit.Op) ([]ratelimit.Result, error) {
	a.mu.Lock()
	for _, op := range ops {
		if op.Kind == ratelimit.KindCount || op == ratelimit.Peek(op.Key) {
			a.reads++
			break
		}
	}
	a.mu.Unlock()
	return a.Store.Do(ctx, ops...)
}

func (a *readCounter) takeReads() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := a.reads
	a.reads = 0
	return n
}

// callsOf returns how often Redis ran these commands, for clients or scripts.
func callsOf(redis *redistest.Server, commands ...string) (calls int) {
	text, _ := redis.Do("INFO", "commandstats").(string)
	for line := range strings.Lines(text) {
		for _, c := range commands {
			if rest, ok := strings.CutPrefix(line, "cmdstat_"+c+":calls="); ok {
				n, _ := strconv.Atoi(rest[:strings.IndexByte(rest, ',')])
				calls += n
			}
		}
	}
	return calls
}

// TestTheOnlyPoolNeedNotBeNamed counts as TestAStepIsOneCallToRedis does.
func TestTheOnlyPoolNeedNotBeNamed(t *testing.T) {
	redis := redistest.Start(t)
	st := redisstore.New(redistest.Open(t, redisclient.Options{URL: redis.URL(), Prefix: "test"}), redisstore.Options{})
	n := start(t, sessiontest.Node{Store: st, Bus: st.Bus()}, func(o *server.Options) {
		o.Counts = patientStore{ratelimit.NewMemory()}
	}, newPool(t, nil))
	n.confirmed("p1") // Redis knows the scripts now
	c := n.gene("p1")
	for _, step := range []string{"scanned", "confirm"} {
		n.srv.Settled(t.Context())
		before := callsOf(redis, "evalsha", "eval")
		n.phone(step, c.random, "alice").ok()
		if got := callsOf(redis, "evalsha", "eval") - before; got != 1 {
			t.Errorf("%s: %d scripts", step, got)
		}
	}
}

// TestAStepIsOneCallToRedis counts the scripts that Redis runs for each step, with pages that
// have the browser cookie and phones that name their pool. No page waits, so the bus, which
// would read the codes of pages now and then, reads nothing. What is counted and remembered
// goes to another store.
func TestAStepIsOneCallToRedis(t *testing.T) {
	redis := redistest.Start(t)
	counts := &readCounter{Store: patientStore{ratelimit.NewMemory()}}
	st := redisstore.New(redistest.Open(t, redisclient.Options{URL: redis.URL(), Prefix: "test"}), redisstore.Options{})
	n := start(t, sessiontest.Node{Store: st, Bus: st.Bus()}, func(o *server.Options) { o.Counts = counts }, newPool(t, nil), newPool(t, func(p *pool.Pool) {
		p.ID, p.AppIDs, p.Match = "digits", nil, session.MatchDigits
	}))
	step := func(step, poolID, random string, more ...string) answer {
		body := map[string]any{"random": random, "userPoolId": poolID}
		if len(more) > 0 {
			body["matchCode"] = more[0]
		}
		return n.call("POST", "/"+step, body, "Authorization", "Bearer "+userToken(n, "alice"))
	}
	count := func(what string, scripts, reads int, do func() answer) map[string]any {
		t.Helper()
		n.srv.Settled(t.Context())
		counts.takeReads()
		before := callsOf(redis, "evalsha", "eval")
		data := do().ok()
		if got := callsOf(redis, "evalsha", "eval") - before; got != scripts {
			t.Errorf("%s: %d scripts, want %d", what, got, scripts)
		}
		if got := counts.takeReads(); got != reads {
			t.Errorf("%s: waited for the counts %d times, want %d", what, got, reads)
		}
		return data
	}
	exchange := func(ticket any) answer {
		return n.call("POST", "/userinfo", map[string]any{"ticket": ticket}, "Authorization", basic("p1", poolSecret))
	}
	for round := range 2 {
		c, canceled := n.gene("p1"), n.gene("p1")
		if round == 0 { // Redis does not know the scripts yet
			_, ticket := n.confirmed("p1")
			exchange(ticket).ok()
		}
		count("gene", 1, 0, func() answer { return n.callWith(c.browser, "POST", "/gene", map[string]any{"userPoolId": "p1"}) })
		// After the step, cool-down and data of the consent screen in one batch.
		count("scan", 1, 1, func() answer { return step("scanned", "p1", c.random) })
		count("confirm", 1, 0, func() answer { return step("confirm", "p1", c.random) })
		ticket := n.check(c)["ticket"]
		count("exchange", 1, 0, func() answer { return exchange(ticket) })
		step("scanned", "p1", canceled.random).ok()
		count("cancel", 1, 0, func() answer { return step("cancel", "p1", canceled.random) })
		// The exceptions.
		other := n.gene("p1")
		count("scan, pool not named", 2, 1, func() answer { return n.phone("scanned", other.random, "alice") })
		count("confirm, pool not named", 2, 0, func() answer { return n.phone("confirm", other.random, "alice") })
		digits := n.gene("digits")
		step("scanned", "digits", digits.random).ok()
		number, _ := n.check(digits)["matchCode"].(string)
		count("confirm with a number", 2, 0, func() answer { return step("confirm", "digits", digits.random, number) })
	}
}

// allowances records the keys of the allowances that are used or deleted in the shared storage.
type allowances struct {
	ratelimit.Store
	mu   sync.Mutex
	used []string
	ops  int
}

func (a *allowances) Do(ctx context.Context, ops ...ratelimit.Op) ([]ratelimit.Result, error) {
	a.mu.Lock()
	for _, op := range ops {
		if a.ops++; op.Kind == ratelimit.KindAllow && op.Limit.Burst > 0 {
			a.used = append(a.used, op.Key)
		}
	}
	a.mu.Unlock()
	return a.Store.Do(ctx, ops...)
}

// TestANormalLoginWritesNoRateLimit over a socket and over REST.
func TestANormalLoginWritesNoRateLimit(t *testing.T) {
	counts := &allowances{Store: patientStore{ratelimit.NewMemory()}}
	mem := memstore.New()
	n := start(t, sessiontest.Node{Store: mem, Bus: mem.Bus()}, func(o *server.Options) { o.Counts = counts }, newPool(t, nil))
	_, ticket := n.confirmed("p1")
	n.call("POST", "/userinfo", map[string]any{"ticket": ticket}, "Authorization", basic("p1", poolSecret)).ok()
	p := n.dial("userPoolId=p1", nil)
	random := p.event("code")["random"].(string)
	n.phone("scanned", random, "bob").ok()
	p.event("scanned")
	n.phone("confirm", random, "bob").ok()
	p.event("confirmed")
	n.srv.Settled(t.Context())
	counts.mu.Lock()
	defer counts.mu.Unlock()
	if len(counts.used) > 0 {
		t.Errorf("allowances in the storage: %q", counts.used)
	}
	if counts.ops == 0 {
		t.Error("nothing reached the storage, not even the data of the consent screen")
	}
}

// TestASocketsCodeIsOneCallAndItsSubscription opens pages, and has one discard its code. The bus
// samples what it delivered every 2 s: scripts that read all of a record, by HMGET, are not counted.
func TestASocketsCodeIsOneCallAndItsSubscription(t *testing.T) {
	redis := redistest.Start(t)
	st := redisstore.New(redistest.Open(t, redisclient.Options{URL: redis.URL(), Prefix: "test"}), redisstore.Options{})
	bus := st.Bus()
	n := start(t, sessiontest.Node{Store: st, Bus: bus}, func(o *server.Options) { o.Counts = ratelimit.NewMemory() }, newPool(t, nil))
	eventually(t, "the bus is connected", func() bool { return bus.Age() < time.Minute })
	writes, scripts := callsOf(redis, "hset"), callsOf(redis, "evalsha", "eval")-callsOf(redis, "hmget")
	count := func(what string, wantWrites, wantScripts int, subscribed session.ID) {
		t.Helper()
		newWrites, newScripts := callsOf(redis, "hset"), callsOf(redis, "evalsha", "eval")-callsOf(redis, "hmget")
		if newWrites-writes != wantWrites || newScripts-scripts != wantScripts {
			t.Errorf("%s: %d writes by %d scripts, want %d by %d", what, newWrites-writes, newScripts-scripts, wantWrites, wantScripts)
		}
		writes, scripts = newWrites, newScripts
		if got, _ := redis.Do("PUBSUB", "CHANNELS", "test:2:{"+string(subscribed)+"}").([]any); len(got) != 1 {
			t.Errorf("%s: %d subscriptions to the code", what, len(got))
		}
	}
	var p *page
	for round := range 3 {
		p = n.dial("userPoolId=p1", nil)
		id := session.ID(p.event("code")["random"].(string))
		unknown := 0
		if round == 0 { // EVALSHA of a script that Redis does not know, then EVAL
			unknown = 1
		}
		count("a new code", 1, 1+unknown, id)
	}
	p.say(`{"action":"refresh"}`)
	id := p.event("code")["random"].(string)
	count("a withdrawn code and another one", 2, 1+1, session.ID(id)) // the new code, and an unknown EVALSHA: the step itself reads
	if reads := bus.Reads(); reads != 0 {
		t.Errorf("the bus read %d new codes", reads)
	}
	n.phone("scanned", id, "alice").ok()
	p.event("scanned")
}
