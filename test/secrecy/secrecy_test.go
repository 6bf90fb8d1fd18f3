// Package secrecy runs the real program on a real Redis, plays logins and all
// kinds of failures, and then looks for each secret wherever it must not be: in
// Redis and on its channels, in the log, in errors, in metrics, in the process
// list, and in what is told to callers without proof.
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
)

const api = "/api/v2/qrcode"

func TestNoSecretIsFoundWhereItMustNotBe(t *testing.T) {
	w := newWorld(t)
	monitor, channels := listen(t, w.redis.Addr(), "MONITOR"), listen(t, w.redis.Addr(), "PSUBSCRIBE *")
	w.login(w.poolSecret)
	w.login(w.oldSecret)
	open := w.made() // a code that lives, for Redis' dump
	w.mistakes(open)
	w.searchRedis(monitor.end(), channels.end())
	w.withoutRedis(open)
	monitor, channels = listen(t, w.redis.Addr(), "MONITOR"), listen(t, w.redis.Addr(), "PSUBSCRIBE *")
	w.reloads()
	w.login(w.poolSecret)
	w.searchRedis(monitor.end(), channels.end())

	_, metrics := w.get(w.ops + "/metrics")
	noneIn(t, "metrics", []byte(metrics), w.needles)
	noneIn(t, "the process list", w.node.arguments(t), w.needles)
	noneIn(t, "what strangers are told", w.others.Bytes(), w.needles)
	noneIn(t, "an error", w.errors.Bytes(), w.needles)
	w.searchTrail()
	w.node.end(t, syscall.SIGQUIT) // Go's runtime prints all stacks, as in a crash
	log := w.node.text(t)
	noneIn(t, "the log", log, w.needles)
	for _, happened := range []string{
		`"level":"DEBUG"`, `"code":1001`, `"code":1000`, `"code":2020`, `"code":2231`, `"code":2246`, `ticket withheld`, `WRONGPASS`,
		`connection refused`, `the configuration is refused`, `configuration reloaded`, `socket not served`, `userinfo returned status 502`, "SIGQUIT", "goroutine ",
	} {
		if !strings.Contains(string(log), happened) {
			t.Errorf("nothing was proved: no %s in the log:\n%s", happened, log)
		}
	}
	for _, n := range w.needles { // who must be told them was
		if (n.name == "a ticket" || n.name == "a browser key") && n.in(w.owners.Bytes()) == "" {
			t.Errorf("nothing was proved: its owner was not told %s", n.name)
		}
	}
}

// code is what its page knows of it.
type code struct{ random, key, cookie string }

// made makes a code, as a page does.
func (w *world) made() code {
	w.Helper()
	a := w.call("POST", api+"/gene", `{"userPoolId":"p1","customData":{"a":1}}`)
	cookie, err := http.ParseSetCookie(a.Get("Set-Cookie"))
	if err != nil {
		w.Fatalf("gene: %v, %v", a, err)
	}
	c := code{a.data["random"].(string), a.data["browserKey"].(string), cookie.Value}
	w.randoms = append(w.randoms, needle{"a code's random", c.random})
	w.look("a browser key", c.key)
	w.look("a browser cookie", c.cookie)
	return c
}

