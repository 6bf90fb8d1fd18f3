// Package secrecy tests that secrets stay secret. It runs the scanlogin binary on a
// real Redis, performs logins and provokes failures of every kind, and searches for
// each secret where it must not be: in Redis and its channels, the log, error
// answers, metrics, the audit trail, the process list, and answers to unproven callers.
package secrecy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/scanlogin/scanlogin/internal/asynctest"
)

const api = "/api/v2/qrcode"

func TestSecretsAppearOnlyWhereTheyMust(t *testing.T) {
	e := newEnvironment(t)
	monitor, channels := record(t, e.redis.Addr(), "MONITOR"), record(t, e.redis.Addr(), "PSUBSCRIBE *")
	e.login(e.poolSecret)
	e.login(e.oldSecret)
	open := e.createCode() // stays open, so that Redis contains it
	e.sendSecretsEverywhere(open)
	e.searchRedis(monitor.end(), channels.end())
	e.callWithoutRedis(open)
	monitor, channels = record(t, e.redis.Addr(), "MONITOR"), record(t, e.redis.Addr(), "PSUBSCRIBE *")
	e.reloadConfigurations()
	e.login(e.poolSecret)
	e.searchRedis(monitor.end(), channels.end())

	_, metrics := e.get(e.ops + "/metrics")
	expectNone(t, "metrics", []byte(metrics), e.needles)
	expectNone(t, "the process list", e.node.arguments(t), e.needles)
	expectNone(t, "answers to unproven callers", e.unproven.Bytes(), e.needles)
	expectNone(t, "error answers", e.errors.Bytes(), e.needles)
	e.searchAuditTrail()
	e.node.end(t, syscall.SIGQUIT) // Go's runtime prints all stacks, as in a crash
	log := e.node.output(t)
	expectNone(t, "the log", log, e.needles)
	for _, happened := range []string{
		`"level":"DEBUG"`, `"code":1001`, `"code":1000`, `"code":2020`, `"code":2231`, `"code":2246`, `ticket withheld`, `WRONGPASS`,
		`connection refused`, `the configuration is refused`, `configuration reloaded`, `socket not served`, `userinfo returned status 502`, "SIGQUIT", "goroutine ",
	} {
		if !strings.Contains(string(log), happened) {
			t.Errorf("the test proves nothing: no %s in the log:\n%s", happened, log)
		}
	}
	for _, n := range e.needles { // the proven browser and the site got theirs
		if (n.name == "a ticket" || n.name == "a browser key") && n.findIn(e.proven.Bytes()) == "" {
			t.Errorf("the test proves nothing: proven callers did not receive %s", n.name)
		}
	}
}

// code is what a page knows about its code.
type code struct{ random, key, cookie string }

// createCode creates a code, as a page does.
func (e *environment) createCode() code {
	e.Helper()
	a := e.call("POST", api+"/gene", `{"userPoolId":"p1","customData":{"a":1}}`)
	cookie, err := http.ParseSetCookie(a.Get("Set-Cookie"))
	if err != nil {
		e.Fatalf("gene: %v, %v", a, err)
	}
	c := code{a.data["random"].(string), a.data["browserKey"].(string), cookie.Value}
	e.randoms = append(e.randoms, needle{"a code's random", c.random})
	e.addNeedle("a browser key", c.key)
	e.addNeedle("a browser cookie", c.cookie)
	return c
}

