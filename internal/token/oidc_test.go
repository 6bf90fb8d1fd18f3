package token_test

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/scanlogin/scanlogin/internal/token"
	"github.com/scanlogin/scanlogin/session"
)

const (
	issuer = publicURL + "/oidc/p1"
	sid    = "0123456789abcdef0123456789abcdef"
)

var issued = time.Unix(1700000000, 0)

func accessToken() token.AccessToken {
	return token.AccessToken{
		Issuer: issuer, Subject: "alice", Client: "grafana", Scope: "openid email", ID: "00112233", SID: sid,
		Issued: issued, Expires: issued.Add(10 * time.Minute),
	}
}

func idToken(access string) token.IDToken {
	return token.IDToken{
		Issuer: issuer, Subject: "alice", Client: "grafana", Issued: issued, Expires: issued.Add(10 * time.Minute),
		AuthTime: issued.Add(-time.Minute), Nonce: "n-1", ACR: "gold", AMR: []string{"qr", "pwd"}, SID: sid, AccessToken: access,
	}
}

// signed returns an access token and the ID token that belongs to it.
func signed(t testing.TB, g *token.Signer) (access, id string) {
	t.Helper()
	access, err := g.SignAccess(accessToken())
	if err != nil {
		t.Fatal(err)
	}
	if id, err = g.SignID(idToken(access)); err != nil {
		t.Fatal(err)
	}
	return access, id
}

// claimsOf verifies a token with the library alone.
func claimsOf(t testing.TB, text string, key *ecdsa.PublicKey) (header map[string]any, claims jwt.MapClaims) {
	t.Helper()
	parsed, err := jwt.Parse(text, func(*jwt.Token) (any, error) { return key, nil },
		jwt.WithValidMethods([]string{"ES256"}), jwt.WithTimeFunc(func() time.Time { return issued }))
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Header, parsed.Claims.(jwt.MapClaims)
}

func TestTokensHaveTheClaimsOfTheStandards(t *testing.T) {
	key := keyOf(t, 1)
	access, id := signed(t, newSigner(t, key))
	header, claims := claimsOf(t, access, &key.PublicKey)
	if header["typ"] != "at+jwt" || header["alg"] != "ES256" || header["kid"] == "" {
		t.Errorf("header of the access token: %v", header)
	}
	if want := (jwt.MapClaims{
		"iss": issuer, "sub": "alice", "aud": issuer, "client_id": "grafana", "scope": "openid email", "jti": "00112233", "sid": sid,
		"iat": 1.7e9, "exp": 1.7e9 + 600.,
	}); !reflect.DeepEqual(claims, want) {
		t.Errorf("access token: %v", claims)
	}
	header, claims = claimsOf(t, id, &key.PublicKey)
	if header["typ"] != "JWT" {
		t.Errorf("header of the ID token: %v", header)
	}
	half := sha256.Sum256([]byte(access))
	if want := (jwt.MapClaims{
		"iss": issuer, "sub": "alice", "aud": "grafana", "sid": sid, "iat": 1.7e9, "exp": 1.7e9 + 600., "auth_time": 1.7e9 - 60.,
		"nonce": "n-1", "acr": "gold", "amr": []any{"qr", "pwd"}, "at_hash": base64.RawURLEncoding.EncodeToString(half[:16]),
	}); !reflect.DeepEqual(claims, want) {
		t.Errorf("ID token: %v", claims)
	}
}

func TestAbsentClaimsAreOmitted(t *testing.T) {
	key := keyOf(t, 1)
	text, err := newSigner(t, key).SignID(token.IDToken{Issuer: issuer, Subject: "alice", Client: "grafana", Issued: issued, Expires: issued.Add(time.Hour), SID: sid})
	if err != nil {
		t.Fatal(err)
	}
	_, claims := claimsOf(t, text, &key.PublicKey)
	for _, name := range []string{"nonce", "acr", "amr"} {
		if _, ok := claims[name]; ok {
			t.Errorf("%s is present: %v", name, claims)
		}
	}
}

func TestEachNodeSignsTheSameText(t *testing.T) {
	key := keyOf(t, 1)
	access, id := signed(t, newSigner(t, key))
	again, idAgain := signed(t, newSigner(t, key))
	if access != again || id != idAgain {
		t.Error("the texts differ")
	}
}

