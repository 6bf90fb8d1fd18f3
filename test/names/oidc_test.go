package names

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

const (
	clientID     = "shop"
	clientSecret = "the secret of the OAuth client of this test"
	callback     = "https://shop.example.com/callback"
	loggedOut    = "https://shop.example.com/logged-out"
)

// newSigningKey returns a key for tokens in PEM.
func (w *walker) newSigningKey() string {
	w.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		w.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// openID logs in at a client of main, uses and ends its tokens, and provokes refusals.
func (w *walker) openID() {
	code := w.authorizationCode()
	w.oidc(http.StatusBadRequest, "token", w.codeForm(code, "code_verifier", strings.Repeat("x", len(verifier))))
	tokens := w.oidc(http.StatusOK, "token", w.codeForm(code))
	tokens = w.oidc(http.StatusOK, "token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens["refresh_token"]}})
	w.oidc(http.StatusOK, "token/revocation", url.Values{"token": {tokens["access_token"]}})
	w.oidc(http.StatusUnauthorized, "me", url.Values{"access_token": {tokens["access_token"]}})
	w.oidc(http.StatusUnauthorized, "me", nil)
	w.oidc(http.StatusBadRequest, "token", w.codeForm(code)) // revokes the login
	w.oidc(http.StatusBadRequest, "token", url.Values{"grant_type": {"password"}})
	w.oidc(http.StatusUnauthorized, "token", w.codeForm(code, "client_id", clientID, "client_secret", "wrong"))
	tokens = w.oidc(http.StatusOK, "token", w.codeForm(w.authorizationCode()))
	w.oidc(http.StatusSeeOther, "session/end", url.Values{"id_token_hint": {tokens["id_token"]}, "post_logout_redirect_uri": {loggedOut}})
	w.oidc(http.StatusBadRequest, "auth?client_id=unknown", nil)
	id, cookie := w.authorizationRequest()
	w.oidc(http.StatusSeeOther, "auth/cancel", url.Values{"request": {id}}, "Cookie", cookie)
	for name, value := range map[string]string{"prompt": "none", "request": "x", "request_uri": "x", "registration": "x", "response_type": "token", "scope": "unknown"} {
		w.oidc(http.StatusSeeOther, "auth?"+authorizeQuery(name, value), nil)
	}
}

// codeForm returns the form that exchanges a code, changed by pairs of name and value.
func (w *walker) codeForm(code string, pairs ...string) url.Values {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

// authorizeQuery returns an authorization request, changed by pairs of name and value.
func authorizeQuery(pairs ...string) string {
	challenge := sha256.Sum256([]byte(verifier))
	q := url.Values{
		"client_id": {clientID}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid profile offline_access"},
		"state": {"a state"}, "nonce": {"a nonce"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return q.Encode()
}

var requestAttribute = regexp.MustCompile(` request="([^"]+)"`)

// authorizationRequest opens the authorization page, and returns its request and cookie.
func (w *walker) authorizationRequest() (id, cookie string) {
	w.Helper()
	res, text := w.ask(http.MethodGet, "auth?"+authorizeQuery(), nil)
	found := requestAttribute.FindStringSubmatch(text)
	if found == nil || len(res.Cookies()) != 1 {
		w.Fatalf("authorization page: status %d, cookies %v: %s", res.StatusCode, res.Cookies(), text)
	}
	set := res.Cookies()[0]
	w.names.add("cookie", set.Name, "of authorization requests")
	return html.UnescapeString(found[1]), set.Name + "=" + set.Value
}

// authorizationCode has the user log in, and returns the authorization code.
func (w *walker) authorizationCode() string {
	w.Helper()
	id, cookie := w.authorizationRequest()
	data := w.post(http.StatusOK, "gene", map[string]any{"userPoolId": "main", "request": id}, "Cookie", cookie)
	random, about := fmt.Sprint(data["random"]), map[string]any{"random": data["random"]}
	w.post(http.StatusOK, "scanned", about, w.bearer(user, userKey)...)
	w.post(http.StatusOK, "confirm", about, w.bearer(user, userKey)...)
	_, data = w.do(request{http.MethodGet, api + "/check?random=" + random + "&request=" + id, "", []string{"X-Browser-Key", fmt.Sprint(data["browserKey"]), "Cookie", cookie}})
	to, err := url.Parse(fmt.Sprint(data["redirect"]))
	if err != nil || !to.Query().Has("code") {
		w.Fatalf("check: redirect %v", data["redirect"])
	}
	for name := range to.Query() {
		w.names.add("authorization response", name)
	}
	return to.Query().Get("code")
}

// oidc makes a request of an endpoint as the client, and expects the status. It returns the texts
// in the answer, and adds names of the answer and, if it is an error, of the audit trail.
func (w *walker) oidc(want int, endpoint string, form url.Values, headers ...string) map[string]string {
	w.Helper()
	method := http.MethodPost
	if form == nil {
		method = http.MethodGet
	}
	if strings.HasPrefix(endpoint, "token") && !form.Has("client_secret") {
		headers = append(headers, "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(clientID+":"+url.QueryEscape(clientSecret))))
	}
	res, text := w.ask(method, endpoint, form, headers...)
	if res.StatusCode != want {
		w.Fatalf("%s: status %d, want %d: %s", endpoint, res.StatusCode, want, text)
	}
	texts := make(map[string]string)
	var body map[string]any
	if json.Unmarshal([]byte(text), &body) == nil {
		for name, value := range body {
			w.names.add("answer of", "oidc/"+endpoint, name)
			texts[name] = fmt.Sprint(value)
		}
	}
	if texts["error"] == "" {
		texts["error"] = "page"
	}
	answer := fmt.Sprintf("error %s, status %d", texts["error"], res.StatusCode)
	if to, err := res.Location(); err == nil && to.Query().Has("error") {
		answer = fmt.Sprintf("error %s, redirect", to.Query().Get("error"))
	}
	if res.StatusCode >= http.StatusBadRequest || strings.HasSuffix(answer, "redirect") {
		w.refused[res.Header.Get("X-Request-Id")] = answer
	}
	return texts
}

// ask makes a request of an endpoint, and returns the response with its text.
func (w *walker) ask(method, endpoint string, form url.Values, headers ...string) (*http.Response, string) {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), method, w.base+"/oidc/main/"+endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		w.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	browser := http.Client{Timeout: timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := browser.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		w.Fatal(err)
	}
	return res, string(text)
}