// login performs a login up to the second exchange of the ticket. The browser
// and unproven watchers follow it.
func (e *environment) login(secret string) {
	e.Helper()
	c, phone := e.createCode(), e.bearer("alice", e.userKey)
	about := `{"random":"` + c.random + `"}`
	e.watch("random="+c.random, "scanlogin.v1", "key."+c.key)
	for _, step := range []string{"scanned", "confirm"} {
		e.call("POST", api+"/"+step, about, "Authorization", "Bearer "+phone)
		e.call("GET", api+"/check?random="+c.random, "")
		e.watch("random=" + c.random)
	}
	e.call("GET", api+"/events?random="+c.random, "")
	a := e.call("GET", api+"/check?random="+c.random, "", "X-Browser-Key", c.key)
	ticket, _ := a.data["ticket"].(string)
	user, _ := a.data["userInfo"].(map[string]any)
	token, _ := user["token"].(string)
	e.addNeedle("a ticket", ticket[strings.IndexByte(ticket, '.')+1:])
	e.addNeedle("an issued token", token[strings.LastIndexByte(token, '.')+1:])
	e.watch("random="+c.random, "scanlogin.v1", "key."+c.key)
	e.call("GET", api+"/check?random="+c.random, "", "Cookie", "scanlogin_browser="+c.cookie)

	body := `{"ticket":"` + ticket + `"}`
	e.call("POST", api+"/userinfo", body, "Authorization", basic("p1", "wrong"+secret))
	e.call("POST", api+"/userinfo", body)
	for _, want := range []int{200, 2246} {
		if a := e.call("POST", api+"/userinfo", body, "Authorization", basic("p1", secret)); a.code != want {
			e.Fatalf("exchange: %d, want %d", a.code, want)
		}
	}
	e.call("POST", api+"/userinfo?ticket="+ticket, "", "Authorization", basic("p1", secret))
	e.call("POST", api+"/userinfo", `{"ticket":"`+ticket+`","client_id":"p1","client_secret":"`+secret+`"}`)
}

// sendSecretsEverywhere sends each secret in every place of a request where it
// does not belong.
func (e *environment) sendSecretsEverywhere(open code) {
	e.Helper()
	foreign := e.bearer("mallory", e.newSecret("another app's key"))
	values := []string{foreign}
	for _, n := range e.needles {
		if url.PathEscape(n.value) == n.value { // allowed in a header and a URL
			values = append(values, n.value)
		}
	}
	for _, v := range values {
		for _, path := range []string{
			"/check?random=" + v, "/check?wait=s" + v + "&random=" + open.random, "/check?version=" + v + "&random=" + open.random,
			"/image/" + v + ".png", "/image/" + open.random + "." + v, "/" + v, "/events?random=" + v, "/check?userPoolId=" + v + "&random=" + open.random,
		} {
			e.call("GET", api+path, "")
		}
		e.call("GET", "/s/"+v, "")
		e.watch("random=" + v)
		e.watch("userPoolId=" + v)
		e.watch("random="+open.random, "scanlogin.v1", "key."+v)
		for _, body := range []string{
			v, `{"` + v, `{"` + v + `":1}`, `{"ticket":"` + v + `"}`, `{"random":"` + v + `"}`, `{"random":{"` + v + `":1}}`, `{"userPoolId":"` + v + `"}`,
			`{"scene":"` + v + `","userPoolId":"p1"}`, `{"customData":"` + v + `","userPoolId":"p1"}`, `{"random":"` + open.random + `","user":"` + v + `"}`,
			fmt.Sprintf(`{"ticket":"%s.%s","client_id":"%s","client_secret":"%s"}`, open.random, v, v, v),
		} {
			for _, step := range []string{"gene", "scanned", "userinfo"} {
				e.call("POST", api+"/"+step, body)
			}
		}
		for _, as := range []string{v, "Bearer " + v, "Basic " + v, "Digest " + v, basic("p1", v+v), basic(v, "p1")} {
			for _, step := range []string{"scanned", "userinfo"} {
				e.call("POST", api+"/"+step, `{"random":"`+open.random+`","ticket":"`+open.random+`"}`, "Authorization", as)
			}
			e.call("POST", api+"/scanned", `{"random":"`+open.random+`","userPoolId":"p2"}`, "Authorization", as)
		}
		for _, header := range []string{"X-Authing-Userpool-Id", "X-Authing-App-Id", "X-Browser-Key", "Cookie", "Origin", "Content-Type", "Accept-Language", "Last-Event-ID"} {
			e.call("POST", api+"/gene", `{"userPoolId":"p1"}`, header, v)
		}
	}
}

