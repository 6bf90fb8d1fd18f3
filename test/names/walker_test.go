package names

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/process"
	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/internal/webhook"
)

const (
	api        = "/api/v2/qrcode"
	user       = "alice"
	otherUser  = "bob"
	poolSecret = "the secret of the pools of this test"
	userKey    = "the key of users' tokens of this test"
	otherKey   = "the key of users' tokens of another pool"
	hookSecret = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
	token      = "scanlogin_token-of-the-administrator-of-this-test"
	verifier   = "0123456789012345678901234567890123456789abc"

	// briefTTL is the lifetime of the codes of brief.
	briefTTL = time.Second

	// timeout is the limit of every wait.
	timeout = 12 * time.Second
)

// nodeConfig has a pool for each kind of refusal. Codes of brief expire soon, and an address
// may have one of them before it counts as one with many.
const nodeConfig = `listen: 127.0.0.1:0
ops_listen: 127.0.0.1:0
public_url: %[9]s
signing_key: %[10]q
redis_url: %[1]s
audit: {file: "%[2]s"}
console: {tokens: [{name: admin, sha256: %[3]s}]}
limits: {address_rate: 10000, miss_rate: 1000, user_rate: 20, codes_per_address: 400, codes_per_pool: 400}
pools:
  - id: main
    secret: "%[4]s"
    identity: {jwt: {hs256_secret: "%[5]s"}}
    vouching: true
    typed_codes: true
    origins: ["https://login.example.com"]
    webhook: {url: "%[7]s", secret: "%[8]s", allow_private: true}
    clients:
      - id: shop
        name: Shop
        secret: "%[11]s"
        redirect_uris: ["%[12]s"]
        post_logout_redirect_uris: ["%[13]s"]
        scopes: [openid, profile, email, phone, offline_access]
  - id: other
    secret: "%[4]s"
    identity: {jwt: {hs256_secret: "%[6]s"}}
    webhook: {url: "%[7]s", secret: "%[8]s", allow_private: true}
  - id: digits
    secret: "%[4]s"
    identity: {jwt: {hs256_secret: "%[5]s"}}
    match: digits
  - id: strict
    secret: "%[4]s"
    identity: {jwt: {hs256_secret: "%[5]s"}}
    consent: {new_browser: block}
  - id: recent
    secret: "%[4]s"
    identity: {jwt: {hs256_secret: "%[5]s"}}
    step_up: {max_age: 5m}
  - id: brief
    secret: "%[4]s"
    code_ttl: 1s
    max_codes: 1
    limits: {codes_per_pool: 1000}
    webhook: {url: "%[7]s", secret: "%[8]s", allow_private: true}
`

// walker uses a scanlogin in every way and collects names.
type walker struct {
	*testing.T
	names     found
	redis     *redistest.Server
	monitor   *monitor
	node      *process.Process
	trails    []string // paths of the audit trails
	base, ops string
	pools     []*pool.Pool // as in the configuration
	cookies   []string     // of browsers
	hooksURL  string
	refused   map[string]string // request id to the answer

	signingKey  string            // PEM
	consoleKeys []string          // hashes that name the console sessions
	explained   map[string]string // what pseudonyms stand for

	mu    sync.Mutex
	hooks found // names in webhook messages
}

// newWalker starts Redis and a receiver of webhooks.
func newWalker(t *testing.T, names found) *walker {
	t.Helper()
	w := &walker{
		T: t, names: names, redis: redistest.Start(t),
		refused: make(map[string]string), hooks: make(found), explained: make(map[string]string),
	}
	for _, id := range []string{"main", "other", "digits", "strict", "recent", "brief"} {
		w.pools = append(w.pools, &pool.Pool{ID: id, Secret: pool.NewSecret(poolSecret)})
	}
	hooks := httptest.NewServer(http.HandlerFunc(w.receive))
	t.Cleanup(hooks.Close)
	w.monitor = startMonitor(t, w.redis)
	w.hooksURL = hooks.URL
	w.signingKey = w.newSigningKey()
	return w
}

