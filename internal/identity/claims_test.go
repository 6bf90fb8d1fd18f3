package identity

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/scanlogin/scanlogin/session"
)

func TestUserIsReadFromTheConfiguredClaims(t *testing.T) {
	for name, c := range map[string]struct {
		claims Claims
		text   string
		want   session.User
	}{
		"defaults": {Claims{}, `{"sub":"a","preferred_username":"al","nickname":"Al","name":"Alice","picture":"https://x/y.png",
			"email":"a@x","email_verified":true,"phone_number":"+1","department":"d"}`,
			session.User{ID: "a", Username: "al", Nickname: "Al", Photo: "https://x/y.png", Email: "a@x", EmailVerified: true, Phone: "+1"}},
		"name without a nickname": {Claims{}, `{"sub":"a","name":"Alice"}`, session.User{ID: "a", Nickname: "Alice"}},
		"configured": {
			Claims{ID: "id", Username: "u", Nickname: "n", Photo: "p", Email: "e", EmailVerified: "v", Phone: "f"},
			`{"id":"a","sub":"x","u":"al","n":"Al","name":"x","p":"https://x/y.png","e":"a@x","v":"true","f":"+1"}`,
			session.User{ID: "a", Username: "al", Nickname: "Al", Photo: "https://x/y.png", Email: "a@x", EmailVerified: true, Phone: "+1"},
		},
		"configured nickname is missing": {Claims{Nickname: "n"}, `{"sub":"a","name":"Alice"}`, session.User{ID: "a"}},
		"more": {Claims{More: []string{"dept", "roles", "null", "none"}}, `{"sub":"a","dept":"d","roles":["r"],"null":null,"x":"y"}`,
			session.User{ID: "a", More: map[string]any{"dept": "d", "roles": []any{"r"}}}},
		"whole number, not rounded": {Claims{}, `{"sub":12345678901234567890123}`, session.User{ID: "12345678901234567890123"}},
		"other types count as missing": {Claims{}, `{"sub":"a","email":["a@x"],"email_verified":1,"name":{}}`,
			session.User{ID: "a"}},
		"beyond the limits": {Claims{}, `{"sub":"a","picture":"javascript:alert(1)","nickname":"` + strings.Repeat("n", 65) + `"}`,
			session.User{ID: "a", Nickname: strings.Repeat("n", 63) + "…"}},
	} {
		t.Run(name, func(t *testing.T) {
			claims, err := decodeObject([]byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.claims.user(claims)
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("user = %+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

func TestClaimsWithoutAnIDAreRefused(t *testing.T) {
	for _, text := range []string{`{}`, `{"sub":null}`, `{"sub":""}`, `{"sub":true}`, `{"sub":1.0}`, `{"sub":1e3}`, `{"sub":["a"]}`} {
		claims, err := decodeObject([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := (Claims{}).user(claims); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "claims.id") {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := (Claims{}).user(map[string]any{}); !strings.Contains(err.Error(), "sub is missing") {
		t.Errorf("no claims: %v", err)
	}
}