// login plays one from the picture to the second exchange, watched by the
// browser and by strangers, who bring nothing.
func (w *world) login(secret string) {
	w.Helper()
	c, phone := w.made(), w.bearer("alice", w.userKey)
	about := `{"random":"` + c.random + `"}`
	w.watch("random="+c.random, "scanlogin.v1", "key."+c.key)
	for _, step := range []string{"scanned", "confirm"} {
		w.call("POST", api+"/"+step, about, "Authorization", "Bearer "+phone)
		w.call("GET", api+"/check?random="+c.random, "")
		w.watch("random=" + c.random)
	}
	w.call("GET", api+"/events?random="+c.random, "")
	a := w.call("GET", api+"/check?random="+c.random, "", "X-Browser-Key", c.key)
	ticket, _ := a.data["ticket"].(string)
	user, _ := a.data["userInfo"].(map[string]any)
	token, _ := user["token"].(string)
	w.look("a ticket", ticket[strings.IndexByte(ticket, '.')+1:])
	w.look("an issued token", token[strings.LastIndexByte(token, '.')+1:])
	w.watch("random="+c.random, "scanlogin.v1", "key."+c.key)
	w.call("GET", api+"/check?random="+c.random, "", "Cookie", "scanlogin_browser="+c.cookie)

	body := `{"ticket":"` + ticket + `"}`
	w.call("POST", api+"/userinfo", body, "Authorization", basic("p1", "wrong"+secret))
	w.call("POST", api+"/userinfo", body)
	for _, want := range []int{200, 2246} {
		if a := w.call("POST", api+"/userinfo", body, "Authorization", basic("p1", secret)); a.code != want {
			w.Fatalf("exchange: %d, want %d", a.code, want)
		}
	}
	w.call("POST", api+"/userinfo?ticket="+ticket, "", "Authorization", basic("p1", secret))
	w.call("POST", api+"/userinfo", `{"ticket":"`+ticket+`","client_id":"p1","client_secret":"`+secret+`"}`)
}

// mistakes puts each secret into each place where it does not belong.
func (w *world) mistakes(open code) {
	w.Helper()
	foreign := w.bearer("mallory", w.secret("another app's key"))
	values := []string{foreign}
	for _, n := range w.needles {
		if url.PathEscape(n.value) == n.value { // what a header and an address can carry
			values = append(values, n.value)
		}
	}
	for _, v := range values {
		for _, path := range []string{
			"/check?random=" + v, "/check?wait=s" + v + "&random=" + open.random, "/check?version=" + v + "&random=" + open.random,
			"/image/" + v + ".png", "/image/" + open.random + "." + v, "/" + v, "/events?random=" + v, "/check?userPoolId=" + v + "&random=" + open.random,
		} {
			w.call("GET", api+path, "")
		}
		w.call("GET", "/s/"+v, "")
		w.watch("random=" + v)
		w.watch("userPoolId=" + v)
		w.watch("random="+open.random, "scanlogin.v1", "key."+v)
		for _, body := range []string{
			v, `{"` + v, `{"` + v + `":1}`, `{"ticket":"` + v + `"}`, `{"random":"` + v + `"}`, `{"random":{"` + v + `":1}}`, `{"userPoolId":"` + v + `"}`,
			`{"scene":"` + v + `","userPoolId":"p1"}`, `{"customData":"` + v + `","userPoolId":"p1"}`, `{"random":"` + open.random + `","user":"` + v + `"}`,
			fmt.Sprintf(`{"ticket":"%s.%s","client_id":"%s","client_secret":"%s"}`, open.random, v, v, v),
		} {
			for _, step := range []string{"gene", "scanned", "userinfo"} {
				w.call("POST", api+"/"+step, body)
			}
		}
		for _, as := range []string{v, "Bearer " + v, "Basic " + v, "Digest " + v, basic("p1", v+v), basic(v, "p1")} {
			for _, step := range []string{"scanned", "userinfo"} {
				w.call("POST", api+"/"+step, `{"random":"`+open.random+`","ticket":"`+open.random+`"}`, "Authorization", as)
			}
			w.call("POST", api+"/scanned", `{"random":"`+open.random+`","userPoolId":"p2"}`, "Authorization", as)
		}
		for _, header := range []string{"X-Authing-Userpool-Id", "X-Authing-App-Id", "X-Browser-Key", "Cookie", "Origin", "Content-Type", "Accept-Language", "Last-Event-ID"} {
			w.call("POST", api+"/gene", `{"userPoolId":"p1"}`, header, v)
		}
	}
}