// start starts a node, which the next calls go to.
func (w *walker) start(publicURL string) {
	w.Helper()
	dir, hash := w.TempDir(), sha256.Sum256([]byte(token))
	trail, file := filepath.Join(dir, "audit.log"), filepath.Join(dir, "scanlogin.yaml")
	text := fmt.Sprintf(nodeConfig, w.redis.URL(), trail, hex.EncodeToString(hash[:]), poolSecret, userKey, otherKey, w.hooksURL, hookSecret, publicURL,
		w.signingKey, clientSecret, callback, loggedOut)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
	w.trails = append(w.trails, trail)
	w.node = process.New(dir, "scanlogin", binary, "serve", "--config", file)
	w.node.Env = process.CleanEnv()
	if err := w.node.Start(); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(w.node.Kill)
	w.base, w.ops = "http://"+w.awaitLog(`"listen":"([^"]+)"`), "http://"+w.awaitLog(`"ops":"([^"]+)"`)
	w.eventually("the node is ready", func() bool {
		res, err := http.Get(w.ops + "/readyz")
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
}

// stop ends the node, whose audit trail is complete then.
func (w *walker) stop() {
	w.Helper()
	w.node.Signal(syscall.SIGTERM)
	if err := w.node.Wait(timeout); err != nil {
		w.Error(err)
	}
}

func (w *walker) awaitLog(pattern string) (value string) {
	w.Helper()
	w.eventually("the log matches "+pattern, func() bool {
		text, err := w.node.Output()
		if err != nil {
			w.Fatal(err)
		}
		match := regexp.MustCompile(pattern).FindSubmatch(text)
		if match != nil {
			value = string(match[1])
		}
		return match != nil
	})
	return value
}

func (w *walker) eventually(what string, happens func() bool) {
	w.Helper()
	for deadline := time.Now().Add(timeout); !happens(); time.Sleep(10 * time.Millisecond) { // between two questions
		if time.Now().After(deadline) {
			log, _ := w.node.Output()
			w.Fatalf("not within %v: %s; received %v; the node's log:\n%s", timeout, what, w.receivedTypes(), log)
		}
	}
}

// receive is the receiver of webhooks. It refuses scans of other for good.
func (w *walker) receive(out http.ResponseWriter, r *http.Request) {
	var message map[string]any
	if err := json.NewDecoder(r.Body).Decode(&message); err != nil {
		w.Error(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, path := range paths(message) {
		w.hooks.add("webhook", fmt.Sprint(message["type"]), path)
	}
	for name := range r.Header {
		if strings.HasPrefix(name, "Webhook-") {
			w.hooks.add("webhook header", strings.ToLower(name))
		}
	}
	if data, _ := message["data"].(map[string]any); data["pool"] == "other" && message["type"] == webhook.Scanned {
		out.WriteHeader(http.StatusGone) // becomes a dead letter
	}
}

// receivedTypes returns the types of the webhook messages so far, in the order of a code's life.
func (w *walker) receivedTypes() (types []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, event := range webhook.Events() {
		if w.hooks["webhook: "+event+" type"] {
			types = append(types, event)
		}
	}
	return types
}

// request is a call of the API.
type request struct {
	method, path, body string
	headers            []string // pairs of name and value
}

// do makes a call and returns code and data of the answer. A refusal is recorded.
func (w *walker) do(r request) (code int, data map[string]any) {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), r.method, w.base+r.path, strings.NewReader(r.body))
	if err != nil {
		w.Fatal(err)
	}
	if r.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(r.headers); i += 2 {
		req.Header.Set(r.headers[i], r.headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		w.Fatal(err)
	}
	for _, cookie := range res.Cookies() {
		w.names.add("cookie", cookie.Name)
		w.cookies = append(w.cookies, cookie.Value)
	}
	var envelope struct {
		Code int
		Data map[string]any
	}
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(&envelope); err != nil {
		w.Fatalf("%s %s: %v: %s", r.method, r.path, err, text)
	}
	if envelope.Code != http.StatusOK {
		w.refused[res.Header.Get("X-Request-Id")] = fmt.Sprintf("code %d, status %d", envelope.Code, res.StatusCode)
	}
	return envelope.Code, envelope.Data
}

// post makes a call with a JSON body, and headers in pairs, and expects the code.
func (w *walker) post(want int, call string, body map[string]any, headers ...string) map[string]any {
	w.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		w.Fatal(err)
	}
	code, data := w.do(request{http.MethodPost, api + "/" + call, string(text), headers})
	if code != want {
		w.Fatalf("%s: code %d, want %d", call, code, want)
	}
	return data
}

// code creates a code and returns its id and browser key.
func (w *walker) code(pool string, extra ...string) (random, key string) {
	w.Helper()
	body := map[string]any{"userPoolId": pool, "customData": map[string]any{"a": 1}}
	for i := 0; i+1 < len(extra); i += 2 {
		body[extra[i]] = extra[i+1]
	}
	data := w.post(http.StatusOK, "gene", body, "User-Agent", "test")
	random, _ = data["random"].(string)
	key, _ = data["browserKey"].(string)
	return random, key
}

// bearer returns the header of a phone whose token is signed with key.
func (w *walker) bearer(id, key string) []string {
	w.Helper()
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": id, "preferred_username": id, "nickname": id, "picture": "https://example.com/a.png", "email": "a@example.com",
		"email_verified": true, "phone_number": "1", "exp": time.Now().Add(time.Hour).Unix(),
	}).SignedString([]byte(key))
	if err != nil {
		w.Fatal(err)
	}
	return []string{"Authorization", "Bearer " + text}
}
