package admin_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/admin"
	"github.com/scanlogin/scanlogin/internal/admin/stats"
	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/settings"
	"github.com/scanlogin/scanlogin/session"
)

func TestNothingIsShownWithoutAToken(t *testing.T) {
	r := newFixture(t)
	for _, path := range []string{"/console", "/console/pools", "/console/pool?id=p", "/console/changes", "/console/audit", "/console?range=7d&pool=p", "/console/try/api/v2/qrcode/check?random=x"} {
		resp, body := r.call("GET", path, nil)
		if resp.StatusCode != 303 || resp.Header.Get("Location") != "/console/login" || strings.Contains(body, "alert") {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
	r.expect(401, "POST", "/console/pool?id=p", url.Values{"set.code_ttl": {"1s"}})
	for _, token := range []string{"", "x", r.token + "x", admin.NewToken(), fmt.Sprintf("%x", r.admins[0].Hash)} {
		r.expect(401, "POST", "/console/login", url.Values{"token": {token}})
	}
	r.login()
	r.expect(200, "GET", "/console/pools", nil)
	if got := strings.Join(r.actions, ","); got != strings.Repeat("login_refused ,", 5)+"login alice" {
		t.Errorf("actions: %s", got)
	}
}

func TestLoginAttemptsAreLimited(t *testing.T) {
	r := newFixture(t)
	for range 10 {
		r.expect(401, "POST", "/console/login", url.Values{"token": {"x"}})
	}
	resp, _ := r.call("POST", "/console/login", url.Values{"token": {r.token}})
	if resp.StatusCode != 429 || resp.Header.Get("Retry-After") == "" {
		t.Errorf("%d, also with the right token at once", resp.StatusCode)
	}
}

func TestChangesNeedAFormOfTheSameLogin(t *testing.T) {
	r := newFixture(t)
	r.login()
	own := r.form("set.code_ttl", "30s")
	stolen := func() url.Values { // of another login of the same administrator
		mine := r.http
		defer func() { r.http = mine }()
		r.http = r.browser()
		r.login()
		return r.form("set.code_ttl", "30s")
	}()
	r.expect(403, "POST", "/console/pool?id=p", stolen)
	without := r.form("set.code_ttl", "30s")
	without.Del("csrf")
	r.expect(403, "POST", "/console/pool?id=p", without)
	r.expect(403, "POST", "/console/logout", nil)
	for _, header := range [][]string{
		{"Origin", "https://evil.example"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"},
	} {
		r.expect(403, "POST", "/console/pool?id=p", own, header...)
		r.expect(403, "POST", "/console/login", url.Values{"token": {r.token}}, header...)
	}
	if len(r.settings.edits) != 0 {
		t.Fatalf("edits: %+v", r.settings.edits)
	}
	r.expect(303, "POST", "/console/pool?id=p", own, "Origin", r.url)
	if e := r.settings.edits[0]; len(r.settings.edits) != 1 || e.By != "alice" || e.Mark == "" || len(e.Set) != 1 || e.Set["code_ttl"] != "30s" {
		t.Errorf("edits: %+v", r.settings.edits)
	}
}

func TestLoginSessionsEnd(t *testing.T) {
	r := newFixture(t)
	in := func() bool {
		resp, _ := r.call("GET", "/console/pools", nil)
		return resp.StatusCode == 200
	}
	r.login()
	r.store.later = 29 * time.Minute
	if !in() {
		t.Error("after 29 minutes")
	}
	r.store.later += 29 * time.Minute
	if !in() {
		t.Error("after 29 more minutes, with activity in between")
	}
	r.store.later += 31 * time.Minute
	if in() {
		t.Error("after half an hour without activity")
	}
	r.store.later = 0
	r.login()
	for range 25 {
		r.store.later += 29 * time.Minute
		in()
	}
	if in() {
		t.Error("after 12 hours with activity")
	}
	r.store.later = 0
	r.login()
	old := r.http.Jar
	r.expect(303, "POST", "/console/logout", url.Values{"csrf": {r.form().Get("csrf")}})
	r.http.Jar = old
	if in() {
		t.Error("after the logout")
	}
	r.login()
	r.admins = []admin.Admin{{Name: "alice", Hash: admin.HashToken(admin.NewToken())}}
	if in() {
		t.Error("after the token was removed from the configuration")
	}
}

func TestAutomaticRefreshesAreNoActivity(t *testing.T) {
	r := newFixture(t)
	r.login()
	r.store.later = 29 * time.Minute
	r.expect(200, "GET", "/console", nil, "Sec-Fetch-Dest", "empty")
	r.store.later = 31 * time.Minute
	r.expect(303, "GET", "/console", nil)
}

func TestTheCookieIsRestricted(t *testing.T) {
	r := newFixture(t)
	for proto, want := range map[string]string{
		"http":  "scanlogin_console=…; Path=/console; HttpOnly; SameSite=Strict",
		"https": "__Host-scanlogin_console=…; Path=/; HttpOnly; Secure; SameSite=Strict",
	} {
		resp, _ := r.call("POST", "/console/login", url.Values{"token": {r.token}}, "X-Forwarded-Proto", proto)
		got := regexp.MustCompile(`=[\w-]{43};`).ReplaceAllString(resp.Header.Get("Set-Cookie"), "=…;")
		if got != want {
			t.Errorf("%s: %s", proto, got)
		}
	}
}

func TestPagesAreNotCachedFramedOrInjectable(t *testing.T) {
	r := newFixture(t)
	r.login()
	for _, path := range []string{"/console", "/console/pools", "/console/pool?id=p", "/console/changes", "/console/audit", "/console?lang=zh", "/console/login", "/console/nothing"} {
		resp, body := r.call("GET", path, nil)
		h := resp.Header
		if h.Get("Cache-Control") != "no-store" || h.Get("X-Frame-Options") != "DENY" || !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") ||
			!strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'; script-src 'self'; style-src 'self'") {
			t.Errorf("%s: %v", path, h)
		}
		if strings.Contains(body, "<script>alert") || strings.Contains(body, "<b>") || regexp.MustCompile(`<style| style=| on\w+=`).MatchString(body) {
			t.Errorf("%s: %s", path, body)
		}
	}
}

func TestProblemsAreShownAndEditsKeptInTheForm(t *testing.T) {
	r := newFixture(t)
	r.login()
	r.settings.err = settings.Problems{"code_ttl": "must be from 1s to 10m"}
	body := r.expect(422, "POST", "/console/pool?id=p", r.form("set.code_ttl", "1h"))
	if !strings.Contains(body, "must be from 1s to 10m") || !strings.Contains(body, `value="1h"`) {
		t.Errorf("%s", body)
	}
	r.settings.err = kv.ErrStale
	form := r.form("set.code_ttl", "1h")
	r.settings.value = "5m"
	body = r.expect(409, "POST", "/console/pool?id=p", form)
	if !strings.Contains(body, "Another administrator") || !strings.Contains(body, `value="1h"`) || !strings.Contains(body, `name="was.code_ttl" value="5m"`) {
		t.Errorf("%s", body)
	}
	r.settings.err = errors.New("i/o timeout")
	if body = r.expect(503, "POST", "/console/pool?id=p", form); !strings.Contains(body, "The store does not answer") || strings.Contains(body, "i/o") {
		t.Errorf("%s", body)
	}
	r.settings.err = nil
	r.store.err = errors.New("gone")
	r.expect(503, "GET", "/console/pools", nil)
	r.store.err = nil
	r.expect(404, "GET", "/console/pool?id=r", nil)
	r.expect(400, "POST", "/console/pool?id=p", url.Values{"csrf": {form.Get("csrf")}})
	r.expect(404, "POST", "/console", url.Values{})
}

func TestALimitThatAPoolDoesNotHaveIsShownAsThatOfTheServer(t *testing.T) {
	r := newFixture(t)
	r.login()
	body := r.expect(200, "GET", "/console/pool?id=p", nil)
	if !strings.Contains(body, `name="set.limits.user_rate" value=""`) || !strings.Contains(body, `placeholder="Server default: 5 (limits.user_rate)"`) ||
		!strings.Contains(body, "the file has 5 (limits.user_rate)") {
		t.Errorf("%s", body)
	}
	if body := r.expect(200, "GET", "/console/changes", nil); !strings.Contains(body, "<td>5 (limits.user_rate)</td>") {
		t.Errorf("%s", body)
	}
	r.expect(303, "POST", "/console/pool?id=p", r.form("was.limits.user_rate", "0", "set.limits.user_rate", "", "set.code_ttl", "3m"))
	r.expect(303, "POST", "/console/pool?id=p", r.form("was.limits.user_rate", "7", "set.limits.user_rate", ""))
	if first, second := r.settings.edits[0].Set, r.settings.edits[1].Set; len(first) != 1 || first["code_ttl"] != "3m" || len(second) != 1 || second["limits.user_rate"] != "0" {
		t.Errorf("%+v", r.settings.edits)
	}
}

func TestTryingAPoolForwardsNoConsoleCredentials(t *testing.T) {
	r := newFixture(t)
	r.login()
	body := r.expect(200, "GET", "/console/try/api/v2/qrcode/check?random=x", nil, "Authorization", "Basic x", "Origin", r.url)
	if body != "/api/v2/qrcode/check?random=x" || r.seen.Get("Cookie") != "" || r.seen.Get("Authorization") != "" || r.seen.Get("Origin") != "https://scan.example.com" {
		t.Errorf("%s, %v", body, r.seen)
	}
	for _, origin := range []string{"https://evil.example", "null"} {
		r.expect(403, "GET", "/console/try/api/v2/qrcode/ws?userPoolId=p", nil, "Origin", origin)
	}
	r.expect(404, "GET", "/console/try/api/v2/qrcode/userinfo", nil)
	r.expect(403, "POST", "/console/try/api/v2/qrcode/confirm", nil)
}

func TestSwitchesAndSelectionsAreSettings(t *testing.T) {
	r := newFixture(t)
	r.login()
	body := r.expect(200, "GET", "/console/pool?id=p", nil)
	if !strings.Contains(body, `<option value="digits" selected>`) {
		t.Errorf("%s", body)
	}
	form := r.form("set.match", "off")
	form["set.require_pkce"] = []string{"true", "false"} // on: the switch, then its hidden input
	r.expect(303, "POST", "/console/pool?id=p", form)
	form["set.require_pkce"] = []string{"false"}
	r.expect(303, "POST", "/console/pool?id=p", form)
	if first, second := r.settings.edits[0].Set, r.settings.edits[1].Set; len(first) != 1 || first["match"] != "off" || len(second) != 2 || second["require_pkce"] != "false" {
		t.Errorf("%+v", r.settings.edits)
	}
}

func TestTheLanguageIsTheChosenOneElseTheBrowsers(t *testing.T) {
	r := newFixture(t)
	r.login()
	for _, step := range []struct{ path, accept, want string }{
		{"/console/pools", "", ">Pools<"},
		{"/console/pools", "fr, zh-TW;q=0.9, en", ">用户池<"},
		{"/console/pools", "en-GB, zh", ">Pools<"},
		{"/console/pools?lang=zh", "en", ">用户池<"},
		{"/console/pool?id=p", "en", "来源"},
		{"/console/pools?lang=%3Cx%3E", "en", ">用户池<"}, // not a language: the choice stays
		{"/console/nothing", "en", "页面不存在"},
		{"/console/pools?lang=en", "zh", ">Pools<"},
		{"/console/pools", "zh", ">Pools<"},
	} {
		if _, body := r.call("GET", step.path, nil, "Accept-Language", step.accept); !strings.Contains(body, step.want) {
			t.Errorf("%s with %q lacks %s: %s", step.path, step.accept, step.want, body)
		}
	}
}

// TestTheOverviewHasLoginsByClient shows clients of the selected pools, also those without logins.
func TestTheOverviewHasLoginsByClient(t *testing.T) {
	r := newFixture(t)
	recorder := stats.NewRecorder(stats.Options{Store: r.store, Log: slog.New(slog.DiscardHandler), HasClient: func(string) bool { return true }})
	for range 2 {
		recorder.Observe(session.Event{Kind: session.EventExchanged, Pool: "p", Client: "grafana"})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	recorder.Run(ctx, func() stats.Load { return stats.Load{} })
	r.login()
	for query, want := range map[string]string{
		"?pool=p&range=24h": "Grafana grafana 2, &lt;b&gt;TV&lt;/b&gt; tv 0", "?lang=en": "Grafana grafana 2, &lt;b&gt;TV&lt;/b&gt; tv 0", "?pool=q": "", "?lang=zh&pool=p": "Grafana grafana 2, &lt;b&gt;TV&lt;/b&gt; tv 0",
	} {
		body := r.expect(200, "GET", "/console"+query, nil)
		var rows []string
		for _, m := range regexp.MustCompile(`<th scope="row">(.*)</th><td><code>(.*)</code></td><td>.*</td><td class="right">(\d+)</td>`).FindAllStringSubmatch(body, -1) {
			rows = append(rows, strings.Join(m[1:], " "))
		}
		if got := strings.Join(rows, ", "); got != want || strings.Contains(body, `id="clients"`) != (want != "") {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}

func TestAnUnavailableStoreIsNeverShownAsFigures(t *testing.T) {
	r := newFixture(t)
	r.login()
	r.store.err = errors.New("gone")
	for _, path := range []string{"/console", "/console?range=24h", "/console/audit"} {
		if body := r.expect(503, "GET", path, nil, "Sec-Fetch-Dest", "empty"); strings.Contains(body, "data-live") {
			t.Errorf("%s: %s", path, body)
		}
	}
}
