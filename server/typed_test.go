package server_test

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/ratelimit"
	"github.com/scanlogin/scanlogin/server"
	"github.com/scanlogin/scanlogin/session"
)

func withTypedCodes(p *pool.Pool) { p.TypedCodes = true }

// eachStorage runs a test on one node in memory, and on two nodes that share a Redis.
func eachStorage(t *testing.T, pools []*pool.Pool, test func(t *testing.T, a, b *node)) {
	t.Run("memory", func(t *testing.T) {
		n := alone(t, pools...)
		test(t, n, n)
	})
	t.Run("two nodes on redis", func(t *testing.T) {
		a, b, _ := pair(t, nil, pools...)
		test(t, a, b)
	})
}

func (n *node) askTyped(c code) answer {
	n.Helper()
	return n.call("POST", "/typed-code", map[string]any{"random": c.random}, "X-Browser-Key", c.key)
}

// typed returns the typed code of a code.
func (n *node) typed(c code) string {
	n.Helper()
	typed, _ := n.askTyped(c).ok()["typedCode"].(string)
	if !regexp.MustCompile(`^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$`).MatchString(typed) {
		n.Fatalf("typed code %q", typed)
	}
	return typed
}

// invalidCode fails unless the answer is what every wrong typed code gets.
func (a answer) invalidCode(what string) {
	a.Helper()
	if a.refused(404, 500); a.message != "Invalid QR code" {
		a.Errorf("%s: %s", what, a.raw)
	}
}

func TestAUserWhoCannotScanTypes(t *testing.T) {
	pools := []*pool.Pool{newPool(t, func(p *pool.Pool) { withTypedCodes(p); withDigits(p) })}
	eachStorage(t, pools, func(t *testing.T, a, b *node) {
		c := a.gene("p1")
		typed := a.typed(c)
		if again := b.typed(c); again != typed {
			t.Errorf("another node has %s, and not %s", again, typed)
		}
		scan := b.phone("scanned", " "+strings.ToLower(typed[:2]+" "+typed[2:])+"-", "alice").ok()
		if scan["random"] != c.random || scan["match"] != "digits" || scan["consent"].(map[string]any)["verdict"] != "ok" {
			t.Errorf("the phone gets %v", scan)
		}
		number := a.check(c)["matchCode"].(string)
		a.phone("confirm", c.random, "alice").refused(403, 2249)
		a.confirmWithNumber(c.random, "alice", number).ok()
		if a.check(c)["ticket"] == nil {
			t.Error("the browser got no ticket")
		}
	})
}

func TestATypedCodeEndsWithTheFirstScanOrTheCode(t *testing.T) {
	eachStorage(t, []*pool.Pool{newPool(t, withTypedCodes)}, func(t *testing.T, a, b *node) {
		scanned, byID, withdrawn := a.gene("p1"), a.gene("p1"), a.gene("p1")
		typed, typedByID, typedWithdrawn := a.typed(scanned), a.typed(byID), a.typed(withdrawn)
		b.phone("scanned", typed, "alice").ok()
		b.phone("scanned", typed, "bob").invalidCode("scanned by another user")
		b.phone("scanned", typed, "alice").invalidCode("scanned before")
		b.phone("confirm", typed, "alice").invalidCode("confirm")
		b.phone("cancel", typed, "alice").invalidCode("cancel")
		a.phone("scanned", byID.random, "alice").ok()
		b.phone("scanned", typedByID, "alice").invalidCode("scanned by its id")
		p := a.dial("userPoolId=p1&random="+withdrawn.random, nil, "key."+withdrawn.key)
		p.event("waiting")
		p.say(`{"action":"refresh"}`)
		p.event("code")
		b.phone("scanned", typedWithdrawn, "carol").invalidCode("withdrawn")
		a.askTyped(scanned).refused(409, 2244)
		a.askTyped(withdrawn).refused(410, 2242)
		b.phone("cancel", scanned.random, "alice").ok()
		a.askTyped(scanned).refused(410, 2242)
		b.phone("confirm", byID.random, "alice").ok()
		a.askTyped(byID).refused(409, 2244)
	})
}

// TestConcurrentScansWithATypedCodeHaveOneWinner has many users type the same code on two nodes.
func TestConcurrentScansWithATypedCodeHaveOneWinner(t *testing.T) {
	a, b, _ := pair(t, nil, newPool(t, withTypedCodes))
	typed := a.typed(a.gene("p1"))
	answers := make([]answer, 10)
	var users sync.WaitGroup
	for i := range answers {
		users.Go(func() { answers[i] = []*node{a, b}[i%2].phone("scanned", typed, "user"+strconv.Itoa(i)) })
	}
	users.Wait()
	winners := 0
	for _, got := range answers {
		if got.status == 200 {
			winners++
		} else {
			got.invalidCode("second")
		}
	}
	if winners != 1 {
		t.Errorf("%d users scanned it", winners)
	}
}

