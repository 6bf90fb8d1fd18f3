package server_test

import (
	"context"
	"encoding/json"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/server"
	"github.com/scanlogin/scanlogin/session"
)

const otherClientSecret = "test secret of another client, long"

// offlinePool is clientPool with offline access, and a second client with a secret, gitea.
func offlinePool(t testing.TB) *pool.Pool {
	p := clientPool(t)
	for _, c := range p.Clients {
		c.Scopes = append(slices.Clone(c.Scopes), "offline_access")
		c.PostLogoutRedirectURIs = []string{loggedOut, loggedOut + "?x=1"}
	}
	gitea := *p.Clients[0]
	gitea.ID, gitea.Name, gitea.Secret = "gitea", "Gitea", pool.NewSecret(otherClientSecret)
	p.Clients = append(p.Clients, &gitea)
	return p
}

// tokenPair runs two nodes on one Redis that issue the same tokens. observe receives the events
// of both.
func tokenPair(t testing.TB, observe session.Observer) (a, b *node) {
	sign := providing(t)
	redis := redistest.Start(t)
	records := redistest.Open(t, redisclient.Options{URL: redis.URL(), Prefix: "test"})
	a, b, _ = pairOn(t, redis, func(o *server.Options) {
		o.PublicURL, o.Records = "http://scan.example.com", kv.NewRedis(records)
		if observe != nil {
			o.Observers = session.Observers{observe}
		}
		sign(o)
	}, offlinePool(t), secondPool(t))
	return a, b
}

// tokenNode runs one node that issues tokens.
func tokenNode(t testing.TB) *node {
	return start(t, memNode(), providing(t), offlinePool(t), secondPool(t))
}

const allScopes = "openid profile email phone offline_access"

// loggedIn has alice log in at grafana, and returns the response with the tokens.
func (n *node) loggedIn(scope string) map[string]any {
	n.Helper()
	return n.token(tokenForm(n.authorizationCode("scope", scope))).tokens(n)
}

func text(of map[string]any, name string) string {
	value, _ := of[name].(string)
	return value
}

func refreshForm(tokens map[string]any, pairs ...string) url.Values {
	q := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {text(tokens, "refresh_token")}}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return q
}

func (n *node) userinfo(tokens map[string]any) webAnswer {
	n.Helper()
	return n.browser().do("GET", "/oidc/p1/me", nil, "Authorization", "Bearer "+text(tokens, "access_token"))
}

// post makes a request of an endpoint as grafana.
func (n *node) post(endpoint string, form url.Values) webAnswer {
	n.Helper()
	return n.browser().do("POST", "/oidc/p1/"+endpoint, form, "Authorization", basicClient())
}

func (n *node) introspect(text string) map[string]any {
	n.Helper()
	return n.post("token/introspection", url.Values{"token": {text}}).object(n)
}

// object fails the test unless the answer is a JSON object.
func (a webAnswer) object(t testing.TB) (body map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), &body); err != nil || a.status != 200 {
		t.Fatalf("answer %d %s", a.status, a.body)
	}
	return body
}

// isActive fails the test unless the tokens are valid on each node, or on none.
func isActive(t testing.TB, want bool, tokens map[string]any, nodes ...*node) {
	t.Helper()
	for i, n := range nodes {
		if got := n.userinfo(tokens).status == 200; got != want {
			t.Errorf("node %d: UserInfo accepts the token: %v", i, got)
		}
		for _, name := range []string{"access_token", "refresh_token"} {
			if got := n.introspect(text(tokens, name)); got["active"] != want || !want && len(got) > 1 {
				t.Errorf("node %d: introspection of the %s: %v", i, name, got)
			}
		}
		if !want {
			n.token(refreshForm(tokens)).fails(t, 400, "invalid_grant")
		}
	}
}

// kinds records the kinds of events about tokens.
type kinds struct {
	mu   sync.Mutex
	seen []string
}

func (k *kinds) observe(e session.Event) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch e.Kind {
	case session.EventTokenReused, session.EventTokensRevoked:
		k.seen = append(k.seen, strings.Join([]string{string(e.Kind), e.Pool, e.Client, e.User}, " "))
	}
}

func (k *kinds) are(t testing.TB, want ...string) {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	if !slices.Equal(k.seen, want) {
		t.Errorf("events: %q, want %q", k.seen, want)
	}
}

func TestRefreshTokensRotateOnTwoNodes(t *testing.T) {
	var events kinds
	a, b := tokenPair(t, events.observe)
	first := a.loggedIn(allScopes)
	second := b.token(refreshForm(first)).tokens(t)
	if again := a.token(refreshForm(first)).tokens(t); !reflect.DeepEqual(again, second) {
		t.Errorf("the repeated response is another one: %v, %v", again, second)
	}
	isActive(t, true, second, a, b)
	if second["refresh_token"] == first["refresh_token"] || second["access_token"] == first["access_token"] {
		t.Error("a token was not replaced")
	}
	third := a.token(refreshForm(second)).tokens(t)
	events.are(t)
	b.token(refreshForm(first)).fails(t, 400, "invalid_grant") // before the last one: somebody has a copy
	isActive(t, false, third, a, b)
	events.are(t, "token_reused p1 grafana alice")
}