func TestOwnTokensAreAcceptedForTheirPurpose(t *testing.T) {
	old, key := keyOf(t, 1), keyOf(t, 2)
	access, id := signed(t, newSigner(t, old))
	for name, g := range map[string]*token.Signer{"same key": newSigner(t, old), "after a rotation": newSigner(t, key, &old.PublicKey)} {
		got, err := g.ReadAccess(access, issuer, issued.Add(10*time.Minute-time.Second))
		if err != nil || got != accessToken() {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		hint, err := g.ReadID(id, issuer)
		want := token.IDToken{Issuer: issuer, Subject: "alice", Client: "grafana", SID: sid}
		if err != nil || !reflect.DeepEqual(hint, want) {
			t.Errorf("%s: %+v, %v", name, hint, err)
		}
	}
}

func TestOtherTokensAreRefused(t *testing.T) {
	key, other := keyOf(t, 1), keyOf(t, 2)
	g := newSigner(t, key)
	access, id := signed(t, g)
	foreign, foreignID := signed(t, newSigner(t, other))
	claims := jwt.MapClaims{"iss": issuer, "sub": "alice", "aud": issuer, "client_id": "grafana", "jti": "1", "sid": sid, "exp": issued.Add(time.Hour).Unix()}
	forge := func(method jwt.SigningMethod, with any, change func(*jwt.Token)) string {
		forged := jwt.NewWithClaims(method, maps.Clone(claims))
		forged.Header["typ"], forged.Header["kid"] = "at+jwt", g.Keys()[0].Kid
		change(forged)
		text, err := forged.SignedString(with)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	set := func(name string, value any) func(*jwt.Token) {
		return func(forged *jwt.Token) { forged.Claims.(jwt.MapClaims)[name] = value }
	}
	unchanged := func(*jwt.Token) {}
	if _, err := g.ReadAccess(forge(jwt.SigningMethodES256, key, unchanged), issuer, issued); err != nil {
		t.Fatalf("the unchanged token: %v", err)
	}
	for name, text := range map[string]string{
		"nothing": "", "dots": "..", "too long": access + strings.Repeat("x", 8<<10),
		"an ID token": id, "foreign key": foreign, "no signature": access[:strings.LastIndex(access, ".")+1],
		"alg none":        forge(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, unchanged),
		"HMAC":            forge(jwt.SigningMethodHS256, []byte(g.Keys()[0].X), unchanged),
		"unknown kid":     forge(jwt.SigningMethodES256, key, func(f *jwt.Token) { f.Header["kid"] = "x" }),
		"kid not a text":  forge(jwt.SigningMethodES256, key, func(f *jwt.Token) { f.Header["kid"] = 1 }),
		"critical header": forge(jwt.SigningMethodES256, key, func(f *jwt.Token) { f.Header["crit"] = []string{"x"} }),
		"other type":      forge(jwt.SigningMethodES256, key, func(f *jwt.Token) { f.Header["typ"] = "JWT" }),
		"other issuer":    forge(jwt.SigningMethodES256, key, set("iss", publicURL+"/oidc/p2")),
		"other audience":  forge(jwt.SigningMethodES256, key, set("aud", "grafana")),
		"no expiry":       forge(jwt.SigningMethodES256, key, set("exp", nil)),
		"no client":       forge(jwt.SigningMethodES256, key, set("client_id", "")),
		"no sid":          forge(jwt.SigningMethodES256, key, set("sid", 5)),
		"no subject":      forge(jwt.SigningMethodES256, key, set("sub", "")),
		"no id":           forge(jwt.SigningMethodES256, key, set("jti", "")),
	} {
		if got, err := g.ReadAccess(text, issuer, issued); !errors.Is(err, token.ErrInvalid) || got != (token.AccessToken{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, err := g.ReadAccess(access, issuer, issued.Add(10*time.Minute)); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("expired: %v", err)
	}
	for name, hint := range map[string]string{"access token": access, "foreign key": foreignID, "nothing": ""} {
		if _, err := g.ReadID(hint, issuer); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("%s as a hint: %v", name, err)
		}
	}
	if _, err := g.ReadID(id, publicURL+"/oidc/p2"); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("hint of another issuer: %v", err)
	}
}

func TestWithoutAKeyThereAreNoTokens(t *testing.T) {
	for name, g := range map[string]*token.Signer{"no signer": nil, "no key": newSigner(t, nil)} {
		if _, err := g.SignAccess(accessToken()); !errors.Is(err, token.ErrNone) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := g.SignID(idToken("x")); !errors.Is(err, token.ErrNone) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := g.ReadAccess("x", issuer, issued); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestClaimsDependOnTheScopes(t *testing.T) {
	u := session.User{
		ID: "alice", Username: "al", Nickname: "Alice", Photo: "https://example.com/a.png", Email: "a@example.com", Phone: "+1",
		More: map[string]any{"department": "R&D", "sub": "root", "email": "root@example.com", "email_verified": true, "nickname": "root", "name": "Alice Liddell"},
	}
	profile := map[string]any{
		"sub": "alice", "name": "Alice Liddell", "nickname": "Alice", "preferred_username": "al", "picture": "https://example.com/a.png", "department": "R&D",
	}
	for scopes, want := range map[string]map[string]any{
		"":                     {"sub": "alice"},
		"openid unknown":       {"sub": "alice"},
		"openid profile":       profile,
		"openid email":         {"sub": "alice", "email": "a@example.com", "email_verified": false},
		"openid phone":         {"sub": "alice", "phone_number": "+1"},
		"email phone openid x": {"sub": "alice", "email": "a@example.com", "email_verified": false, "phone_number": "+1"},
	} {
		if got := token.UserClaims(u, strings.Fields(scopes)); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v, want %v", scopes, got, want)
		}
	}
	if got := token.UserClaims(session.User{ID: "bob"}, []string{"profile", "email", "phone"}); !reflect.DeepEqual(got, map[string]any{"sub": "bob"}) {
		t.Errorf("a user without claims: %v", got)
	}
	if len(u.More) != 6 {
		t.Error("the user was modified")
	}
}
