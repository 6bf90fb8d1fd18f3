package oidc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/token"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/memstore"
)

const (
	fuzzedSecret    = "the secret of the client that is fuzzed"
	fuzzedVerifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636, appendix B
	fuzzedChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	fuzzedCallback  = "https://app.example.com/cb"
	fuzzedPool      = "p1"
)

// fuzzedTokens is a provider with the public client spa, which has a confirmed code and waits for
// a device, and the client app with a secret, which has tokens.
type fuzzedTokens struct {
	*Provider
	pool                          *pool.Pool
	code, device, access, refresh string
}

func newFuzzedTokens(t testing.TB, signer *token.Signer) *fuzzedTokens {
	shared := pool.Client{
		RedirectURIs: []string{fuzzedCallback}, Scopes: pool.Scopes(), RequirePKCE: true, CodeTTL: time.Minute,
		AccessTokenTTL: time.Minute, IDTokenTTL: time.Minute, RefreshTokenTTL: time.Hour,
	}
	spa, app := shared, shared
	spa.ID, spa.Device, spa.DeviceCodeTTL = "spa", true, time.Minute
	app.ID, app.Secret = "app", pool.NewSecret(fuzzedSecret)
	f := &fuzzedTokens{pool: &pool.Pool{
		ID: fuzzedPool, Secret: pool.NewSecret("the secret of the pool"), CodeTTL: time.Minute, ConfirmTTL: time.Minute, TicketTTL: time.Minute, MaxCodes: 1,
		Vouching: true, TypedCodes: true, Clients: []*pool.Client{&spa, &app},
	}}
	service := login.New(login.Options{
		PublicURL: "https://scan.example.com", Pools: pool.NewRegistry(f.pool), Store: memstore.New(), Records: kv.NewMemory(),
	})
	f.Provider = New(Options{PublicURL: "https://scan.example.com", Login: service, Signer: signer, Log: slog.New(slog.DiscardHandler)})
	f.code = f.confirmed(t, "spa")
	var tokens Tokens
	f.mustPost(t, "/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {f.confirmed(t, "app")}, "redirect_uri": {fuzzedCallback}, "code_verifier": {fuzzedVerifier},
		"client_id": {"app"}, "client_secret": {fuzzedSecret},
	}, &tokens)
	f.access, f.refresh = tokens.AccessToken, tokens.RefreshToken
	var device deviceResponse
	f.mustPost(t, devicePath, url.Values{"client_id": {"spa"}, "scope": {"openid"}}, &device)
	f.device = device.DeviceCode
	return f
}

