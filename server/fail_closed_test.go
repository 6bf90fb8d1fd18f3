package server_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"

	"github.com/scanlogin/scanlogin/internal/identity"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/memstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

// TestNothingIsDisclosedWhileTheStoreIsUnavailable sends every proof that would return
// ticket and user to a node that cannot read the code.
func TestNothingIsDisclosedWhileTheStoreIsUnavailable(t *testing.T) {
	n := start(t, memNode(), signing(t), newPool(t, func(p *pool.Pool) {
		p.BindBrowser, p.AllowBrowserExchange, p.ReturnFullUserInfo = false, true, true
	}))
	c, ticket := n.confirmed("p1")
	scanned := n.gene("p1")
	n.phone("scanned", scanned.random, "alice").ok()
	n.store.Fail(errors.New("away"))
	site := basic("p1", poolSecret)
	for name, a := range map[string]answer{
		"check by the browser": n.call("GET", "/check?random="+c.random, nil, "X-Browser-Key", c.key),
		"check by the site":    n.call("GET", "/check?random="+c.random, nil, "Authorization", site),
		"exchange":             n.call("POST", "/userinfo", map[string]any{"ticket": ticket}, "Authorization", site),
		"browser's exchange":   n.callWith(c.browser, "POST", "/userinfo", map[string]any{"ticket": ticket, "userPoolId": "p1"}),
		"confirm":              n.phone("confirm", scanned.random, "alice"),
	} {
		if a.refused(503, 1000); strings.Contains(a.raw, "alice") || strings.Contains(a.raw, ticket) {
			t.Errorf("%s: %s", name, a.raw)
		}
	}
	n.dial("random="+c.random, nil, "key."+c.key).closed(1013)
	n.store.Fail(nil)
	if d := n.check(scanned); d["event"] != "scanned" || d["ticket"] != nil {
		t.Errorf("a refused step was stored: %v", d)
	}
	n.call("POST", "/userinfo", map[string]any{"ticket": ticket}, "Authorization", site).ok() // the ticket was not spent
}

// readOnly is a store that refuses writes while on is set, like a Redis that is full or
// has lost its master.
type readOnly struct {
	session.Store
	on *atomic.Bool
}

func (r readOnly) Create(ctx context.Context, s session.Session) (session.Session, error) {
	if r.on.Load() {
		return session.Session{}, errors.New("READONLY")
	}
	return r.Store.Create(ctx, s)
}

func (r readOnly) Apply(ctx context.Context, id session.ID, t session.Transition) (session.Session, session.Outcome, error) {
	if r.on.Load() {
		return session.Session{}, session.Refused, errors.New("READONLY")
	}
	return r.Store.Apply(ctx, id, t)
}

// TestNothingIsDisclosedBeforeItIsStored has each step be allowed by the state that is
// read, and fail when it is written.
func TestNothingIsDisclosedBeforeItIsStored(t *testing.T) {
	full, st := new(atomic.Bool), memstore.New()
	n := start(t, sessiontest.Node{Store: readOnly{st, full}, Bus: st.Bus()}, signing(t), newPool(t, nil))
	waiting, scanned := n.gene("p1"), n.gene("p1")
	n.phone("scanned", scanned.random, "alice").ok()
	_, ticket := n.confirmed("p1")
	exchange := func() answer {
		return n.call("POST", "/userinfo", map[string]any{"ticket": ticket}, "Authorization", basic("p1", poolSecret))
	}
	full.Store(true)
	for name, a := range map[string]answer{
		"gene":     n.call("POST", "/gene?userPoolId=p1", nil),
		"scanned":  n.phone("scanned", waiting.random, "alice"),
		"confirm":  n.phone("confirm", scanned.random, "alice"),
		"cancel":   n.phone("cancel", scanned.random, "alice"),
		"exchange": exchange(),
	} {
		if a.refused(503, 1000); a.status != 503 {
			t.Errorf("that was %s", name)
		}
	}
	n.dial("userPoolId=p1", nil).closed(1013)
	full.Store(false)
	if was, is := n.check(waiting)["event"], n.check(scanned)["event"]; was != "waiting" || is != "scanned" {
		t.Errorf("a refused step was stored: %v, %v", was, is)
	}
	exchange().ok()
}

