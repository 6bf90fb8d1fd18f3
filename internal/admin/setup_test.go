package admin_test

import (
	"context"
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

	"github.com/scanlogin/scanlogin/internal/admin"
	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/settings"
	"github.com/scanlogin/scanlogin/internal/webhook"
	"github.com/scanlogin/scanlogin/internal/webhook/queue"
)

// fakeSettings has a pool with settings and clients, and one without.
type fakeSettings struct {
	value string
	edits []settings.Edit
	err   error
}

func (d *fakeSettings) Pools() []settings.Pool {
	clients := []settings.Client{{ID: "tv", Name: "<b>TV</b>"}, {ID: "grafana", Name: "Grafana"}}
	return []settings.Pool{{ID: "q", Name: "Other"}, {ID: "p", Name: "<script>alert(1)</script>", Clients: clients, Settings: []settings.Setting{
		{Name: "code_ttl", Label: "Code lifetime", Kind: "duration", Now: d.value, File: "2m", About: "With `code`."},
		{Name: "origins", Label: "Origins", Kind: "list"},
		{Name: "require_pkce", Label: "Require PKCE", Kind: "boolean", Now: "true", File: "false"},
		{Name: "match", Label: "Match", Kind: "text", Choices: []string{"off", "digits"}, Now: "digits", File: "off"},
		{Name: "limits.user_rate", Label: "Rate", Kind: "number", Now: "0", File: "0", Inherited: "5 (limits.user_rate)", Changed: true},
	}}}
}

func (d *fakeSettings) History() []settings.Change {
	return []settings.Change{
		{Pool: "p", Setting: "code_ttl", Before: "<b>", After: d.value, By: "alice"},
		{Pool: "p", Setting: "limits.user_rate", Before: "9", After: "0", By: "alice"},
	}
}

func (d *fakeSettings) Change(_ context.Context, e settings.Edit) error {
	if d.err == nil {
		d.edits = append(d.edits, e)
	}
	return d.err
}

// clocked is a store with an adjustable clock that can fail.
type clocked struct {
	*kv.Memory
	later time.Duration
	err   error
}

func (c *clocked) Now() time.Time { return time.Now().Add(c.later) }

func (c *clocked) Get(ctx context.Context, names ...string) ([]map[string]string, error) {
	if c.err != nil {
		return nil, c.err
	}
	return c.Memory.Get(ctx, names...)
}

// fixture is a console with a browser.
type fixture struct {
	t        *testing.T
	url      string
	token    string
	admins   []admin.Admin
	settings *fakeSettings
	store    *clocked
	actions  []string
	seen     http.Header // received by the public server
	queue    *queue.Memory
	http     *http.Client
}

func newFixture(t *testing.T) *fixture {
	token := admin.NewToken()
	r := &fixture{t: t, token: token, admins: []admin.Admin{{Name: "alice", Hash: admin.HashToken(token)}},
		settings: &fakeSettings{value: "2m"}, store: &clocked{Memory: kv.NewMemory()}, queue: queue.NewMemory()}
	srv := httptest.NewServer(admin.New(admin.Options{
		Admins: func() []admin.Admin { return r.admins }, Settings: r.settings, Store: r.store,
		Public: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			r.seen = req.Header
			fmt.Fprint(w, req.URL)
		}),
		PublicURL:   "https://scan.example.com",
		DeadLetters: webhook.DeadLetters{Queue: r.queue},
		Trail: func() []string {
			return []string{"{\"event\":\"<made>\"}\n", "{\"event\":\"scanned\",\"pool\":\"p\",\"user\":\"u1\"}\n", "not JSON\n"}
		},
		Observe: func(a admin.Action) { r.actions = append(r.actions, a.Name+" "+a.Admin) },
		Log:     slog.New(slog.DiscardHandler),
	}))
	t.Cleanup(srv.Close)
	r.url = srv.URL
	r.http = r.browser()
	return r
}

// browser returns a client that follows no redirects.
func (r *fixture) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (r *fixture) call(method, path string, form url.Values, header ...string) (*http.Response, string) {
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

func (r *fixture) expect(status int, method, path string, form url.Values, header ...string) string {
	r.t.Helper()
	resp, body := r.call(method, path, form, header...)
	if resp.StatusCode != status {
		r.t.Fatalf("%s %s: %d, want %d: %s", method, path, resp.StatusCode, status, body)
	}
	return body
}

func (r *fixture) login() {
	r.t.Helper()
	r.expect(303, "POST", "/console/login", url.Values{"token": {r.token}})
}

// form returns the pool's form with its current hidden fields.
func (r *fixture) form(set ...string) url.Values {
	r.t.Helper()
	body := r.expect(200, "GET", "/console/pool?id=p", nil)
	form := url.Values{}
	for _, m := range regexp.MustCompile(`type="hidden" name="([^"]+)" value="([^"]*)"`).FindAllStringSubmatch(body, -1) {
		form.Set(m[1], m[2])
	}
	if strings.Contains(body, `type="checkbox" role="switch" value="true" checked`) {
		form.Set("set.require_pkce", "true") // comes before the hidden input
	}
	for i := 0; i < len(set); i += 2 {
		form.Set(set[i], set[i+1])
	}
	return form
}
