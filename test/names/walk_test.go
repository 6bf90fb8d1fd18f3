package names

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/scanlogin/scanlogin/internal/webhook"
	"github.com/scanlogin/scanlogin/session"
)

// walk adds the names that a running program shows.
func walk(t *testing.T, names found) {
	t.Helper()
	w := newWalker(t, names)
	w.start("http://127.0.0.1:8080")
	w.console("http")
	w.console("https")
	w.logins()
	w.openID()
	w.refusals()
	w.typedCodes()
	w.stepUp()
	w.cancels()
	w.exceedAnEighth()
	w.sockets()
	w.ends()
	w.eventually("the receiver has messages of all types", func() bool { return slices.Equal(w.receivedTypes(), webhook.Events()) })
	w.eventually("there is a dead letter", func() bool { return w.deadLetter() })
	w.eventually("statistics were published", func() bool { return w.monitor.hasKey("scanlogin:stats:") })
	w.addMetrics()
	w.stopWhilePageWaits()
	w.start("https://scan.example.com")
	random, _ := w.code("main") // with other names of the cookies
	w.authorizationRequest()
	w.monitor.stop()
	w.redis.Kill()
	w.post(1000, "gene", map[string]any{"userPoolId": "main"})
	w.until("the store does not answer", w.dial("random="+random))
	w.stop()
	w.addRecorded()
}

// logins performs a complete login, and one whose page withdraws its code.
func (w *walker) logins() {
	phone := w.bearer(user, userKey)
	challenge := sha256.Sum256([]byte(verifier))
	random, key := w.code("main", "codeChallenge", base64.RawURLEncoding.EncodeToString(challenge[:]), "codeChallengeMethod", "S256")
	about := map[string]any{"random": random}
	w.post(2243, "confirm", about, phone...)
	w.post(http.StatusOK, "scanned", about, phone...)
	w.post(2245, "scanned", about, w.bearer(otherUser, userKey)...)
	w.post(http.StatusOK, "confirm", about, phone...)
	_, data := w.do(request{http.MethodGet, api + "/check?random=" + random, "", []string{"X-Browser-Key", key}})
	site := w.site("main")
	ticket := map[string]any{"ticket": data["ticket"], "codeVerifier": strings.Repeat("x", len(verifier))}
	w.post(2250, "userinfo", ticket, site...)
	ticket["codeVerifier"] = verifier
	w.post(http.StatusOK, "userinfo", ticket, site...)
	w.post(2246, "userinfo", ticket, site...)
	w.post(2244, "scanned", about, phone...)
}