// TestNoUserIsAcceptedWhileTheIdentityProviderIsUnavailable has the userinfo
// address fail at the scan, and at the confirm.
func TestNoUserIsAcceptedWhileTheIdentityProviderIsUnavailable(t *testing.T) {
	var away atomic.Bool
	users := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if away.Load() {
			w.WriteHeader(http.StatusBadGateway)
		}
		_, _ = io.WriteString(w, `{"sub":"alice"}`)
	}))
	t.Cleanup(users.Close)
	id, err := identity.NewUserinfo(identity.UserinfoConfig{URL: users.URL})
	if err != nil {
		t.Fatal(err)
	}
	n := alone(t, newPool(t, func(p *pool.Pool) { p.Identity = id }))
	c := n.gene("p1")
	step := func(step, token string) answer {
		return n.call("POST", "/"+step, map[string]any{"random": c.random}, "Authorization", "Bearer "+token)
	}
	away.Store(true)
	step("scanned", "token").refused(503, 1000)
	if d := n.check(c); d["event"] != "waiting" {
		t.Errorf("after a scan by an unknown user: %v", d)
	}
	away.Store(false)
	step("scanned", "token").ok()
	away.Store(true)
	step("confirm", "another-token").refused(503, 1000)
	if d := n.check(c); d["event"] != "scanned" || d["ticket"] != nil {
		t.Errorf("after a confirm by an unknown user: %v", d)
	}
}

// TestIncompleteRequestsAreDisconnected sends half of a head, and half of a body,
// and then nothing more.
func TestIncompleteRequestsAreDisconnected(t *testing.T) {
	t.Parallel()
	n := alone(t, newPool(t, nil))
	for name, half := range map[string]string{
		"head": "POST /api/v2/qrcode/gene HTTP/1.1\r\nHost: x\r\n",
		"body": "POST /api/v2/qrcode/gene HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", strings.TrimPrefix(n.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(2 * time.Minute)) // twelve times what the server allows
			fmt.Fprint(conn, half)
			if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("still connected")
			}
		})
	}
}

// TestTheTimeoutForAHeadIsShorterThanForARequest has one client stop within the head
// of its request, after another has stopped within the body: the first one is disconnected first.
// If a busy machine reorders the two, the test tries again.
func TestTheTimeoutForAHeadIsShorterThanForARequest(t *testing.T) {
	t.Parallel() // with other slow tests
	n := alone(t, newPool(t, nil))
	const head = "POST /api/v2/qrcode/gene HTTP/1.1\r\nHost: x\r\n"
	for range 3 {
		dropped := make(chan string, 2)
		stopWithin := func(name, half string) {
			conn := dialFrom(t, n, "127.0.0.1")
			_ = conn.SetDeadline(time.Now().Add(2 * time.Minute))
			fmt.Fprint(conn, half)
			go func() {
				_, _ = io.Copy(io.Discard, conn)
				dropped <- name
			}()
		}
		stopWithin("body", head+"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
		time.Sleep(time.Second) // with equal timeouts, the body's would end first
		stopWithin("head", head)
		first, second := <-dropped, <-dropped
		if first == "head" && second == "body" {
			return
		}
		t.Logf("dropped: %s, then %s", first, second)
	}
	t.Error("a head has as much time as a request")
}

// TestATokenOfAnotherPoolIsVerifiedWithPublishedKeys: a user of a pool that publishes its keys
// is told that the code belongs to another pool.
func TestATokenOfAnotherPoolIsVerifiedWithPublishedKeys(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := jwkset.NewJWKFromKey(key.Public(), jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: "k"}})
	if err != nil {
		t.Fatal(err)
	}
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{public.Marshal()}})
	}))
	t.Cleanup(keys.Close)
	id, err := identity.NewJWT(identity.JWTConfig{JWKSURL: keys.URL})
	if err != nil {
		t.Fatal(err)
	}
	n := alone(t, newPool(t, nil), newPool(t, func(p *pool.Pool) { p.ID, p.AppIDs, p.Identity = "p2", nil, id }))
	now := time.Now()
	token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{"sub": "eve", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()})
	token.Header["kid"] = "k"
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	n.call("POST", "/scanned", map[string]any{"random": n.gene("p1").random}, "Authorization", "Bearer "+text).refused(403, 2036)
}