// withoutRedis calls while Redis is away, while it lets nobody in, and until it
// is there again.
func (w *world) withoutRedis(open code) {
	w.Helper()
	calls := func() (code int) {
		w.watch("random="+open.random, "scanlogin.v1", "key."+open.key)
		w.call("GET", api+"/check?random="+open.random, "", "X-Browser-Key", open.key)
		w.call("POST", api+"/scanned", `{"random":"`+open.random+`"}`, "Authorization", w.bearer("bob", w.userKey))
		w.call("POST", api+"/userinfo", `{"ticket":"`+open.random+"."+open.key+`"}`, "Authorization", basic("p1", w.poolSecret))
		w.get(w.ops + "/readyz")
		return w.call("POST", api+"/gene", `{"userPoolId":"p1"}`).code
	}
	w.redis.Kill()
	if code := calls(); code != 1000 {
		w.Errorf("without Redis: %d", code)
	}
	w.redis.Restart() // it knows no user any more
	eventually(w.T, "Redis refuses the password", func() bool { calls(); return strings.Contains(string(w.node.text(w.T)), "WRONGPASS") })
	w.allow()
	eventually(w.T, "Redis is there again", func() bool { return calls() == 200 })
}

// reloads reads a wrong file and a right one, with a secret on each wrong line.
// Somebody has moved the audit trail away before.
func (w *world) reloads() {
	w.Helper()
	if err := os.Rename(w.trail, w.trail+".1"); err != nil {
		w.Fatal(err)
	}
	good := string(read(w.T, w.config))
	for i, wrong := range []string{"secret: " + w.poolSecret + "\n", "listen: " + w.poolSecret + "\n", "redis_url: http://" + w.redisPassword + "\n", w.poolSecret} {
		w.reload(good+wrong, `(the configuration is refused)`, i+1)
	}
	w.reload(good+"    code_ttl: 90s\n", `(configuration reloaded)`, 1)
}

func (w *world) reload(text, says string, n int) {
	w.Helper()
	if err := os.WriteFile(w.config, []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
	if err := w.node.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		w.Fatal(err)
	}
	w.node.says(w.T, says, n)
}

// searchTrail looks through the audit's files, before and after they were
// exchanged.
func (w *world) searchTrail() {
	w.Helper()
	for file, events := range map[string][]string{
		w.trail + ".1": {"made", "scanned", "confirmed", "exchanged", "refused"},
		w.trail:        {"made", "scanned", "confirmed", "exchanged"},
	} {
		for _, event := range events {
			eventually(w.T, "the trail has "+event, func() bool { return strings.Contains(string(read(w.T, file)), `"event":"`+event+`"`) })
		}
		text := read(w.T, file)
		noneIn(w.T, "the audit trail", text, append(w.randoms, w.needles...))
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			w.Errorf("%s: %v, %v", file, info.Mode(), err)
		}
		for line := range strings.Lines(string(text)) {
			if !json.Valid([]byte(line)) {
				w.Errorf("no JSON: %s", line)
			}
		}
	}
}

// searchRedis looks through all that Redis has, and has been told.
func (w *world) searchRedis(monitor, channels []byte) {
	w.Helper()
	var dump strings.Builder
	for _, key := range w.redis.Do("KEYS", "*").([]any) {
		fmt.Fprintf(&dump, "%v %v\n", key, w.redis.Do("HGETALL", key))
	}
	noneIn(w.T, "what Redis holds", []byte(dump.String()), w.needles)
	noneIn(w.T, "what Redis was told", monitor, w.needles)
	noneIn(w.T, "a channel", channels, w.needles)
	for where, text := range map[string]string{"MONITOR": string(monitor), "PSUBSCRIBE": string(channels), "the dump": dump.String()} {
		if want := map[string]string{"MONITOR": "evalsha", "PSUBSCRIBE": "alice", "the dump": "salt"}[where]; !strings.Contains(strings.ToLower(text), want) {
			w.Errorf("nothing was proved: no %s in %s", want, where)
		}
	}
}