// refusals provokes the other refusals.
func (w *walker) refusals() {
	phone := w.bearer(user, userKey)
	random, _ := w.code("main")
	about := map[string]any{"random": random}
	unknown := map[string]any{"random": strings.Repeat("x", len(random))}
	w.post(2231, "gene", map[string]any{"userPoolId": "main", "customData": "x"})
	w.post(2224, "gene", map[string]any{"userPoolId": "none"})
	w.post(1001, "userinfo", map[string]any{"ticket": random + "." + strings.Repeat("x", 43)}, "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("main:wrong")))
	w.post(2020, "scanned", about)
	w.post(2036, "scanned", about, w.bearer(user, otherKey)...)
	w.post(500, "scanned", unknown, phone...)
	w.post(2247, "gene", map[string]any{"userPoolId": "main"}, "Origin", "https://attacker.example.com")
	for want, r := range map[int]request{
		2241: {http.MethodGet, api + "/check?random=" + strings.Repeat("x", len(random)), "", nil},
		404:  {http.MethodGet, api + "/none", "", nil},
		405:  {http.MethodGet, api + "/gene", "", nil},
		413:  {http.MethodPost, api + "/gene", `{"userPoolId":"` + strings.Repeat("x", 70<<10) + `"}`, nil},
		415:  {http.MethodPost, api + "/gene", `{}`, []string{"Content-Type", "text/plain"}},
		426:  {http.MethodGet, api + "/ws?random=" + random, "", nil},
	} {
		if code, _ := w.do(r); code != want {
			w.Errorf("%s %s: code %d, want %d", r.method, r.path, code, want)
		}
	}
	random, _ = w.code("strict")
	w.post(http.StatusOK, "scanned", map[string]any{"random": random}, phone...)
	w.post(2248, "confirm", map[string]any{"random": random}, phone...)
	random, key := w.code("digits")
	w.post(http.StatusOK, "scanned", map[string]any{"random": random}, phone...)
	w.post(2249, "confirm", map[string]any{"random": random}, phone...)
	_, data := w.do(request{http.MethodGet, api + "/check?random=" + random, "", []string{"X-Browser-Key", key}})
	wrong := "10"
	if data["matchCode"] == wrong {
		wrong = "11"
	}
	w.post(2249, "confirm", map[string]any{"random": random, "matchCode": wrong}, phone...)
	w.post(http.StatusOK, "confirm", map[string]any{"random": random, "matchCode": data["matchCode"]}, phone...)
	random, _ = w.code("other") // becomes a dead letter
	w.post(http.StatusOK, "scanned", map[string]any{"random": random}, w.bearer(user, otherKey)...)
}

// cancels cancels until the user may not scan for a while.
func (w *walker) cancels() {
	phone := w.bearer(user, userKey)
	for range 8 { // usually the fourth scan is refused; on a slow machine a later one, as the cool-down grows
		random, _ := w.code("main")
		code, _ := w.do(request{http.MethodPost, api + "/scanned", `{"random":"` + random + `"}`, phone})
		if code == http.StatusTooManyRequests {
			return
		}
		w.post(http.StatusOK, "cancel", map[string]any{"random": random}, phone...)
	}
	w.Error("no scan was refused")
}

// exceedAnEighth uses more than an eighth of the allowances for codes and for a user, from where they
// are counted over all nodes.
func (w *walker) exceedAnEighth() {
	phone := w.bearer(user, userKey)
	for range 60 { // of 400
		w.code("main")
	}
	random, _ := w.code("main")
	for range 120 { // of 200, of which an eighth is 25; it is refilled meanwhile, which a slow machine must not outlast
		w.do(request{http.MethodPost, api + "/scanned", `{"random":"` + random + `"}`, phone})
	}
}

// dial opens a WebSocket and adds its subprotocol.
func (w *walker) dial(query string) *websocket.Conn {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), timeout)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, strings.Replace(w.base, "http", "ws", 1)+api+"/ws?"+query, &websocket.DialOptions{Subprotocols: []string{"scanlogin.v2", "scanlogin.v1"}})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = conn.CloseNow() })
	w.names.add("WebSocket subprotocol", conn.Subprotocol())
	return conn
}

// send sends a text message.
func (w *walker) send(conn *websocket.Conn, text string) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), timeout)
	defer cancel()
	if err := conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		w.Fatal(err)
	}
}

// awaitMessage reads until a message of this kind.
func (w *walker) awaitMessage(conn *websocket.Conn, event string) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), timeout)
	defer cancel()
	for {
		var message struct{ Event string }
		_, text, err := conn.Read(ctx)
		if err == nil {
			err = json.Unmarshal(text, &message)
		}
		if err != nil {
			w.Fatalf("%v: %s", err, text)
		}
		w.names.add("socket message", message.Event)
		if message.Event == event {
			return
		}
	}
}

// until reads until the connection is closed, and adds the close code.
func (w *walker) until(why string, conn *websocket.Conn) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), timeout)
	defer cancel()
	for {
		if _, _, err := conn.Read(ctx); err != nil {
			if code := websocket.CloseStatus(err); code >= 0 {
				w.names.add("close code", fmt.Sprint(int(code)), why)
			} else {
				w.Errorf("%s: %v", why, err)
			}
			return
		}
	}
}