func TestASecondUseOfACodeRevokesItsTokensOnTwoNodes(t *testing.T) {
	var events kinds
	a, b := tokenPair(t, events.observe)
	code := a.authorizationCode("scope", allScopes)
	tokens := a.token(tokenForm(code)).tokens(t)
	b.token(tokenForm(code, "code_verifier", strings.Repeat("a", 43))).fails(t, 400, "invalid_grant") // proves nothing
	isActive(t, true, tokens, a, b)
	b.token(tokenForm(code)).fails(t, 400, "invalid_grant")
	isActive(t, false, tokens, a, b)
	events.are(t, "token_reused p1 grafana alice")
}

// fragileRecords is a storage that can be unavailable.
type fragileRecords struct {
	kv.Store
	away *atomic.Bool
}

func (f fragileRecords) Get(ctx context.Context, names ...string) ([]map[string]string, error) {
	if f.away.Load() {
		return nil, errBroken
	}
	return f.Store.Get(ctx, names...)
}

func (f fragileRecords) Change(ctx context.Context, name string, c kv.Change) (map[string]string, bool, error) {
	if f.away.Load() {
		return nil, false, errBroken
	}
	return f.Store.Change(ctx, name, c)
}

// TestNoTokenIsAcceptedWhileTheStorageIsAway asks all endpoints: none knows whether the login was
// revoked.
func TestNoTokenIsAcceptedWhileTheStorageIsAway(t *testing.T) {
	var away atomic.Bool
	n := start(t, memNode(), func(o *server.Options) {
		o.Records = fragileRecords{kv.NewMemory(), &away}
		providing(t)(o)
	}, offlinePool(t))
	tokens := n.loggedIn(allScopes)
	away.Store(true)
	access, b := url.Values{"token": {text(tokens, "access_token")}}, n.browser()
	for name, answer := range map[string]webAnswer{
		"refresh": n.token(refreshForm(tokens)), "introspection": n.post("token/introspection", access), "revocation": n.post("token/revocation", access),
		"UserInfo": n.userinfo(tokens), "UserInfo by POST": b.do("POST", "/oidc/p1/me", url.Values{"access_token": access["token"]}),
		"logout":         n.endSession("GET", "id_token_hint", text(tokens, "id_token")),
		"logout by POST": n.endSession("POST", "id_token_hint", text(tokens, "id_token")),
	} {
		if answer.status != 503 || answer.Get("Retry-After") == "" || !strings.Contains(answer.body, "temporarily_unavailable") {
			t.Errorf("%s: %d %s", name, answer.status, answer.body)
		}
	}
	away.Store(false)
	isActive(t, true, tokens, n)
}

func TestEndpointsExistOnlyForPoolsWithClients(t *testing.T) {
	b := tokenNode(t).browser()
	for path, methods := range map[string][]string{
		"token/introspection": {"POST"}, "token/revocation": {"POST"}, "me": {"GET", "POST"}, "session/end": {"GET", "POST"},
	} {
		for _, method := range methods {
			if a := b.do(method, "/oidc/p2/"+path, nil); a.status != 404 || !strings.Contains(a.body, "invalid_request") {
				t.Errorf("%s %s: %d %s", method, path, a.status, a.body)
			}
		}
	}
}

func TestOfflineAccessMustBeGranted(t *testing.T) {
	n := tokenNode(t)
	if tokens := n.loggedIn("openid email"); tokens["refresh_token"] != nil || tokens["id_token"] == nil || tokens["scope"] != "openid email" {
		t.Errorf("without offline_access: %v", tokens)
	}
	if tokens := n.loggedIn("email"); tokens["id_token"] != nil {
		t.Errorf("without openid: %v", tokens)
	}
}

func TestARefreshMayAskForLess(t *testing.T) {
	n := tokenNode(t)
	tokens := n.loggedIn("openid email offline_access")
	n.token(refreshForm(tokens, "scope", "openid profile")).fails(t, 400, "invalid_scope")
	less := n.token(refreshForm(tokens, "scope", "openid")).tokens(t)
	if got := n.userinfo(less).object(t); less["scope"] != "openid" || !reflect.DeepEqual(got, map[string]any{"sub": "alice"}) {
		t.Errorf("%v, %v", less, got)
	}
	all := n.token(refreshForm(less)).tokens(t)
	if got := n.userinfo(all).object(t); got["email"] != "alice@example.com" {
		t.Errorf("the next refresh: %v", got)
	}
}

func TestARefreshTokenIsForItsClient(t *testing.T) {
	n := tokenNode(t)
	tokens := n.loggedIn(allScopes)
	n.tokenAs([]string{"Authorization", basic("gitea", otherClientSecret)}, refreshForm(tokens)).fails(t, 400, "invalid_grant")
	n.tokenAs(nil, refreshForm(tokens, "client_id", "spa")).fails(t, 400, "invalid_grant")
	n.tokenAs(nil, refreshForm(tokens, "client_id", "grafana")).fails(t, 401, "invalid_client")
	n.token(refreshForm(nil)).fails(t, 400, "invalid_request")
	n.token(refreshForm(map[string]any{"refresh_token": "x"})).fails(t, 400, "invalid_grant")
	isActive(t, true, tokens, n)
}
