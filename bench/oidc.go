package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
)

// The OAuth client of scanlogin nodes that are started for logins through OpenID
// Connect; node.yaml registers it.
const (
	clientID     = "bench-client"
	clientSecret = "the-secret-of-the-client-of-the-benchmark"
	callback     = "https://client.example.com/callback"
)

// authorization is an authorization request, as the client and the browser know it.
type authorization struct {
	pageState
	verifier string // PKCE
	nonce    string
}

var requestAttribute = regexp.MustCompile(` request="([^"]+)"`)

// authorize opens the authorization page in a browser that has no cookie yet.
func (s *system) authorize(ctx context.Context) (a authorization, err error) {
	a.verifier, a.nonce = rand.Text()+rand.Text(), rand.Text()
	challenge := sha256.Sum256([]byte(a.verifier))
	query := url.Values{
		"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {callback}, "scope": {"openid profile"}, "state": {rand.Text()}, "nonce": {a.nonce},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, s.issuer()+"/auth?"+query.Encode(), nil)
	if err != nil {
		return a, err
	}
	text, header, err := s.send(q)
	if err != nil {
		return a, err
	}
	found := requestAttribute.FindSubmatch(text)
	cookie, _, _ := strings.Cut(header.Get("Set-Cookie"), ";")
	if found == nil || cookie == "" {
		return a, fmt.Errorf("the authorization page has no request, or sets no cookie: %s", text)
	}
	a.request, a.cookie = string(found[1]), cookie
	return a, nil
}

// redeem exchanges the authorization code in a redirect for tokens, whose user must be
// that one.
func (s *system) redeem(ctx context.Context, redirect string, a authorization, user string) error {
	back, err := url.Parse(redirect)
	if err != nil {
		return err
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {back.Query().Get("code")}, "redirect_uri": {callback}, "code_verifier": {a.verifier}}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, s.issuer()+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	q.SetBasicAuth(clientID, clientSecret)
	text, _, err := s.send(q)
	if err != nil {
		return err
	}
	var tokens struct {
		ID string `json:"id_token"`
	}
	if err := json.Unmarshal(text, &tokens); err != nil {
		return err
	}
	var claims struct{ Sub, Nonce string }
	if parts := strings.Split(tokens.ID, "."); len(parts) == 3 {
		body, _ := base64.RawURLEncoding.DecodeString(parts[1])
		err = json.Unmarshal(body, &claims)
	}
	if err != nil || claims.Sub != user || claims.Nonce != a.nonce {
		return errors.Join(err, fmt.Errorf("the ID token of %q is of %q", user, claims.Sub))
	}
	return nil
}

func (s *system) issuer() string { return s.last().url + "/oidc/" + s.pool }

// writeSigningKey writes a new key that signs tokens.
func writeSigningKey(file string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}