// TestWrongTypedCodesAreIndistinguishable compares whole answers, apart from the request's id.
func TestWrongTypedCodesAreIndistinguishable(t *testing.T) {
	n := alone(t, newPool(t, withTypedCodes), secondPool(t), newPool(t, func(p *pool.Pool) {
		withTypedCodes(p)
		p.ID, p.AppIDs, p.Secret = "p3", nil, pool.NewSecret(otherSecret)
	}))
	used, foreign := n.gene("p1"), n.gene("p3")
	typedUsed := n.typed(used)
	in := []string{"X-Authing-Userpool-Id", "p1"}
	scan := func(typed, user string) answer {
		return n.call("POST", "/scanned", map[string]any{"random": typed}, append(in, "Authorization", "Bearer "+userToken(t, user))...)
	}
	scan(typedUsed, "bob").ok()
	first := scan("BCDF-GHJK", "alice")
	first.invalidCode("unknown")
	for what, typed := range map[string]string{"used": typedUsed, "of another pool": n.typed(foreign), "impossible letters": "AEIO-UAEI"} {
		if got := scan(typed, "alice"); got.raw != first.raw || got.status != first.status || len(got.Header) != len(first.Header) {
			t.Errorf("%s: %s %v, unknown: %s %v", what, got.raw, got.Header, first.raw, first.Header)
		}
	}
	n.call("POST", "/scanned", map[string]any{"random": "BCDF-GHJK"}, "Authorization", "Bearer "+userToken(t, "dave")).refused(400, 2231) // of which pool?
	n.call("POST", "/scanned", map[string]any{"random": "BCDF-GHJK", "userPoolId": "p2"}, "Authorization", "Bearer "+sign(t, otherKey, "eve")).invalidCode("a pool without typed codes")
	n.call("POST", "/scanned", map[string]any{"random": "BCDF-GHJK", "userPoolId": "p1"}).refused(401, 2020)
}

// TestFiveWrongTypedCodesOfAUser are spread over both nodes; right ones in between do not count.
func TestFiveWrongTypedCodesOfAUser(t *testing.T) {
	eachStorage(t, []*pool.Pool{newPool(t, withTypedCodes)}, func(t *testing.T, a, b *node) {
		last := a.typed(a.gene("p1"))
		for range 7 {
			b.phone("scanned", a.typed(a.gene("p1")), "alice").ok()
		}
		for i := range 5 {
			[]*node{a, b}[i%2].phone("scanned", "BCDF-GHJK", "alice").invalidCode("wrong")
			if i < 4 {
				b.phone("scanned", a.typed(a.gene("p1")), "alice").ok()
			}
		}
		for _, n := range []*node{a, b} {
			for _, typed := range []string{last, "BCDF-GHJK"} {
				got := n.phone("scanned", typed, "alice")
				got.refused(429, 429)
				if wait, _ := strconv.Atoi(got.Get("Retry-After")); wait < 300 || wait > 600 {
					t.Errorf("Retry-After is %d s", wait)
				}
			}
		}
		b.phone("scanned", last, "bob").ok()
		a.phone("scanned", a.gene("p1").random, "alice").ok() // only typed codes are refused
	})
}

// TestConcurrentWrongTypedCodesAreCountedExactly sends more than are allowed at once.
func TestConcurrentWrongTypedCodesAreCountedExactly(t *testing.T) {
	a, b, _ := pair(t, nil, newPool(t, withTypedCodes))
	codes := make([]int, 24)
	var tries sync.WaitGroup
	for i := range codes {
		tries.Go(func() { codes[i] = []*node{a, b}[i%2].phone("scanned", "BCDF-GHJK", "alice").code })
	}
	tries.Wait()
	counts := make(map[int]int)
	for _, code := range codes {
		counts[code]++
	}
	if counts[500] != 5 || counts[429] != len(codes)-5 {
		t.Errorf("answers by code: %v", counts)
	}
}

