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

	"github.com/scanlogin/scanlogin/internal/redistest"
)

// world is a scanlogin with its Redis, and all that was seen of it.
type world struct {
	*testing.T
	redis     *redistest.Server
	node      *process
	config    string // its file
	trail     string // the audit's file
	base, ops string
	client    *http.Client

	poolSecret, oldSecret, userKey, redisPassword string

	needles []needle
	randoms []needle     // of codes, which no trail may hold
	errors  bytes.Buffer // all bodies of errors
	others  bytes.Buffer // all that was told to callers without proof
	owners  bytes.Buffer // all that was told to those with it
}

// secret makes a random one, which is looked for from then on.
func (w *world) secret(name string) string {
	value := random()
	w.needles = append(w.needles, needle{name, value})
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

// newWorld starts all of it.
func newWorld(t *testing.T) *world {
	w := &world{T: t, redis: redistest.Start(t), client: &http.Client{Timeout: patience}}
	w.poolSecret, w.oldSecret, w.userKey = w.secret("the pool's secret"), w.secret("the pool's old secret"), w.secret("the key of users' tokens")
	w.redisPassword = w.secret("Redis' password")
	w.allow()
	broken := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		http.Error(out, r.Header.Get("Authorization"), http.StatusBadGateway) // an issuer that repeats what it is sent
	}))
	t.Cleanup(broken.Close)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"redis": "redis://app:" + w.redisPassword + "@" + w.redis.Addr() + "/0", "pool": w.poolSecret, "user": w.userKey,
		"signing.pem": w.signingKey("the signing key"), "old.pem": w.signingKey("the old signing key"),
		"scanlogin.yaml": fmt.Sprintf(config, dir, broken.URL),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.config = filepath.Join(dir, "scanlogin.yaml")
	w.trail = filepath.Join(dir, "audit.log")
	w.node = launch(t, []string{"OLD_SECRET=" + w.oldSecret, "OTHER_SECRET=" + w.secret("the other pool's secret")}, "serve", "--config", w.config)
	w.base = "http://" + w.node.says(t, `"listen":"([^"]+)"`, 1)
	w.ops = "http://" + w.node.says(t, `"ops":"([^"]+)"`, 1)
	eventually(t, "the node is ready", func() bool { _, text := w.get(w.ops + "/readyz"); return text == "ok\n" })
	return w
}

// allow lets scanlogin into Redis.
func (w *world) allow() {
	w.redis.Do("ACL", "SETUSER", "app", "on", ">"+w.redisPassword, "~*", "&*", "+@all")
}

// signingKey makes a key, whose text and number are looked for.
func (w *world) signingKey(name string) string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		w.Fatal(err)
	}
	number, err := key.Bytes()
	if err != nil {
		w.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	// The number in decimal is how Go shows one; the first line of the PEM
	// text begins with what all such keys have in common, and ends in ours.
	w.needles = append(w.needles, needle{name, string(number)}, needle{name + " in decimal", new(big.Int).SetBytes(number).String()},
		needle{name + "'s text", strings.Split(text, "\n")[1]})
	return text
}

// bearer is a user's token, whose signature is looked for.
func (w *world) bearer(user, key string) string {
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": user, "nickname": user, "exp": time.Now().Add(time.Hour).Unix(),
	}).SignedString([]byte(key))
	if err != nil {
		w.Fatal(err)
	}
	w.look("a user's token", text[strings.LastIndexByte(text, '.')+1:])
	return text
}

// look adds a value to what is looked for.
func (w *world) look(name, value string) {
	w.Helper()
	if len(value) < 20 {
		w.Fatalf("%s is %q: it was not there", name, value)
	}
	w.needles = append(w.needles, needle{name, value})
}

// answer is what came of a call.
type answer struct {
	code int // in the envelope, 0 without one
	data map[string]any
	http.Header
}

// call makes a call, and keeps what was said if it is an error. Headers stand
// by turns, name and value; a header that HTTP cannot carry makes no call.
func (w *world) call(method, path, body string, headers ...string) answer {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), method, w.base+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	proves := false
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
		proves = true
	}
	res, err := w.client.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		w.Fatal(err)
	}
	var envelope struct {
		Code int
		Data map[string]any
	}
	isJSON := json.Unmarshal(text, &envelope) == nil
	switch {
	case res.StatusCode >= 300 || isJSON && envelope.Code != http.StatusOK:
		w.errors.Write(text)
		fmt.Fprintf(&w.errors, "%v\n", res.Header)
	case method == http.MethodGet && !proves:
		w.others.Write(text)
	default:
		w.owners.Write(text)
	}
	return answer{envelope.Code, envelope.Data, res.Header}
}

func (w *world) get(address string) (status int, text string) {
	res, err := w.client.Get(address)
	if err != nil {
		return 0, ""
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// watch opens a socket, and returns its first message; it is kept as one of an
// owner's if the offers prove that.
func (w *world) watch(query string, offers ...string) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, strings.Replace(w.base, "http", "ws", 1)+api+"/ws?"+query, &websocket.DialOptions{Subprotocols: offers})
	if err != nil {
		fmt.Fprintln(&w.errors, err)
		return
	}
	defer conn.CloseNow()
	_, text, err := conn.Read(ctx)
	if err != nil {
		fmt.Fprintln(&w.errors, err)
	}
	if len(offers) > 1 {
		w.owners.Write(text)
	} else {
		w.others.Write(text)
	}
}

func basic(pool, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(pool+":"+secret))
}
