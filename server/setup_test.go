package server_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"

	"github.com/scanlogin/scanlogin/hub"
	"github.com/scanlogin/scanlogin/internal/asynctest"
	"github.com/scanlogin/scanlogin/internal/identity"
	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/ratelimit"
	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/internal/token"
	"github.com/scanlogin/scanlogin/server"
	"github.com/scanlogin/scanlogin/session/memstore"
	"github.com/scanlogin/scanlogin/session/redisstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

func TestMain(m *testing.M) {
	http.DefaultTransport = validator
	// Idle connections of the tests' clients are not leaks of the server.
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		client.CloseIdleConnections()
		unvalidated.CloseIdleConnections()
		if missing := validator.unseen(); code == 0 && len(missing) > 0 {
			fmt.Printf("FAIL: web/openapi.yaml and web/asyncapi.yaml describe what no test saw: test it, or take it out\n\t%s\n", strings.Join(missing, "\n\t"))
			code = 1
		}
		os.Exit(code)
	}), goleak.IgnoreTopFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"))
}

func doNotRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

var (
	client = &http.Client{Timeout: time.Minute, CheckRedirect: doNotRedirect}
	// unvalidated is for thousands of equal calls, which need not be validated each:
	// validation takes longer than the call.
	unvalidated = &http.Client{Timeout: time.Minute, CheckRedirect: doNotRedirect, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
)

const (
	poolSecret  = "test secret of the first pool, long"
	otherSecret = "test secret of the second pool, long"
	userKey     = "the key under which the app signs its users' tokens"
	otherKey    = "another key under which another app signs its tokens"
	siteOrigin  = "https://www.example.com"
	otherOrigin = "https://other.example.com"
)

// newPool returns pool p1 with the defaults of the contract, modified by change.
func newPool(t testing.TB, change func(*pool.Pool)) *pool.Pool {
	t.Helper()
	id, err := identity.NewJWT(identity.JWTConfig{HS256Secret: userKey, Claims: identity.Claims{More: []string{"department"}}})
	if err != nil {
		t.Fatal(err)
	}
	p := &pool.Pool{
		ID: "p1", Name: "Example", Logo: "https://www.example.com/logo.png", AppIDs: []string{"app1"},
		Secret: pool.NewSecret(poolSecret), Origins: []string{siteOrigin}, Identity: id,
		CodeTTL: pool.DefaultCodeTTL, ConfirmTTL: pool.DefaultConfirmTTL, TicketTTL: pool.DefaultTicketTTL,
		MaxCodes: pool.DefaultMaxCodes, KnownBrowserTTL: pool.DefaultKnownBrowserTTL, PayloadFormat: pool.PayloadJSON, BindBrowser: true,
	}
	if change != nil {
		change(p)
	}
	return p
}

// secondPool returns pool p2, of another tenant.
func secondPool(t testing.TB) *pool.Pool {
	return newPool(t, func(p *pool.Pool) {
		id, err := identity.NewJWT(identity.JWTConfig{HS256Secret: otherKey})
		if err != nil {
			t.Fatal(err)
		}
		p.ID, p.Name, p.AppIDs, p.Identity = "p2", "Other", nil, id
		p.Secret, p.Origins = pool.NewSecret(otherSecret), []string{otherOrigin}
	})
}

// node is a running server.
type node struct {
	testing.TB
	url    string
	pools  *pool.Registry
	store  *sessiontest.Faulty
	hub    *hub.Hub
	counts ratelimit.Store // nil: in the memory of the node
	srv    *server.Server
	log    *asynctest.Buffer
	stop   func() error // shuts it down; may be called repeatedly

	allowsUnfinished bool // requests may be in progress when it has stopped
}

// start runs a node with a store and bus until the test ends.
func start(t testing.TB, over sessiontest.Node, change func(*server.Options), pools ...*pool.Pool) *node {
	t.Helper()
	return startOn(t, over, func(ln net.Listener) net.Listener { return ln }, change, pools...)
}

// startOn is start with a wrapped listener.
func startOn(t testing.TB, over sessiontest.Node, wrap func(net.Listener) net.Listener, change func(*server.Options), pools ...*pool.Pool) *node {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln = wrap(ln)
	n := &node{TB: t, url: "http://" + ln.Addr().String(), pools: pool.NewRegistry(pools...), store: sessiontest.NewFaulty(over), log: new(asynctest.Buffer)}
	validator.watch(t, n.url)
	n.hub = hub.New(n.store, n.store.Now)
	o := server.Options{Hub: n.hub, Options: login.Options{
		PublicURL: n.url, Pools: n.pools, Store: n.store,
		Log: slog.New(slog.NewJSONHandler(n.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}}
	if change != nil {
		change(&o)
	}
	n.counts = o.Counts
	n.srv = server.New(o)
	ctx, cancel := context.WithCancel(context.Background())
	hubCtx, stopHub := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = n.hub.Run(hubCtx) })
	var served error
	wg.Go(func() {
		served = n.srv.Run(ctx, ln)
		stopHub()
	})
	n.stop = sync.OnceValue(func() error {
		cancel()
		wg.Wait()
		return served
	})
	t.Cleanup(func() {
		client.CloseIdleConnections()
		unvalidated.CloseIdleConnections()
		if err := n.stop(); err != nil && !n.allowsUnfinished {
			t.Errorf("the server ended with %v", err)
		}
	})
	return n
}

// alone runs one node with a memory store.
func alone(t testing.TB, pools ...*pool.Pool) *node {
	st := memstore.New()
	return start(t, sessiontest.Node{Store: st, Bus: st.Bus()}, nil, pools...)
}

// signing returns an option that makes nodes issue tokens.
func signing(t testing.TB) func(*server.Options) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return func(o *server.Options) {
		o.PublicURL = "http://scan.example.com"
		if o.Signer, err = token.NewSigner(key, "http://scan.example.com", time.Hour); err != nil {
			t.Fatal(err)
		}
	}
}