// TestFiftyWrongTypedCodesOfAPhoneAddress are of many users, through the app's back end and
// without it.
func TestFiftyWrongTypedCodesOfAPhoneAddress(t *testing.T) {
	n := start(t, memNode(), func(o *server.Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} },
		newPool(t, func(p *pool.Pool) { withTypedCodes(p); p.Vouching = true }))
	vouched := func(user int, ip, typed string) answer {
		return n.call("POST", "/scanned", map[string]any{
			"random": typed, "user": map[string]any{"id": strconv.Itoa(user)}, "phoneIp": ip,
		}, "Authorization", basic("p1", poolSecret))
	}
	for i := range 49 {
		vouched(i, "2001:db8::1", "BCDF-GHJK").invalidCode("wrong")
	}
	direct := func(user, ip string) answer {
		return n.call("POST", "/scanned", map[string]any{"random": "BCDF-GHJK"}, "Authorization", "Bearer "+userToken(t, user), "X-Forwarded-For", ip)
	}
	direct("alice", "2001:db8::2").invalidCode("the 50th of the network")
	typed := n.typed(n.gene("p1"))
	vouched(100, "2001:db8::3", typed).refused(429, 429)
	direct("bob", "2001:db8::4").refused(429, 429)
	vouched(101, "2001:db8:0:1::1", "BCDF-GHJK").invalidCode("another address, the same back end")
	vouched(102, "", "BCDF-GHJK").invalidCode("an unknown address")
	for i := range 4 { // what the address was refused does not count for the user
		vouched(100, "192.0.2."+strconv.Itoa(i+1), "BCDF-GHJK").invalidCode("wrong")
	}
	vouched(100, "192.0.2.9", typed).ok()
	vouched(100, "not an address", typed).refused(400, 2231)
}

// TestACoolDownDoesNotRevealTypedCodes has a user who canceled too often type a right and a
// wrong code.
func TestACoolDownDoesNotRevealTypedCodes(t *testing.T) {
	n := alone(t, newPool(t, withTypedCodes))
	for range 3 {
		c := n.gene("p1")
		n.phone("scanned", c.random, "alice").ok()
		n.phone("cancel", c.random, "alice").ok()
	}
	right := n.phone("scanned", n.typed(n.gene("p1")), "alice")
	wrong := n.phone("scanned", "BCDF-GHJK", "alice")
	right.refused(429, 429)
	if wrong.raw != right.raw {
		t.Errorf("wrong: %s, right: %s", wrong.raw, right.raw)
	}
}

func TestOnlyTheBrowserGetsTheTypedCode(t *testing.T) {
	n := alone(t, newPool(t, withTypedCodes), secondPool(t))
	c := n.gene("p1")
	n.call("POST", "/typed-code", map[string]any{"random": c.random}).refused(401, 1001)
	n.call("POST", "/typed-code", map[string]any{"random": c.random}, "X-Browser-Key", n.gene("p1").key).refused(401, 1001)
	n.call("POST", "/typed-code", map[string]any{"random": c.random}, "Authorization", "Bearer "+userToken(t, "alice")).refused(401, 1001)
	n.call("POST", "/typed-code", map[string]any{"random": c.random}, "X-Browser-Key", c.key, "Origin", otherOrigin).refused(403, 2247)
	n.call("POST", "/typed-code", map[string]any{"random": c.random, "userPoolId": "p2"}, "X-Browser-Key", c.key).refused(404, 2241)
	n.call("POST", "/typed-code", map[string]any{"random": session.NewID()}, "X-Browser-Key", c.key).refused(404, 2241)
	n.call("POST", "/typed-code", map[string]any{}).refused(400, 2231)
	n.call("POST", "/typed-code", strings.Repeat(" ", 70_000)).refused(413, 413)
	n.call("POST", "/typed-code", "{}", "Content-Type", "text/plain").refused(415, 415)
	other := n.gene("p2", "X-Authing-Userpool-Id", "p2")
	n.askTyped(other).refused(400, 2231)
	typed := n.typed(c)
	for _, a := range []answer{
		n.callWith(c.browser, "POST", "/typed-code", map[string]any{"random": c.random, "userPoolId": "p1"}),
		n.call("POST", "/api/qrcode/typed-code", map[string]any{"random": c.random}, "Authorization", basic("p1", poolSecret)),
	} {
		if got := a.ok()["typedCode"]; got != typed {
			t.Errorf("%v instead of %s", got, typed)
		}
	}
	if got := callsBeforeRefusal(t, 200, func() answer { return n.askTyped(c) }); got > 100 {
		t.Errorf("%d requests for one typed code before 429", got)
	}
}

func TestGeneSaysWhetherThereAreTypedCodes(t *testing.T) {
	n := alone(t, newPool(t, withTypedCodes), secondPool(t))
	for id, want := range map[string]bool{"p1": true, "p2": false} {
		if d := n.call("POST", "/gene?userPoolId="+id, nil).ok(); d["typedCodes"] != want {
			t.Errorf("gene of %s: %v", id, d)
		}
		if m := n.dial("userPoolId="+id, nil).event("code"); m["typedCodes"] != want {
			t.Errorf("socket of %s: %v", id, m)
		}
	}
}

