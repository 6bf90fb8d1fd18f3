package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// consoleBrowser is an administrator's browser in front of a node's console.
type consoleBrowser struct {
	t      *testing.T
	url    string // of the ops listener
	client *http.Client
}

func newConsoleBrowser(t *testing.T, address string) *consoleBrowser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &consoleBrowser{t, address, &http.Client{Jar: jar, Timeout: testDeadline, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}}
}

// post sends a form and expects the status.
func (b *consoleBrowser) post(want int, path string, form url.Values) {
	b.t.Helper()
	resp, err := b.client.PostForm(b.url+path, form)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != want {
		b.t.Fatalf("%s: status %d, want %d", path, resp.StatusCode, want)
	}
}

// hidden returns the hidden fields of a page's form.
func (b *consoleBrowser) hidden(path string) url.Values {
	b.t.Helper()
	resp, err := b.client.Get(b.url + path)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	form := url.Values{}
	for _, field := range regexp.MustCompile(`type="hidden" name="([^"]+)" value="([^"]*)"`).FindAllStringSubmatch(string(page), -1) {
		form.Set(field[1], field[2])
	}
	return form
}

// adminLines returns the administrators' actions in an audit trail: event, administrator
// and pool. Each must have an address and a time.
func adminLines(t *testing.T, trail string) (actions []string) {
	t.Helper()
	for line := range strings.Lines(trail) {
		var r struct {
			Time                        time.Time
			Event, Admin, Pool, Address string
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if !strings.HasPrefix(r.Event, "admin_") {
			continue
		}
		if r.Address != "127.0.0.1" || r.Time.IsZero() {
			t.Errorf("line: %s", line)
		}
		actions = append(actions, strings.TrimRight(r.Event+" "+r.Admin+" "+r.Pool, " "))
	}
	return actions
}

func TestAdministratorsActionsAreAudited(t *testing.T) {
	_, printed, _ := runCommand(t, "console-token", "alice")
	token := regexp.MustCompile(`scanlogin_\S+`).FindString(printed)
	_, admins, _ := strings.Cut(printed, "for the configuration of all nodes:\n\n")
	trail := filepath.Join(t.TempDir(), "audit.log")
	node := start(t, "serve", "--config", writeFile(t, "scanlogin.yaml",
		good+admins+"listen: 127.0.0.1:0\nops_listen: 127.0.0.1:0\naudit: {file: "+trail+"}\n"))
	admin := newConsoleBrowser(t, "http://"+node.wait(t, `"ops":"([^"]+)"`))

	admin.post(http.StatusUnauthorized, "/console/login", url.Values{"token": {"wrong"}})
	admin.post(http.StatusSeeOther, "/console/login", url.Values{"token": {token}})
	form := admin.hidden("/console/pool?id=demo")
	form.Set("set.code_ttl", "30s")
	admin.post(http.StatusSeeOther, "/console/pool?id=demo", form)
	admin.post(http.StatusSeeOther, "/console/letters?id=demo", form)
	admin.post(http.StatusSeeOther, "/console/logout", form)
	http.DefaultClient.CloseIdleConnections()
	if code := node.stop(); code != exitOK { // writes the rest of the trail
		t.Errorf("code %d: %s", code, node.text())
	}
	text, err := os.ReadFile(trail)
	if err != nil {
		t.Fatal(err)
	}
	want := "admin_login_refused, admin_login alice, admin_change alice demo, admin_resend alice demo, admin_logout alice"
	if got := strings.Join(adminLines(t, string(text)), ", "); got != want || strings.Contains(string(text), token) {
		t.Errorf("got  %s\nwant %s\n%s", got, want, text)
	}
}

func TestWebhookDeliveriesAreCounted(t *testing.T) {
	answers := make(chan int, 2)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(<-answers) }))
	t.Cleanup(receiver.Close)
	t.Cleanup(func() { close(answers) }) // ends a handler that waits for its answer
	server := start(t, "serve", "--config", writeFile(t, "scanlogin.yaml",
		hooked("url: "+receiver.URL+", allow_private: true, events: [code.made], secret: "+hookSecret)+
			"listen: 127.0.0.1:0\nops_listen: 127.0.0.1:0\n"))
	node := &storyNode{"http://" + server.wait(t, `"listen":"([^"]+)"`), "http://" + server.wait(t, `"ops":"([^"]+)"`)}
	if text := string(node.scrape(t).text); strings.Count(text, "scanlogin_webhook_deliveries_total{") != 4 {
		t.Errorf("before the first delivery, the metric has not one zero for each outcome:\n%s", text)
	}
	answers <- http.StatusOK
	answers <- http.StatusGone
	for range 2 {
		if status, answer := call(t, http.MethodPost, node.url+"/api/v2/qrcode/gene", `{"userPoolId":"demo"}`); status != http.StatusOK {
			t.Fatalf("%d: %s", status, answer)
		}
	}
	want := fmt.Sprint(map[string]int{"dead demo": 1, "delivered demo": 1, "failed demo": 1})
	deadline := time.Now().Add(testDeadline)
	for got := ""; got != want; time.Sleep(10 * time.Millisecond) { // between two scrapes
		if got = fmt.Sprint(sum("scanlogin_webhook_deliveries_total", node.scrape(t))); time.Now().After(deadline) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}
