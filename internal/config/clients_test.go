package config

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/config/configtest"
	"github.com/scanlogin/scanlogin/internal/pool"
)

// withClients returns a valid configuration with clients of pool demo, one per text.
func withClients(t *testing.T, clients ...string) string {
	t.Helper()
	text := good + "    clients:\n"
	for _, c := range clients {
		text += "      - {" + c + "}\n"
	}
	key := strings.ReplaceAll(strings.TrimSpace(configtest.SigningKey(t, "PRIVATE KEY")), "\n", "\n  ")
	return text + "signing_key: |\n  " + key + "\n"
}

const callback = "redirect_uris: [\"https://app.example.com/cb\"]"

func TestAClientHasTheDefaultsOfTheContract(t *testing.T) {
	p := mustLoad(t, withClients(t, "id: grafana, "+callback)).UserPools[0]
	c := p.Clients[0]
	switch {
	case c.ID != "grafana" || c.Name != "grafana" || !c.IsPublic() || !c.RequirePKCE || !slices.Equal(c.RedirectURIs, []string{"https://app.example.com/cb"}):
		t.Errorf("client is %+v", c)
	case !slices.Equal(c.Scopes, []string{"openid", "profile", "email", "phone"}):
		t.Errorf("scopes are %v", c.Scopes)
	case c.CodeTTL != time.Minute || c.AccessTokenTTL != 10*time.Minute || c.IDTokenTTL != 10*time.Minute || c.RefreshTokenTTL != 720*time.Hour:
		t.Errorf("lifetimes are %+v", c)
	}
}

func TestAClientHasItsSettings(t *testing.T) {
	secret := strings.Repeat("s", 24)
	p := mustLoad(t, withClients(t, "id: a, name: A, logo: 'https://a.example.com/a.png', secrets: ["+secret+"1, "+secret+"2], redirect_uris: [\"https://a.example.com\"], "+
		"post_logout_redirect_uris: [\"https://a.example.com/bye\"], scopes: [openid, offline_access], require_pkce: false, code_ttl: 7s, access_token_ttl: 7s, id_token_ttl: 7s, refresh_token_ttl: 7m")).UserPools[0]
	c := p.Clients[0]
	if c.IsPublic() || !c.Secret.Matches(secret+"2") || c.Secret.Matches(secret) || c.Name != "A" || c.Logo == "" || c.RequirePKCE || len(c.PostLogoutRedirectURIs) != 1 ||
		!slices.Equal(c.Scopes, []string{"openid", "offline_access"}) || c.CodeTTL != 7*time.Second || c.AccessTokenTTL != 7*time.Second || c.IDTokenTTL != 7*time.Second || c.RefreshTokenTTL != 7*time.Minute {
		t.Errorf("client is %+v", c)
	}
}

func TestAClientWithDevicesNeedsNoRedirectURI(t *testing.T) {
	text := func(client string) string {
		return strings.Replace(withClients(t, client), "    clients:", "    typed_codes: true\n    clients:", 1)
	}
	p := mustLoad(t, text("id: tv, device: true")).UserPools[0]
	if c := p.Clients[0]; !p.OffersDevice(c) || c.DeviceCodeTTL != 10*time.Minute || c.AllowsRedirect("") {
		t.Errorf("client is %+v", c)
	}
	if p := mustLoad(t, text("id: a, "+callback)).UserPools[0]; p.OffersDevices() {
		t.Error("devices are on by default")
	}
	digits := strings.Replace(text("id: tv, device: true, device_code_ttl: 5m, device_without_match: true"), "    clients:", "    match: digits\n    clients:", 1)
	if p := mustLoad(t, digits).UserPools[0]; !p.OffersDevices() || p.Clients[0].DeviceCodeTTL != 5*time.Minute {
		t.Error("device_without_match has no effect")
	}
	for want, text := range map[string]string{
		"pools[0].clients[0].device: needs typed_codes: true":           withClients(t, "id: tv, device: true"),
		"pools[0].clients[0].device: cannot be used with match: digits": strings.Replace(text("id: tv, device: true"), "    clients:", "    match: digits\n    clients:", 1),
		"pools[0].clients[0].device: needs ticket_ttl":                  strings.Replace(text("id: tv, device: true, code_ttl: 9s"), "    clients:", "    ticket_ttl: 9s\n    clients:", 1),
		"clients[0].device_without_match: has no effect without device": text("id: tv, device_without_match: true, " + callback),
		"clients[0].device_code_ttl: must be":                           text("id: tv, device: true, device_code_ttl: 2h"),
		"clients[0].redirect_uris: is required: at least one":           text("id: tv"),
	} {
		if got := refusals(t, text); !slices.ContainsFunc(got, func(line string) bool { return strings.Contains(line, want) }) {
			t.Errorf("refused with\n%s\nwant %s", strings.Join(got, "\n"), want)
		}
	}
}

func TestRedirectURIsOfAllKindsAreAccepted(t *testing.T) {
	for _, uri := range []string{
		"https://app.example.com", "https://app.example.com:8443/cb?x=1", "http://127.0.0.1/cb", "http://127.0.0.1:3000/cb", "http://[::1]/cb", "http://localhost:3000/cb",
		"com.example.app:/cb", "com.example.app://cb",
	} {
		if p := mustLoad(t, withClients(t, "id: a, redirect_uris: [\""+uri+"\"]")).UserPools[0]; !p.Clients[0].AllowsRedirect(uri) {
			t.Errorf("%s is not allowed", uri)
		}
	}
}

