package server_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/scanlogin/scanlogin/internal/identity"
	"github.com/scanlogin/scanlogin/internal/pool"
)

// invalidTexts are JSON strings that a decoder maps to the same text.
var invalidTexts = []string{`\ud800`, `\udfff`, `a\udc00`, `\ud800x`, "\xff", "a\xc3", "\xed\xa0\x80", `\ufffd`, "a\ufffdb"}

// Decoding replaces invalid Unicode by U+FFFD, so different users would become one. Such a user is
// refused, however the id is sent.
func TestUsersWithInvalidUnicodeAreRefused(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		w.Write(raw)
	}))
	t.Cleanup(site.Close)
	asked, err := identity.NewUserinfo(identity.UserinfoConfig{URL: site.URL})
	if err != nil {
		t.Fatal(err)
	}
	n := alone(t, newPool(t, func(p *pool.Pool) { p.Vouching = true }), newPool(t, func(p *pool.Pool) {
		p.ID, p.AppIDs, p.Identity = "p2", nil, asked
	}))
	named := map[string]func(claims string) answer{
		"token": func(claims string) answer {
			return n.call("POST", "/scanned", map[string]any{"random": n.gene("p1").random}, "Authorization", "Bearer "+signRaw(claims))
		},
		"userinfo": func(claims string) answer {
			token := base64.RawURLEncoding.EncodeToString([]byte(claims))
			return n.call("POST", "/scanned", map[string]any{"random": n.gene("p2").random}, "Authorization", "Bearer "+token)
		},
	}
	const claims = `{"sub":"%s","preferred_username":"%s","nickname":"%s","exp":9999999999}`
	for how, scan := range named {
		for _, text := range invalidTexts {
			t.Run(fmt.Sprintf("%s/%q", how, text), func(t *testing.T) {
				scan(fmt.Sprintf(claims, text, "al", "Al")).refused(401, 2020)
				scan(fmt.Sprintf(claims, "alice", text, "Al")).refused(401, 2020)
				scan(fmt.Sprintf(claims, "alice", "al", text)).ok() // a nickname does not identify a user
			})
		}
		scan(fmt.Sprintf(claims, `\ud83d\ude00`, "é", "Al")).ok() // a surrogate pair is one character
	}
	vouch := func(id, username string) answer {
		body := fmt.Sprintf(`{"random":"%s","user":{"id":"%s","username":"%s"}}`, n.gene("p1").random, id, username)
		return n.call("POST", "/scanned", body, "Authorization", basic("p1", poolSecret))
	}
	for _, text := range invalidTexts {
		for field, a := range map[string]answer{"user.id": vouch(text, "al"), "user.username": vouch("alice", text)} {
			a.refused(400, 2231)
			if !strings.Contains(a.raw, field) {
				t.Errorf("%q is refused without naming %s: %s", text, field, a.raw)
			}
		}
	}
	vouch(`\ud83d\ude00`, "é").ok()
}

// signRaw signs the JSON text of claims unchanged.
func signRaw(claims string) string {
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	mac := hmac.New(sha256.New, []byte(userKey))
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