func TestASocketGetsTheTypedCode(t *testing.T) {
	eachStorage(t, []*pool.Pool{newPool(t, withTypedCodes), secondPool(t)}, func(t *testing.T, a, b *node) {
		ask := func(p *page) map[string]any {
			t.Helper()
			p.say(`{"action":"typed-code"}`)
			return p.next()
		}
		refused := func(p *page, code float64) {
			t.Helper()
			if m := ask(p); m["event"] != "error" || m["action"] != "typed-code" || m["code"] != code {
				t.Errorf("%v instead of error %v", m, code)
			}
		}
		p := a.dial("userPoolId=p1", nil)
		m := p.event("code")
		c := code{random: m["random"].(string), key: m["browserKey"].(string)}
		first := ask(p)
		if first["event"] != "typed-code" || first["random"] != c.random || first["typedCode"] != b.typed(c) || ask(p)["typedCode"] != first["typedCode"] {
			t.Errorf("the page gets %v", first)
		}
		watch := b.dial("random="+c.random, nil, "key."+c.key)
		watch.event("waiting")
		if got := ask(watch)["typedCode"]; got != first["typedCode"] {
			t.Errorf("another socket of the browser gets %v", got)
		}
		stranger := b.dial("random="+c.random, nil)
		stranger.event("waiting")
		refused(stranger, 1001)
		b.phone("scanned", first["typedCode"].(string)+" ", "alice").refused(400, 2231) // two pools
		scan := b.call("POST", "/scanned", map[string]any{"random": first["typedCode"], "userPoolId": "p1"}, "Authorization", "Bearer "+userToken(t, "alice"))
		scan.ok()
		p.event("scanned")
		refused(p, 2244)
		other := a.dial("userPoolId=p2", http.Header{"Accept-Language": {"zh-CN"}})
		other.event("code")
		if m := ask(other); m["code"] != 2231.0 || !strings.Contains(m["message"].(string), "用户池") {
			t.Errorf("without typed codes: %v", m)
		}
		p.say(`{"action":"refresh"}`) // the socket is still open
		p.event("code")
	})
}

// unavailable is a storage that does not answer.
type unavailable struct{ kv.Store }

var errAway = errors.New("away")

func (unavailable) Do(context.Context, ...ratelimit.Op) ([]ratelimit.Result, error) {
	return nil, errAway
}
func (unavailable) Get(context.Context, ...string) ([]map[string]string, error) { return nil, errAway }

func TestTypedCodesAreBusyWhileTheStoreIsAway(t *testing.T) {
	for name, change := range map[string]func(*server.Options){
		"counts":  func(o *server.Options) { o.Counts = unavailable{} },
		"records": func(o *server.Options) { o.Records = unavailable{} },
	} {
		n := start(t, memNode(), func(o *server.Options) { change(o); o.Limits = login.Limits{} }, newPool(t, withTypedCodes))
		n.phone("scanned", "BCDF-GHJK", "alice").refused(503, 1000)
		if c := n.gene("p1"); name == "records" {
			n.askTyped(c).refused(503, 1000)
		}
	}
	n := alone(t, newPool(t, withTypedCodes))
	c := n.gene("p1")
	typed := n.typed(c)
	n.store.Fail(errAway)
	n.phone("scanned", typed, "alice").refused(503, 1000)
	n.store.Fail(nil)
	n.phone("scanned", typed, "alice").ok()
}

// TestTypedCodesInRedisAreKeyedHashes reads everything that Redis has.
func TestTypedCodesInRedisAreKeyedHashes(t *testing.T) {
	a, _, redis := pair(t, nil, newPool(t, withTypedCodes))
	typed := a.typed(a.gene("p1"))
	a.phone("scanned", "BCDF-GHJK", "alice").invalidCode("wrong")
	found := false
	for _, key := range redis.Do("KEYS", "*").([]any) {
		name := key.(string)
		found = found || strings.HasPrefix(name, "test:typed:")
		text := name
		if redis.Do("TYPE", name) == "hash" {
			for _, part := range redis.Do("HGETALL", name).([]any) {
				text += " " + part.(string)
			}
		}
		for _, secret := range []string{typed, strings.ReplaceAll(typed, "-", ""), "BCDF", "alice"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s contains %s: %s", name, secret, text)
			}
		}
		if redis.Do("PTTL", name) == int64(-1) { // -2: it has expired meanwhile
			t.Errorf("%s has no expiry", name)
		}
	}
	if !found {
		t.Error("no record of a typed code")
	}
}
