package console_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/console"
	"github.com/scanlogin/scanlogin/overlay"
	"github.com/scanlogin/scanlogin/shelf"
)

// desk is one pool with one setting.
type desk struct {
	value string
	edits []overlay.Edit
	err   error
}

func (d *desk) Pools() []overlay.Pool {
	return []overlay.Pool{{ID: "p", Name: "<script>alert(1)</script>", Settings: []overlay.Setting{
		{Name: "code_ttl", Label: "Code lifetime", Kind: "duration", Now: d.value, File: "2m", About: "With `code`."},
		{Name: "origins", Label: "Origins", Kind: "list"},
	}}}
}

func (d *desk) History() []overlay.Change {
	return []overlay.Change{{Pool: "p", Setting: "code_ttl", Before: "<b>", After: d.value, By: "alice"}}
}

func (d *desk) Change(_ context.Context, e overlay.Edit) error {
	if d.err == nil {
		d.edits = append(d.edits, e)
	}
	return d.err
}

// clocked is a shelf whose clock can be moved, and that may be away.
type clocked struct {
	*shelf.Memory
	later time.Duration
	away  error
}

func (c *clocked) Now() time.Time { return time.Now().Add(c.later) }

func (c *clocked) Get(ctx context.Context, names ...string) ([]map[string]string, error) {
	if c.away != nil {
		return nil, c.away
	}
	return c.Memory.Get(ctx, names...)
}

// rig is a console, and a browser in front of it.
type rig struct {
	t      *testing.T
	url    string
	token  string
	admins []console.Admin
	desk   *desk
	shelf  *clocked
	deeds  []string
	seen   http.Header // by the public server
	http   *http.Client
}

func newRig(t *testing.T) *rig {
	token := console.NewToken()
	r := &rig{t: t, token: token, admins: []console.Admin{{Name: "alice", Hash: console.HashToken(token)}},
		desk: &desk{value: "2m"}, shelf: &clocked{Memory: shelf.NewMemory()}}
	srv := httptest.NewServer(console.New(console.Options{
		Admins: func() []console.Admin { return r.admins }, Desk: r.desk, Shelf: r.shelf,
		Public: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			r.seen = req.Header
			fmt.Fprint(w, req.URL)
		}),
		PublicURL: "https://scan.example.com",
		Witnesses: []func(console.Deed){func(d console.Deed) { r.deeds = append(r.deeds, d.What+" "+d.Admin) }},
		Log:       slog.New(slog.DiscardHandler),
	}))
	t.Cleanup(srv.Close)
	r.url = srv.URL
	r.http = r.browser()
	return r
}

// browser makes one that follows no redirect.
func (r *rig) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (r *rig) call(method, path string, form url.Values, header ...string) (*http.Response, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		r.t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := r.http.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp, string(body)
}

func (r *rig) expect(status int, method, path string, form url.Values, header ...string) string {
	r.t.Helper()
	resp, body := r.call(method, path, form, header...)
	if resp.StatusCode != status {
		r.t.Fatalf("%s %s: %d, want %d: %s", method, path, resp.StatusCode, status, body)
	}
	return body
}

func (r *rig) login() {
	r.t.Helper()
	r.expect(303, "POST", "/console/login", url.Values{"token": {r.token}})
}

// form is the pool's with the hidden fields that it has now.
func (r *rig) form(set ...string) url.Values {
	r.t.Helper()
	body := r.expect(200, "GET", "/console/pool?id=p", nil)
	form := url.Values{}
	for _, m := range regexp.MustCompile(`type="hidden" name="([^"]+)" value="([^"]*)"`).FindAllStringSubmatch(body, -1) {
		form.Set(m[1], m[2])
	}
	for i := 0; i < len(set); i += 2 {
		form.Set(set[i], set[i+1])
	}
	return form
}