// callWithoutRedis makes calls while Redis is down, while it refuses the password,
// and until it works again.
func (e *environment) callWithoutRedis(open code) {
	e.Helper()
	calls := func() (code int) {
		e.watch("random="+open.random, "scanlogin.v1", "key."+open.key)
		e.call("GET", api+"/check?random="+open.random, "", "X-Browser-Key", open.key)
		e.call("POST", api+"/scanned", `{"random":"`+open.random+`"}`, "Authorization", e.bearer("bob", e.userKey))
		e.call("POST", api+"/userinfo", `{"ticket":"`+open.random+"."+open.key+`"}`, "Authorization", basic("p1", e.poolSecret))
		e.get(e.ops + "/readyz")
		return e.call("POST", api+"/gene", `{"userPoolId":"p1"}`).code
	}
	e.redis.Kill()
	if code := calls(); code != 1000 {
		e.Errorf("without Redis: %d", code)
	}
	e.redis.Restart() // the ACL user is lost
	asynctest.Eventually(e.T, "Redis refuses the password", func() bool { calls(); return strings.Contains(string(e.node.output(e.T)), "WRONGPASS") })
	e.allowRedisUser()
	asynctest.Eventually(e.T, "calls succeed again", func() bool { return calls() == 200 })
}

// reloadConfigurations reloads invalid files, with a secret on each invalid line,
// and a valid one. The audit file is renamed before, as log rotation does.
func (e *environment) reloadConfigurations() {
	e.Helper()
	if err := os.Rename(e.trail, e.trail+".1"); err != nil {
		e.Fatal(err)
	}
	good := string(read(e.T, e.config))
	for i, wrong := range []string{"secret: " + e.poolSecret + "\n", "listen: " + e.poolSecret + "\n", "redis_url: http://" + e.redisPassword + "\n", e.poolSecret} {
		e.reload(good+wrong, `(the configuration is refused)`, i+1)
	}
	e.reload(good+"    code_ttl: 90s\n", `(configuration reloaded)`, 1)
}

func (e *environment) reload(text, wantLog string, n int) {
	e.Helper()
	if err := os.WriteFile(e.config, []byte(text), 0o600); err != nil {
		e.Fatal(err)
	}
	e.node.Signal(syscall.SIGHUP)
	e.node.awaitLog(e.T, wantLog, n)
}

// searchAuditTrail searches the audit files from before and after the rotation.
func (e *environment) searchAuditTrail() {
	e.Helper()
	for file, events := range map[string][]string{
		e.trail + ".1": {"made", "scanned", "confirmed", "exchanged", "refused"},
		e.trail:        {"made", "scanned", "confirmed", "exchanged"},
	} {
		for _, event := range events {
			asynctest.Eventually(e.T, "the audit trail has "+event, func() bool { return strings.Contains(string(read(e.T, file)), `"event":"`+event+`"`) })
		}
		text := read(e.T, file)
		expectNone(e.T, "the audit trail", text, append(e.randoms, e.needles...))
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			e.Errorf("%s: %v, %v", file, info.Mode(), err)
		}
		for line := range strings.Lines(string(text)) {
			if !json.Valid([]byte(line)) {
				e.Errorf("not JSON: %s", line)
			}
		}
	}
}

// searchRedis searches everything that Redis stores and has received.
func (e *environment) searchRedis(monitor, channels []byte) {
	e.Helper()
	var dump strings.Builder
	for _, key := range e.redis.Do("KEYS", "*").([]any) {
		fmt.Fprintf(&dump, "%v %v\n", key, e.redis.Do("HGETALL", key))
	}
	expectNone(e.T, "Redis' data", []byte(dump.String()), e.needles)
	expectNone(e.T, "commands sent to Redis", monitor, e.needles)
	expectNone(e.T, "Redis' channels", channels, e.needles)
	for where, text := range map[string]string{"MONITOR": string(monitor), "PSUBSCRIBE": string(channels), "the dump": dump.String()} {
		if want := map[string]string{"MONITOR": "evalsha", "PSUBSCRIBE": "alice", "the dump": "salt"}[where]; !strings.Contains(strings.ToLower(text), want) {
			e.Errorf("the test proves nothing: no %s in %s", want, where)
		}
	}
}