func TestMistakesInClientsAreRefusedWithLineAndCure(t *testing.T) {
	secret := "secret: " + strings.Repeat("s", 24)
	redirect := func(uri string) []string { return []string{"id: a, redirect_uris: [\"" + uri + "\"]"} }
	for want, clients := range map[string][]string{
		"scanlogin.yaml:6:14: pools[0].clients[0].id: must be 1 to 64 letters":                                    {"id: a b, " + callback},
		"pools[0].clients[0].id: is required":                                                                     {callback},
		"scanlogin.yaml:7:14: pools[0].clients[1].id: is taken: pools[0].clients[0].id in line 6 has the same":    {"id: a, " + callback, "id: a, " + callback},
		"scanlogin.yaml:6:14: pools[0].clients[0].id: is taken: pools[0].id in line 3 has the same":               {"id: demo, " + callback},
		"redirect_uris: is required: at least one":                                                                {"id: a"},
		"redirect_uris[1]: is a duplicate":                                                                        {"id: a, redirect_uris: [\"https://a.example.com\", \"https://a.example.com\"]"},
		"redirect_uris[0]: must be an absolute address":                                                           redirect("/cb"),
		"redirect_uris[0]: must not have a fragment":                                                              redirect("https://a.example.com/#"),
		"redirect_uris[0]: must not have a user":                                                                  redirect("https://a.example.com@evil.example.com/"),
		"redirect_uris[0]: must be https, http on 127.0.0.1":                                                      redirect("http://a.example.com/cb"),
		"redirect_uris[0]: must be https, http on 127.0.0.1, [::1]":                                               redirect("http://127.0.0.1.example.com/cb"),
		"redirect_uris[0]: must be https, http on 127.0.0.1, [::1] or localhost":                                  redirect("javascript:alert(1)"),
		"redirect_uris[0]: must be https, http on 127.0.0.1, [::1] or localhost, or for a public client a scheme": redirect("myapp:/cb"),
		"redirect_uris[0]: must be an absolute address in ASCII":                                                  redirect("https://*.example.com/cb"),
		"redirect_uris[0]: must be an absolute address in ASCII, such as https://app.example.com/callback":        redirect("https://a.example.com/ä"),
		"redirect_uris[0]: has an invalid host name":                                                              redirect("https://-/cb"),
		"redirect_uris[0]: has a scheme of an app":                                                                {"id: a, " + secret + ", redirect_uris: [\"com.example.app:/cb\"]"},
		"post_logout_redirect_uris[0]: must be https":                                                             {"id: a, " + callback + ", post_logout_redirect_uris: [\"http://a.example.com\"]"},
		"scopes[1]: must be one of openid, profile":                                                               {"id: a, scopes: [openid, admin], " + callback},
		"scopes: is empty": {"id: a, scopes: [], " + callback},
		"require_pkce: must be true for a public client":       {"id: a, require_pkce: false, " + callback},
		"secret: must have at least 24 bytes":                  {"id: a, secret: short, " + callback},
		"secrets: is empty":                                    {"id: a, secrets: [], " + callback},
		"code_ttl: must be at most ticket_ttl of the pool, 5m": {"id: a, code_ttl: 6m, " + callback},
		"access_token_ttl: must be from 1s to 24h":             {"id: a, access_token_ttl: 25h, " + callback},
		"refresh_token_ttl: must be from 1m to 8760h":          {"id: a, refresh_token_ttl: 1s, " + callback},
	} {
		if got := refusals(t, withClients(t, clients...)); !slices.ContainsFunc(got, func(line string) bool { return strings.Contains(line, want) }) {
			t.Errorf("%s\nis refused with\n%s\nwant %s", clients, strings.Join(got, "\n"), want)
		}
	}
}

func TestClientsNeedASigningKey(t *testing.T) {
	got := refusals(t, good+"    clients: [{id: a, "+callback+"}]\n")
	if len(got) != 1 || !strings.Contains(got[0], "scanlogin.yaml:5:14: pools[0].clients: need signing_key") {
		t.Errorf("refused with %s", got)
	}
}

func TestPoolsWithClientsHaveNoReservedNames(t *testing.T) {
	for _, name := range []string{".", "..", "auth", "token", "me", "device", "session", ".well-known"} {
		named := func(text string) string { return strings.Replace(text, "id: demo", "id: "+name, 1) }
		if got := refusals(t, named(withClients(t, "id: a, "+callback))); !strings.Contains(got[0], "scanlogin.yaml:3:9: pools[0].id: cannot be used with clients") {
			t.Errorf("%s: refused with %s", name, got)
		}
		mustLoad(t, named(good))
	}
}

func TestIdsOfAnotherPoolAreRefused(t *testing.T) {
	text := withClients(t, "id: a, "+callback)
	second := strings.Replace(text, "pools:\n", "pools:\n  - id: other\n    secret: "+testSecret+"\n    app_ids: [demo, a]\n", 1)
	got := strings.Join(refusals(t, second), "\n")
	for _, want := range []string{
		"scanlogin.yaml:5:15: pools[0].app_ids[0]: is taken: pools[1].id in line 6",
		"scanlogin.yaml:9:14: pools[1].clients[0].id: is taken: pools[0].app_ids[1] in line 5",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("refused with\n%s\nwant %s", got, want)
		}
	}
}

func TestLookupByClientFindsPoolAndClient(t *testing.T) {
	c := mustLoad(t, withClients(t, "id: a, "+callback))
	r := pool.NewRegistry(c.UserPools...)
	p, client := r.Client("a")
	if p != c.UserPools[0] || client != p.Clients[0] || r.ByApp("a") != p {
		t.Errorf("found %v, %v", p, client)
	}
	if p, client := r.Client("demo"); p != nil || client != nil {
		t.Errorf("a pool id found client %v", client)
	}
}