func TestNobodySeesAnythingWithoutAToken(t *testing.T) {
	r := newRig(t)
	for _, path := range []string{"/console", "/console/pools", "/console/pool?id=p", "/console/changes", "/console/try/api/v2/qrcode/check?random=x"} {
		resp, body := r.call("GET", path, nil)
		if resp.StatusCode != 303 || resp.Header.Get("Location") != "/console/login" || strings.Contains(body, "alert") {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
	r.expect(401, "POST", "/console/pool?id=p", url.Values{"set.code_ttl": {"1s"}})
	for _, token := range []string{"", "x", r.token + "x", console.NewToken(), fmt.Sprintf("%x", r.admins[0].Hash)} {
		r.expect(401, "POST", "/console/login", url.Values{"token": {token}})
	}
	r.login()
	r.expect(200, "GET", "/console/pools", nil)
	if got := strings.Join(r.deeds, ","); got != strings.Repeat("login refused ,", 5)+"login alice" {
		t.Errorf("deeds: %s", got)
	}
}

func TestGuessingIsSlow(t *testing.T) {
	r := newRig(t)
	for range 10 {
		r.expect(401, "POST", "/console/login", url.Values{"token": {"x"}})
	}
	resp, _ := r.call("POST", "/console/login", url.Values{"token": {r.token}})
	if resp.StatusCode != 429 || resp.Header.Get("Retry-After") == "" {
		t.Errorf("%d, also with the right token at once", resp.StatusCode)
	}
}

func TestOnlyTheLoginsOwnFormsChangeSomething(t *testing.T) {
	r := newRig(t)
	r.login()
	own := r.form("set.code_ttl", "30s")
	stolen := func() url.Values { // of another login of the same administrator
		mine := r.http
		defer func() { r.http = mine }()
		r.http = r.browser()
		r.login()
		return r.form("set.code_ttl", "30s")
	}()
	r.expect(403, "POST", "/console/pool?id=p", stolen)
	without := r.form("set.code_ttl", "30s")
	without.Del("csrf")
	r.expect(403, "POST", "/console/pool?id=p", without)
	r.expect(403, "POST", "/console/logout", nil)
	for _, header := range [][]string{
		{"Origin", "https://evil.example"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"},
	} {
		r.expect(403, "POST", "/console/pool?id=p", own, header...)
		r.expect(403, "POST", "/console/login", url.Values{"token": {r.token}}, header...)
	}
	if len(r.desk.edits) != 0 {
		t.Fatalf("edits: %+v", r.desk.edits)
	}
	r.expect(303, "POST", "/console/pool?id=p", own, "Origin", r.url)
	if e := r.desk.edits[0]; len(r.desk.edits) != 1 || e.By != "alice" || e.Mark == "" || len(e.Set) != 1 || e.Set["code_ttl"] != "30s" {
		t.Errorf("edits: %+v", r.desk.edits)
	}
}

func TestALoginEnds(t *testing.T) {
	r := newRig(t)
	in := func() bool {
		resp, _ := r.call("GET", "/console/pools", nil)
		return resp.StatusCode == 200
	}
	r.login()
	r.shelf.later = 29 * time.Minute
	if !in() {
		t.Error("after 29 minutes")
	}
	r.shelf.later += 29 * time.Minute
	if !in() {
		t.Error("after 29 minutes more: it was used meanwhile")
	}
	r.shelf.later += 31 * time.Minute
	if in() {
		t.Error("after half an hour without use")
	}
	r.shelf.later = 0
	r.login()
	for range 25 {
		r.shelf.later += 29 * time.Minute
		in()
	}
	if in() {
		t.Error("after 12 hours of use")
	}
	r.shelf.later = 0
	r.login()
	old := r.http.Jar
	r.expect(303, "POST", "/console/logout", url.Values{"csrf": {r.form().Get("csrf")}})
	r.http.Jar = old
	if in() {
		t.Error("after the logout")
	}
	r.login()
	r.admins = []console.Admin{{Name: "alice", Hash: console.HashToken(console.NewToken())}}
	if in() {
		t.Error("after the token was taken out of the configuration")
	}
}

func TestAPageThatKeepsItselfUpToDateIsNobody(t *testing.T) {
	r := newRig(t)
	r.login()
	r.shelf.later = 29 * time.Minute
	r.expect(200, "GET", "/console", nil, "Sec-Fetch-Dest", "empty")
	r.shelf.later = 31 * time.Minute
	r.expect(303, "GET", "/console", nil)
}

func TestACookieIsNoUseElsewhere(t *testing.T) {
	r := newRig(t)
	for proto, want := range map[string]string{
		"http":  "scanlogin_console=…; Path=/console; HttpOnly; SameSite=Strict",
		"https": "__Host-scanlogin_console=…; Path=/; HttpOnly; Secure; SameSite=Strict",
	} {
		resp, _ := r.call("POST", "/console/login", url.Values{"token": {r.token}}, "X-Forwarded-Proto", proto)
		got := regexp.MustCompile(`=[\w-]{43};`).ReplaceAllString(resp.Header.Get("Set-Cookie"), "=…;")
		if got != want {
			t.Errorf("%s: %s", proto, got)
		}
	}
}

func TestNothingIsKeptFramedOrTakenForMarkup(t *testing.T) {
	r := newRig(t)
	r.login()
	for _, path := range []string{"/console", "/console/pools", "/console/pool?id=p", "/console/changes", "/console/login", "/console/nothing"} {
		resp, body := r.call("GET", path, nil)
		h := resp.Header
		if h.Get("Cache-Control") != "no-store" || h.Get("X-Frame-Options") != "DENY" || !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") ||
			!strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'; script-src 'self'; style-src 'self'") {
			t.Errorf("%s: %v", path, h)
		}
		if strings.Contains(body, "<script>alert") || strings.Contains(body, "<b>") || regexp.MustCompile(`<style| style=| on\w+=`).MatchString(body) {
			t.Errorf("%s: %s", path, body)
		}
	}
}

func TestWhatIsWrongIsSaidAndKeptInTheForm(t *testing.T) {
	r := newRig(t)
	r.login()
	r.desk.err = overlay.Problems{"code_ttl": "must be from 1s to 10m"}
	body := r.expect(422, "POST", "/console/pool?id=p", r.form("set.code_ttl", "1h"))
	if !strings.Contains(body, "must be from 1s to 10m") || !strings.Contains(body, `value="1h"`) {
		t.Errorf("%s", body)
	}
	r.desk.err = shelf.ErrStale
	form := r.form("set.code_ttl", "1h")
	r.desk.value = "5m"
	body = r.expect(409, "POST", "/console/pool?id=p", form)
	if !strings.Contains(body, "Somebody else") || !strings.Contains(body, `value="1h"`) || !strings.Contains(body, `name="was.code_ttl" value="5m"`) {
		t.Errorf("%s", body)
	}
	r.desk.err = errors.New("i/o timeout")
	if body = r.expect(503, "POST", "/console/pool?id=p", form); !strings.Contains(body, "The store does not answer") || strings.Contains(body, "i/o") {
		t.Errorf("%s", body)
	}
	r.desk.err = nil
	r.shelf.away = errors.New("gone")
	r.expect(503, "GET", "/console/pools", nil)
	r.shelf.away = nil
	r.expect(404, "GET", "/console/pool?id=q", nil)
	r.expect(400, "POST", "/console/pool?id=p", url.Values{"csrf": {form.Get("csrf")}})
	r.expect(404, "POST", "/console", url.Values{})
}

func TestWhoTriesAPoolShowsThePublicServerNothingOfTheConsole(t *testing.T) {
	r := newRig(t)
	r.login()
	body := r.expect(200, "GET", "/console/try/api/v2/qrcode/check?random=x", nil, "Authorization", "Basic x", "Origin", r.url)
	if body != "/api/v2/qrcode/check?random=x" || r.seen.Get("Cookie") != "" || r.seen.Get("Authorization") != "" || r.seen.Get("Origin") != "https://scan.example.com" {
		t.Errorf("%s, %v", body, r.seen)
	}
	for _, origin := range []string{"https://evil.example", "null"} {
		r.expect(403, "GET", "/console/try/api/v2/qrcode/ws?userPoolId=p", nil, "Origin", origin)
	}
	r.expect(404, "GET", "/console/try/api/v2/qrcode/userinfo", nil)
	r.expect(403, "POST", "/console/try/api/v2/qrcode/confirm", nil)
}