// sockets has sockets closed for every reason that a page can cause.
func (w *walker) sockets() {
	random, _ := w.code("main")
	w.awaitMessage(w.dial("random="+random), "waiting")
	page := w.dial("userPoolId=main")
	w.awaitMessage(page, "code")
	w.send(page, `{"action":"refresh"}`) // withdraws the code
	w.awaitMessage(page, "code")
	w.send(page, `{"action":"none"}`)
	w.until("unknown action", page)
	page = w.dial("userPoolId=main")
	w.send(page, strings.Repeat(" ", 5000))
	w.until("message too long", page)
	page = w.dial("userPoolId=main")
	w.send(page, "\xff")
	w.until("not UTF-8", page)
	w.until("no such code", w.dial("random="+strings.Repeat("x", 30)))
	w.until("no such pool", w.dial("userPoolId=none"))
	w.until("max_codes codes have expired", w.dial("userPoolId=brief"))
	random, _ = w.code("main")
	conn, about := w.dial("random="+random), map[string]any{"random": random, "user": map[string]any{"id": otherUser}}
	w.post(http.StatusOK, "scanned", about, w.site("main")...)
	w.post(http.StatusOK, "confirm", about, w.site("main")...)
	w.until("confirmed", conn)
}

// ends has one code expire and one disappear.
func (w *walker) ends() {
	expires, _ := w.code("brief")
	for began := time.Now(); ; began = time.Now() { // until the code was deleted before it expired
		lost, _ := w.code("brief")
		for _, key := range w.redis.Do("KEYS", "*"+lost+"*").([]any) {
			w.redis.Do("DEL", key)
		}
		if time.Since(began) < briefTTL {
			break
		}
	}
	w.eventually("the audit trail has an expired and a lost code", func() bool {
		seen := make(map[any]bool)
		for _, line := range readLines(w.T, w.trails[0]) {
			seen[line["event"]] = true
		}
		return seen[string(session.EventExpired)] && seen[string(session.EventLost)]
	})
	w.post(2242, "scanned", map[string]any{"random": expires, "user": map[string]any{"id": user}}, w.site("brief")...)
}

// deadLetter reports whether a dead letter was stored.
func (w *walker) deadLetter() bool {
	return len(w.redis.Do("KEYS", "scanlogin:queue:webhooks:other:dead").([]any)) > 0
}

// site returns the header of a pool's site.
func (w *walker) site(pool string) []string {
	return []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(pool+":"+poolSecret))}
}

// addMetrics adds the metrics with their labels, and the values of labels that the program
// chooses and that do not depend on timing.
func (w *walker) addMetrics() {
	res, err := http.Get(w.ops + "/metrics")
	if err != nil {
		w.Fatal(err)
	}
	defer res.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(res.Body)
	if err != nil {
		w.Fatal(err)
	}
	for name, family := range families {
		if !strings.HasPrefix(name, "scanlogin_") {
			continue
		}
		kind := strings.ToLower(family.GetType().String())
		w.names.add("metric", name, kind)
		for _, m := range family.GetMetric() {
			for _, l := range m.GetLabel() {
				w.names.add("metric", name, kind, l.GetName())
				if label := l.GetName(); label != "pool" && label != "client" {
					w.names.add("metric label", name, l.GetName()+"="+l.GetValue())
				}
			}
		}
	}
}

// stopWhilePageWaits ends the node while a page waits.
func (w *walker) stopWhilePageWaits() {
	random, _ := w.code("main")
	conn := w.dial("random=" + random)
	w.node.Signal(syscall.SIGTERM)
	w.until("the node stops", conn)
	if err := w.node.Wait(timeout); err != nil {
		w.Error(err)
	}
}

// addRecorded adds what was recorded during the walk. The nodes have ended: the audit trails
// are complete.
func (w *walker) addRecorded() {
	reasons := make(map[string]string) // by request id
	for _, trail := range w.trails {
		for _, line := range readLines(w.T, trail) {
			w.names.addAuditLine(line)
			if reason, ok := line["reason"].(string); ok {
				id, _ := line["request"].(string)
				reasons[id] = reason
			}
		}
	}
	for id, answer := range w.refused {
		reason := reasons[id]
		if reason == "" {
			reason = "not audited"
		}
		w.names.add("refusal", reason, answer)
	}
	w.addRedis()
	w.mu.Lock()
	defer w.mu.Unlock()
	for name := range w.hooks {
		w.names[name] = true
	}
}