// pair runs two nodes that share a redis-server.
func pair(t testing.TB, change func(*server.Options), pools ...*pool.Pool) (a, b *node, redis *redistest.Server) {
	return pairOn(t, redistest.Start(t), change, pools...)
}

func pairOn(t testing.TB, redis *redistest.Server, change func(*server.Options), pools ...*pool.Pool) (a, b *node, _ *redistest.Server) {
	open := func() *node {
		client := redistest.Open(t, redisclient.Options{URL: redis.URL(), Prefix: "test"})
		st := redisstore.New(client, redisstore.Options{})
		return start(t, sessiontest.Node{Store: st, Bus: st.Bus()}, func(o *server.Options) {
			o.Counts, o.Records = patientStore{ratelimit.NewRedis(client)}, kv.NewRedis(client)
			if change != nil {
				change(o)
			}
		}, pools...)
	}
	return open(), open(), redis
}

// patientStore gives the counters ten seconds, so that a busy machine does not make them unavailable.
type patientStore struct{ ratelimit.Store }

func (p patientStore) Do(ctx context.Context, ops ...ratelimit.Op) ([]ratelimit.Result, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return p.Store.Do(ctx, ops...)
}

// header contains request headers, alternating name and value.
type header []string

// answer is a response.
type answer struct {
	http.Header
	testing.TB
	status  int
	code    int
	message string
	data    map[string]any
	isNull  bool // data is null
	raw     string
}

// call makes a request; body is JSON text or a value that is encoded as JSON.
func (n *node) call(method, path string, body any, h ...string) answer {
	n.Helper()
	return n.callWith(client, method, path, body, h...)
}

func (n *node) callWith(with *http.Client, method, path string, body any, h ...string) answer {
	n.Helper()
	var in io.Reader
	if text, ok := body.(string); ok {
		in = strings.NewReader(text)
	} else if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			n.Fatal(err)
		}
		in = bytes.NewReader(text)
	}
	url := n.url + path
	if strings.HasPrefix(path, "http:") {
		url = path
	} else if strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "/api/") && !strings.HasPrefix(path, "/.") && !strings.HasPrefix(path, "/s/") {
		url = n.url + "/api/v2/qrcode" + path
	}
	req, err := http.NewRequestWithContext(n.Context(), method, url, in)
	if err != nil {
		n.Fatal(err)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(h); i += 2 {
		req.Header.Set(h[i], h[i+1])
	}
	res, err := with.Do(req)
	if err != nil {
		n.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		n.Fatal(err)
	}
	a := answer{Header: res.Header, TB: n.TB, status: res.StatusCode, raw: string(raw)}
	var env struct {
		Code    int
		Message string
		Data    json.RawMessage
	}
	if json.Unmarshal(raw, &env) == nil {
		a.code, a.message, a.isNull = env.Code, env.Message, string(env.Data) == "null"
		_ = json.Unmarshal(env.Data, &a.data)
	}
	return a
}

// ok fails the test unless the answer is a success, and returns its data.
func (a answer) ok() map[string]any {
	a.Helper()
	if a.status != 200 || a.code != 200 || a.data == nil {
		a.Fatalf("answer %d: %s", a.status, a.raw)
	}
	return a.data
}

// refused fails the test unless the answer is that error.
func (a answer) refused(status, code int) {
	a.Helper()
	if a.status != status || a.code != code || !a.isNull || a.message == "" {
		a.Errorf("answer %d %s; want %d with code %d", a.status, a.raw, status, code)
	}
}

// code is a code with what its page knows.
type code struct {
	random, key, payload, url string
	browser                   *http.Client // has the cookie
}

func (n *node) gene(poolID string, h ...string) code {
	n.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		n.Fatal(err)
	}
	with := &http.Client{Timeout: client.Timeout, Transport: client.Transport, Jar: jar}
	d := n.callWith(with, "POST", "/gene", map[string]any{"userPoolId": poolID}, h...).ok()
	return code{random: d["random"].(string), key: d["browserKey"].(string), payload: d["payload"].(string), url: d["url"].(string), browser: with}
}

// userToken returns a token of a user of the first pool.
func userToken(t testing.TB, user string) string { return sign(t, userKey, user) }

func sign(t testing.TB, key, user string) string {
	t.Helper()
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": user, "exp": time.Now().Add(time.Hour).Unix(), "nickname": strings.ToUpper(user),
		"picture": "https://example.com/" + user + ".png", "email": user + "@example.com", "email_verified": true, "department": "R&D",
	}).SignedString([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// phone makes a call of the phone as a user of the first pool.
func (n *node) phone(step, random, user string) answer {
	n.Helper()
	return n.call("POST", "/"+step, map[string]any{"random": random}, "Authorization", "Bearer "+userToken(n, user))
}

// check polls as the browser, with its key.
func (n *node) check(c code) map[string]any {
	n.Helper()
	return n.call("GET", "/check?random="+c.random, nil, "X-Browser-Key", c.key).ok()
}

// confirmed creates a code that alice confirms, and returns it with its ticket.
func (n *node) confirmed(poolID string) (code, string) {
	n.Helper()
	c := n.gene(poolID)
	n.phone("scanned", c.random, "alice").ok()
	n.phone("confirm", c.random, "alice").ok()
	ticket, _ := n.check(c)["ticket"].(string)
	if ticket == "" {
		n.Fatal("the browser got no ticket")
	}
	return c, ticket
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("did not happen: %s", what)
		}
	}
}

func memNode() sessiontest.Node {
	st := memstore.New()
	return sessiontest.Node{Store: st, Bus: st.Bus()}
}
