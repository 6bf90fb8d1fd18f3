package pool

import (
	"slices"
	"testing"
)

func TestRedirectURIsMatchCharacterByCharacter(t *testing.T) {
	confidential := &Client{Secret: NewSecret("secret"), RedirectURIs: []string{"https://a.example.com/cb", "http://127.0.0.1:3000/cb"}}
	for uri, want := range map[string]bool{
		"https://a.example.com/cb":                     true,
		"http://127.0.0.1:3000/cb":                     true,
		"http://127.0.0.1:3001/cb":                     false, // a port is part of the address of a server
		"https://a.example.com/cb/":                    false,
		"https://a.example.com/cb?x":                   false,
		"https://a.example.com/cb#x":                   false,
		"https://A.example.com/cb":                     false,
		"https://a.example.com:443/cb":                 false,
		"https://a.example.com/x/../cb":                false,
		"https://a.example.com.evil.example/cb":        false,
		"https://a.example.com@evil.example/cb":        false,
		"https://evil.example/?https://a.example.com/": false,
		"https://a.example.com/cb%0d%0aLocation:x":     false,
		"": false,
	} {
		if got := confidential.AllowsRedirect(uri); got != want {
			t.Errorf("%q: %v", uri, got)
		}
	}
}

func TestOnlyThePortOfALoopbackAddressMayDiffer(t *testing.T) {
	native := &Client{RedirectURIs: []string{"http://127.0.0.1/cb", "http://[::1]:1/cb", "https://a.example.com/cb"}}
	for uri, want := range map[string]bool{
		"http://127.0.0.1/cb":                true,
		"http://127.0.0.1:49152/cb":          true,
		"http://[::1]:49152/cb":              true,
		"http://[::1]/cb":                    true,
		"http://localhost:49152/cb":          false, // another host
		"http://127.0.0.1:49152/cb2":         false,
		"http://127.0.0.1:49152/cb?x":        false,
		"http://127.0.0.1:/cb":               false,
		"http://127.0.0.1:0/cb":              false,
		"http://127.0.0.1:99999/cb":          false,
		"http://127.0.0.1:1@evil.example/cb": false,
		"http://127.0.0.1:1.evil.example/cb": false,
		"http://127.0.0.1.evil.example/cb":   false,
		"http://127.0.0.1@evil.example/cb":   false,
		"http://127.0.0.1\\@evil.example/cb": false,
		"https://127.0.0.1:49152/cb":         false,
		"https://a.example.com:8443/cb":      false,
	} {
		if got := native.AllowsRedirect(uri); got != want {
			t.Errorf("%q: %v", uri, got)
		}
	}
	confidential := &Client{RedirectURIs: native.RedirectURIs, Secret: NewSecret("a secret of the client, long")}
	if confidential.AllowsRedirect("http://127.0.0.1:49152/cb") || !confidential.AllowsRedirect("http://127.0.0.1/cb") {
		t.Error("the port may differ for a client with a secret, or its own address is refused")
	}
}

func TestAPageOfARedirectURIMayCallTheTokenEndpoint(t *testing.T) {
	c := &Client{RedirectURIs: []string{"https://Spa.example.com:443/cb", "http://127.0.0.1:3000/cb", "com.example.app:/cb"}}
	for origin, want := range map[string]bool{
		"https://spa.example.com": true, "http://127.0.0.1:3000": true, "http://127.0.0.1:3001": false,
		"http://spa.example.com": false, "https://evil.example": false, "null": false, "": false, "com.example.app:": false,
	} {
		if got := c.AllowsOrigin(origin); got != want {
			t.Errorf("%q: %v", origin, got)
		}
	}
}

func TestAClientIsGrantedOnlyItsScopes(t *testing.T) {
	c := &Client{Scopes: []string{ScopeOpenID, ScopeEmail}}
	if got := c.Grant([]string{"email", "phone", "openid", "openid", "unknown"}); !slices.Equal(got, []string{"openid", "email"}) {
		t.Errorf("granted %v", got)
	}
	if !slices.Equal(c.Scopes, []string{ScopeOpenID, ScopeEmail}) {
		t.Errorf("the client now has %v", c.Scopes)
	}
}
