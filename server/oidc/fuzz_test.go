package oidc

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session/memstore"
)

// fuzzed returns a provider with one public client, and without limits that would stop fuzzing.
func fuzzed() *Provider {
	client := &pool.Client{
		ID: "spa", Name: "SPA", RedirectURIs: []string{"https://spa.example.com/cb?x=1", "http://127.0.0.1/cb"}, Scopes: []string{"openid", "email"},
		RequirePKCE: true, CodeTTL: time.Minute,
	}
	p := &pool.Pool{ID: "p1", Name: "Example", Secret: pool.NewSecret("the secret of the pool"), CodeTTL: time.Second, MaxCodes: 1, Clients: []*pool.Client{client}}
	records := kv.NewMemory()
	const many = 1 << 30
	service := login.New(login.Options{
		PublicURL: "https://scan.example.com", Pools: pool.NewRegistry(p), Store: memstore.New(), Records: records,
		Limits: login.Limits{CodesPerAddress: many, CodesPerPool: many, AddressRate: many / 16},
	})
	return New(Options{
		PublicURL: "https://scan.example.com", Login: service, Log: slog.New(slog.DiscardHandler),
		PrefersChinese: func(http.Header) bool { return false },
	})
}

// FuzzAuthorizationRequest checks that whatever a request says, it is answered with a page or a
// redirect to an address that the client has registered, and that no parameter becomes a header
// or markup.
func FuzzAuthorizationRequest(f *testing.F) {
	valid := "client_id=spa&redirect_uri=https%3A%2F%2Fspa.example.com%2Fcb%3Fx%3D1&response_type=code&scope=openid&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&state=s"
	for _, seed := range []string{
		valid, valid + "&prompt=none", valid + "&response_mode=form_post&prompt=none", valid + "&max_age=x", valid + "&max_age=0&acr_values=gold+%22", valid + "&state=t", valid + "&request=x", valid + "&ui_locales=zh",
		"client_id=spa&redirect_uri=http%3A%2F%2F127.0.0.1%3A65535%2Fcb", "client_id=spa&redirect_uri=https%3A%2F%2Fevil.example", "%", "client_id=%00", "a;b",
	} {
		f.Add(seed)
	}
	p := fuzzed()
	var endpoint Endpoint
	for _, e := range p.Endpoints() {
		if e.Path == "/auth" {
			endpoint = e
		}
	}
	f.Fuzz(func(t *testing.T, query string) {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			r := httptest.NewRequest(method, "/oidc/p1/auth", strings.NewReader(query))
			if r.Header.Set("Content-Type", "application/x-www-form-urlencoded"); method == http.MethodGet {
				r.URL.RawQuery = query
			}
			w := httptest.NewRecorder()
			p.Serve(endpoint, w, r, &login.Caller{IP: "192.0.2.1"}, "p1")
			checkAuthorizationResponse(t, w)
		}
	})
}

func checkAuthorizationResponse(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	to, body := w.Header().Get("Location"), w.Body.String()
	switch w.Code {
	case http.StatusSeeOther:
		isLoopback := strings.HasPrefix(to, "http://127.0.0.1:") || strings.HasPrefix(to, "http://127.0.0.1/cb?")
		if !strings.HasPrefix(to, "https://spa.example.com/cb?x=1&error=") && !isLoopback || strings.ContainsAny(to, "\r\n \"<") {
			t.Errorf("redirect to %q", to)
		}
	case http.StatusOK, http.StatusBadRequest:
		if to != "" || strings.Count(body, "<script") > 1 || strings.Count(body, "<form") > 1 {
			t.Errorf("%d to %q: %s", w.Code, to, body)
		}
	default:
		t.Errorf("answer %d: %s", w.Code, body)
	}
}
