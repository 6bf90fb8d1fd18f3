package server_test

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/ratelimit"
	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/server"
	"github.com/scanlogin/scanlogin/session"
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
		// The cool-down before the step, and after it the data of the consent screen.
		count("scan", 1, 2, func() answer { return step("scanned", "p1", c.random) })
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

// TestASocketsCodeIsOneWrite opens a page and has it discard its code. Writes are counted,
// because the bus reads after it has subscribed, and samples what it delivered.
func TestASocketsCodeIsOneWrite(t *testing.T) {
	redis := redistest.Start(t)
	st := redisstore.New(redistest.Open(t, redisclient.Options{URL: redis.URL(), Prefix: "test"}), redisstore.Options{})
	n := start(t, sessiontest.Node{Store: st, Bus: st.Bus()}, func(o *server.Options) { o.Counts = ratelimit.NewMemory() }, newPool(t, nil))
	before := callsOf(redis, "hset")
	p := n.dial("userPoolId=p1", nil)
	p.event("code")
	p.event("waiting")
	if got := callsOf(redis, "hset") - before; got != 1 {
		t.Errorf("a new code: %d writes", got)
	}
	var subscribed int
	eventually(t, "the code is subscribed", func() bool { subscribed = callsOf(redis, "subscribe"); return subscribed > 0 })
	before = callsOf(redis, "hset")
	p.say(`{"action":"refresh"}`)
	p.event("code")
	p.event("waiting")
	if got := callsOf(redis, "hset") - before; got != 2 {
		t.Errorf("a withdrawn code and another one: %d writes", got)
	}
	eventually(t, "the new code is subscribed", func() bool { return callsOf(redis, "subscribe") > subscribed })
}