// confirmed returns the authorization code of a login at a client.
func (f *fuzzedTokens) confirmed(t testing.TB, client string) string {
	t.Helper()
	by := &login.Caller{IP: "192.0.2.1"}
	id, err := f.login.BeginAuthorization(t.Context(), by, f.pool, login.AuthorizationRequest{
		Pool: f.pool.ID, ClientID: client, RedirectURI: fuzzedCallback, Scope: "openid offline_access", Challenge: fuzzedChallenge, ResponseMode: login.ModeQuery,
	}, "cookie")
	if err == nil {
		by.Authorization, err = f.login.Authorization(t.Context(), id, "cookie")
	}
	if err != nil {
		t.Fatal(err)
	}
	code, err := f.login.Create(t.Context(), by, login.CreateRequest{Pool: f.pool, CustomData: "{}", Count: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []func() error{
		func() error { _, err := f.login.Scan(t.Context(), f.site(t), f.asAlice(code.Session)); return err },
		func() error { _, err := f.login.Confirm(t.Context(), f.site(t), f.asAlice(code.Session)); return err },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	return f.pool.AuthorizationCode(code.Session)
}

// site is the back end of the pool, which says that alice is at the phone.
func (f *fuzzedTokens) site(t testing.TB) *login.Caller {
	t.Helper()
	by := &login.Caller{IP: "192.0.2.2", Credentials: &login.Credentials{ID: f.pool.ID, Secret: "the secret of the pool"}}
	if err := f.login.BeginChange(t.Context(), by); err != nil {
		t.Fatal(err)
	}
	return by
}

func (f *fuzzedTokens) asAlice(code session.Session) login.PhoneRequest {
	return login.PhoneRequest{Code: string(code.ID), User: &session.User{ID: "alice"}}
}

// post sends a form to an endpoint.
func (f *fuzzedTokens) post(path, body, authorization string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/oidc/p1"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	for _, e := range f.Endpoints() {
		if e.Path == path {
			f.Serve(e, w, r, &login.Caller{IP: "192.0.2.3"}, f.pool.ID)
		}
	}
	return w
}

func (f *fuzzedTokens) mustPost(t testing.TB, path string, form url.Values, into any) {
	t.Helper()
	w := f.post(path, form.Encode(), "")
	if err := json.Unmarshal(w.Body.Bytes(), into); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
}

// FuzzTokenForms sends forms to the endpoints for tokens. `$code` and the like stand for what the
// provider issued. Whatever a form says, there are no tokens without what grants them, and each
// error has the form of RFC 6749.
func FuzzTokenForms(f *testing.F) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	signer, err := token.NewSigner(key, "https://scan.example.com", time.Hour)
	if err != nil {
		f.Fatal(err)
	}
	exchange := "grant_type=authorization_code&code=$code&client_id=spa&redirect_uri=https%3A%2F%2Fapp.example.com%2Fcb&code_verifier="
	asApp := "client_id=app&client_secret=$secret&"
	for _, body := range []string{
		exchange + fuzzedVerifier, exchange, exchange + fuzzedVerifier + "x", exchange + fuzzedVerifier + "&code=$code", strings.Replace(exchange, "spa", "app", 1) + fuzzedVerifier,
		"client_id=spa&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=$device", "client_id=spa&scope=openid+email", "client_id=spa&scope=%22%5C",
		asApp + "grant_type=refresh_token&refresh_token=$refresh", "client_id=spa&grant_type=refresh_token&refresh_token=$refresh", asApp + "grant_type=refresh_token&refresh_token=$refresh&scope=email",
		asApp + "token=$access", asApp + "token=$refresh&token_type_hint=access_token", "client_id=spa&token=$access", asApp + "token=$code&grant_type=x", asApp + "resource=a&resource=b",
		strings.Replace(exchange, "app.example", "evil.example", 1) + fuzzedVerifier, "client_id=app&client_secret=wrong&grant_type=refresh_token&refresh_token=$refresh",
		"client_id=app&client_secret=wrong&token=$access", "client_id=app&token=$refresh",
		"", "%", "a;b", "client_id=%00&client_secret=%ff", "client_assertion=x", "grant_type=client_credentials&client_id=app",
	} {
		f.Add(body, "")
		f.Add(body, "Basic YXBwOiRzZWNyZXQ=")
	}
	f.Add("grant_type=refresh_token&refresh_token=$refresh", "Bearer $access")
	f.Fuzz(func(t *testing.T, body, authorization string) {
		p := newFuzzedTokens(t, signer)
		fill := strings.NewReplacer("$code", p.code, "$device", p.device, "$access", p.access, "$refresh", p.refresh, "$secret", url.QueryEscape(fuzzedSecret))
		body, authorization = fill.Replace(body), fill.Replace(authorization)
		form, _ := url.ParseQuery(body)
		mayHave := tokenRights{p, form, authorization}
		for path, mayAnswer := range map[string]func(answer []byte) bool{
			"/token/introspection": mayHave.introspection, "/token": mayHave.tokens, devicePath: mayHave.device, "/token/revocation": mayHave.revocation,
		} {
			w := p.post(path, body, authorization)
			if w.Code == http.StatusOK {
				if !mayAnswer(w.Body.Bytes()) {
					t.Errorf("%s %q with Authorization %q: %s", path, body, authorization, w.Body)
				}
				continue
			}
			checkOAuthError(t, path, w)
		}
	})
}

// tokenRights tells what a form with a header may get.
type tokenRights struct {
	of            *fuzzedTokens
	form          url.Values
	authorization string
}

// showsSecret reports whether the secret of app is in the form or in the header.
func (r tokenRights) showsSecret() bool {
	basic := http.Request{Header: http.Header{"Authorization": {r.authorization}}}
	_, secret, _ := basic.BasicAuth()
	return r.form.Get("client_secret") == fuzzedSecret || unescaped(secret) == fuzzedSecret || secret == fuzzedSecret
}

func (r tokenRights) tokens(answer []byte) bool {
	var tokens Tokens
	if json.Unmarshal(answer, &tokens) != nil || tokens.AccessToken == "" || tokens.TokenType != "Bearer" || tokens.ExpiresIn != 60 {
		return false
	}
	switch r.form.Get("grant_type") {
	case "authorization_code":
		return r.form.Get("code") == r.of.code && r.form.Get("code_verifier") == fuzzedVerifier && r.form.Get("redirect_uri") == fuzzedCallback
	case "refresh_token":
		return r.form.Get("refresh_token") == r.of.refresh && r.showsSecret()
	}
	return false // nobody has agreed to the device
}

func (r tokenRights) device(answer []byte) bool {
	var d deviceResponse
	return json.Unmarshal(answer, &d) == nil && d.DeviceCode != "" && d.UserCode != "" && d.ExpiresIn == 60
}

func (r tokenRights) introspection(answer []byte) bool {
	var found introspection
	if json.Unmarshal(answer, &found) != nil || !r.showsSecret() {
		return false
	}
	shown := r.form.Get("token")
	return !found.Active && string(answer) == `{"active":false}` || found.Active && (shown == r.of.access || shown == r.of.refresh)
}

func (r tokenRights) revocation(answer []byte) bool { return len(answer) == 0 }

// descriptionText is what an error_description may contain (RFC 6749, 5.2).
var descriptionText = regexp.MustCompile(`^[\x20-\x21\x23-\x5B\x5D-\x7E]+$`)

// checkOAuthError fails unless the answer is an error of RFC 6749, 5.2.
func checkOAuthError(t *testing.T, path string, w *httptest.ResponseRecorder) {
	t.Helper()
	var body map[string]string
	err := json.Unmarshal(w.Body.Bytes(), &body)
	if err != nil || len(body) != 2 || !descriptionText.MatchString(body["error"]) || !descriptionText.MatchString(body["error_description"]) ||
		w.Code != http.StatusBadRequest && w.Code != http.StatusUnauthorized || (w.Code == http.StatusUnauthorized) != (body["error"] == "invalid_client") ||
		w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%s: %d %v %s", path, w.Code, w.Header(), w.Body)
	}
}
