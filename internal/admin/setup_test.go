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

// desk is one pool with one setting.
type desk struct {
	value string
	edits []settings.Edit
	err   error
}

func (d *desk) Pools() []settings.Pool {
	return []settings.Pool{{ID: "p", Name: "<script>alert(1)</script>", Settings: []settings.Setting{
		{Name: "code_ttl", Label: "Code lifetime", Kind: "duration", Now: d.value, File: "2m", About: "With `code`."},
		{Name: "origins", Label: "Origins", Kind: "list"},
	}}}
}

func (d *desk) History() []settings.Change {
	return []settings.Change{{Pool: "p", Setting: "code_ttl", Before: "<b>", After: d.value, By: "alice"}}
}

func (d *desk) Change(_ context.Context, e settings.Edit) error {
	if d.err == nil {
		d.edits = append(d.edits, e)
	}
	return d.err
}

// clocked is a shelf whose clock can be moved, and that may be away.
type clocked struct {
	*kv.Memory
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
	t       *testing.T
	url     string
	token   string
	admins  []admin.Admin
	desk    *desk
	shelf   *clocked
	actions []string
	seen    http.Header // by the public server
	queue   *queue.Memory
	http    *http.Client
}

func newRig(t *testing.T) *rig {
	token := admin.NewToken()
	r := &rig{t: t, token: token, admins: []admin.Admin{{Name: "alice", Hash: admin.HashToken(token)}},
		desk: &desk{value: "2m"}, shelf: &clocked{Memory: kv.NewMemory()}, queue: queue.NewMemory()}
	srv := httptest.NewServer(admin.New(admin.Options{
		Admins: func() []admin.Admin { return r.admins }, Desk: r.desk, Shelf: r.shelf,
		Public: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			r.seen = req.Header
			fmt.Fprint(w, req.URL)
		}),
		PublicURL: "https://scan.example.com",
		Letters:   webhook.DeadLetters{Queue: r.queue},
		Trail:     func() []string { return []string{"{\"event\":\"<made>\"}\n"} },
		Observe:   func(a admin.Action) { r.actions = append(r.actions, a.Name+" "+a.Admin) },
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
