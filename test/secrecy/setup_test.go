package secrecy

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"

	"github.com/scanlogin/scanlogin/internal/asynctest"
	"github.com/scanlogin/scanlogin/internal/redistest"
)

// environment is a scanlogin with its Redis, and everything that was received
// from it.
type environment struct {
	*testing.T
	redis     *redistest.Server
	node      node
	config    string // path of the configuration file
	trail     string // path of the audit file
	base, ops string
	client    *http.Client

	poolSecret, oldSecret, userKey, redisPassword string

	needles  []needle
	randoms  []needle     // ids of codes, which the audit trail must not contain
	errors   bytes.Buffer // error answers
	unproven bytes.Buffer // answers and messages to callers without proof
	proven   bytes.Buffer // answers and messages to callers with proof
}

// newSecret returns a random secret and adds it to the needles.
func (e *environment) newSecret(name string) string {
	value := random()
	e.needles = append(e.needles, needle{name, value})
	return value
}

func random() string {
	var bits [32]byte
	rand.Read(bits[:])
	return base64.RawURLEncoding.EncodeToString(bits[:])
}

const config = `listen: 127.0.0.1:0
ops_listen: 127.0.0.1:0
public_url: http://127.0.0.1:8080
redis_url: file:%[1]s/redis
signing_keys: [file:%[1]s/signing.pem, file:%[1]s/old.pem]
log: {level: debug}
audit: {file: %[1]s/audit.log}
limits: {miss_rate: 100000, user_rate: 100000, address_rate: 100000, check_rate: 100000, codes_per_address: 100000}
pools:
  - id: p1
    secrets: [file:%[1]s/pool, env:OLD_SECRET]
    identity: {jwt: {hs256_secret: file:%[1]s/user}}
    vouching: true
    return_full_user_info: true
    allow_browser_exchange: true
  - id: p2
    secret: env:OTHER_SECRET
    identity: {userinfo: {url: "%[2]s"}}
`

// newEnvironment starts Redis and a node.
func newEnvironment(t *testing.T) *environment {
	e := &environment{T: t, redis: redistest.Start(t), client: &http.Client{Timeout: timeout}}
	e.poolSecret, e.oldSecret, e.userKey = e.newSecret("the pool's secret"), e.newSecret("the pool's old secret"), e.newSecret("the key of users' tokens")
	e.redisPassword = e.newSecret("Redis' password")
	e.allowRedisUser()
	broken := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		http.Error(out, r.Header.Get("Authorization"), http.StatusBadGateway) // an identity provider that echoes the token
	}))
	t.Cleanup(broken.Close)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"redis": "redis://app:" + e.redisPassword + "@" + e.redis.Addr() + "/0", "pool": e.poolSecret, "user": e.userKey,
		"signing.pem": e.signingKey("the signing key"), "old.pem": e.signingKey("the old signing key"),
		"scanlogin.yaml": fmt.Sprintf(config, dir, broken.URL),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	e.config = filepath.Join(dir, "scanlogin.yaml")
	e.trail = filepath.Join(dir, "audit.log")
	e.node = launch(t, []string{"OLD_SECRET=" + e.oldSecret, "OTHER_SECRET=" + e.newSecret("the other pool's secret")}, "serve", "--config", e.config)
	e.base = "http://" + e.node.awaitLog(t, `"listen":"([^"]+)"`, 1)
	e.ops = "http://" + e.node.awaitLog(t, `"ops":"([^"]+)"`, 1)
	asynctest.Eventually(t, "the node is ready", func() bool { _, text := e.get(e.ops + "/readyz"); return text == "ok\n" })
	return e
}

// allowRedisUser creates scanlogin's user in Redis.
func (e *environment) allowRedisUser() {
	e.redis.Do("ACL", "SETUSER", "app", "on", ">"+e.redisPassword, "~*", "&*", "+@all")
}

// signingKey creates a key and adds its text and its private number to the needles.
func (e *environment) signingKey(name string) string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		e.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		e.Fatal(err)
	}
	number, err := key.Bytes()
	if err != nil {
		e.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	// Go prints the number in decimal. The first line of the PEM text begins
	// with a header that all such keys share and ends with bytes of this key.
	e.needles = append(e.needles, needle{name, string(number)}, needle{name + " in decimal", new(big.Int).SetBytes(number).String()},
		needle{name + "'s text", strings.Split(text, "\n")[1]})
	return text
}

// bearer returns a user token and adds its signature to the needles.
func (e *environment) bearer(user, key string) string {
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": user, "nickname": user, "exp": time.Now().Add(time.Hour).Unix(),
	}).SignedString([]byte(key))
	if err != nil {
		e.Fatal(err)
	}
	e.addNeedle("a user's token", text[strings.LastIndexByte(text, '.')+1:])
	return text
}

// addNeedle adds a value to search for.
func (e *environment) addNeedle(name, value string) {
	e.Helper()
	if len(value) < 20 {
		e.Fatalf("%s is missing or too short: %q", name, value)
	}
	e.needles = append(e.needles, needle{name, value})
}

// answer is the answer to a call.
type answer struct {
	code int // code of the JSON envelope, 0 without one
	data map[string]any
	http.Header
}

// call makes a call and records the answer. Headers are pairs of name and value.
func (e *environment) call(method, path, body string, headers ...string) answer {
	e.Helper()
	req, err := http.NewRequestWithContext(e.Context(), method, e.base+path, strings.NewReader(body))
	if err != nil {
		e.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	proves := false
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
		proves = true
	}
	res, err := e.client.Do(req)
	if err != nil {
		e.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		e.Fatal(err)
	}
	var envelope struct {
		Code int
		Data map[string]any
	}
	isJSON := json.Unmarshal(text, &envelope) == nil
	switch {
	case res.StatusCode >= 300 || isJSON && envelope.Code != http.StatusOK:
		e.errors.Write(text)
		fmt.Fprintf(&e.errors, "%v\n", res.Header)
	case method == http.MethodGet && !proves:
		e.unproven.Write(text)
	default:
		e.proven.Write(text)
	}
	return answer{envelope.Code, envelope.Data, res.Header}
}

func (e *environment) get(address string) (status int, text string) {
	res, err := e.client.Get(address)
	if err != nil {
		return 0, ""
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		e.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// watch opens a socket and records its first message: as received with proof if
// the subprotocols contain a browser key.
func (e *environment) watch(query string, offers ...string) {
	e.Helper()
	ctx, cancel := context.WithTimeout(e.Context(), timeout)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, strings.Replace(e.base, "http", "ws", 1)+api+"/ws?"+query, &websocket.DialOptions{Subprotocols: offers})
	if err != nil {
		fmt.Fprintln(&e.errors, err)
		return
	}
	defer conn.CloseNow()
	_, text, err := conn.Read(ctx)
	if err != nil {
		fmt.Fprintln(&e.errors, err)
	}
	if len(offers) > 1 {
		e.proven.Write(text)
	} else {
		e.unproven.Write(text)
	}
}

func basic(pool, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(pool+":"+secret))
}
