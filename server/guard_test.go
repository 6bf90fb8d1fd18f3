package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/scanlogin/scanlogin/internal/pool"
)

// TestGuardLoadsTheSettingsOfThePool makes the calls of @authing/guard 5.3.9 in its order,
// with its headers.
func TestGuardLoadsTheSettingsOfThePool(t *testing.T) {
	n := start(t, memNode(), nil, newPool(t, func(p *pool.Pool) { p.AllowBrowserExchange = true }))
	guard := []string{"Origin", siteOrigin, "X-Authing-Userpool-Id", "", "X-Authing-Lang", "undefined", "X-Authing-Request-From", "Guard@web", "X-Authing-App-Id", "app1"}

	const path = "/api/v2/applications/app1/"
	first := n.call("GET", path+"public-config", nil, "Origin", siteOrigin)
	config := first.ok()
	if first.Get("Access-Control-Allow-Origin") != siteOrigin || first.Get("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("CORS: %v", first.Header)
	}
	for name, want := range map[string]any{
		"id": "app1", "userPoolId": "p1", "name": "Example", "logo": "https://www.example.com/logo.png", "cdnBase": n.url, "defaultLanguageConfig": "en-US",
	} {
		if config[name] != want {
			t.Errorf("%s is %v, want %v", name, config[name], want)
		}
	}
	if tabs := config["loginTabs"].(map[string]any); tabs["default"] != "app-qrcode" || len(tabs["list"].([]any)) != 1 {
		t.Errorf("login tabs: %v", tabs)
	}
	if strings.Contains(first.raw, poolSecret) {
		t.Error("the settings have the secret")
	}
	n.call("GET", path+"public-config", nil, guard...).ok()
	chinese := n.call("GET", path+"components-public-config/guard", nil, "Origin", siteOrigin, "X-Authing-Lang", "zh-CN").ok()
	if global := chinese["global"].(map[string]any); global["defaultLanguage"] != "zh-CN" {
		t.Errorf("language: %v", global)
	}
	if len(n.warnings("guard cannot finish logins")) > 0 {
		t.Error("a warning about a setting that is right")
	}

	directory := n.call("POST", n.guardPath("/graphql/v2"), `{"query":"{}"}`, guard...)
	if directory.status != http.StatusOK || directory.code != http.StatusNotFound || directory.Get("Access-Control-Allow-Origin") != siteOrigin {
		t.Errorf("GraphQL: %d %s", directory.status, directory.raw)
	}
	icons := n.call("GET", n.guardPath("/svg-string/guard?v=1"), nil, guard...)
	if icons.status != http.StatusOK || icons.Get("Content-Type") != "image/svg+xml" || icons.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("icons: %d %v", icons.status, icons.Header)
	}

	n.call("GET", path+"public-config", nil, "Origin", otherOrigin).refused(http.StatusForbidden, 2247)
	n.call("GET", "/api/v2/applications/nobody/public-config", nil).refused(http.StatusNotFound, 2224)
	n.call("GET", "/api/v2/applications/nobody/components-public-config/guard", nil).refused(http.StatusNotFound, 2224)
	n.call("GET", path+"components-public-config/guard", nil, "Origin", otherOrigin).refused(http.StatusForbidden, 2247)
}

// guardPath is a path outside the API, for call.
func (n *node) guardPath(path string) string { return n.url + path }

func TestGuardPreflightIsAllowed(t *testing.T) {
	n := start(t, memNode(), nil, newPool(t, nil))
	const headers = "x-authing-app-id,x-authing-lang,x-authing-request-from,x-authing-sdk-version,x-authing-userpool-id,content-type"
	for _, path := range []string{"/api/v2/applications/app1/public-config", "/api/v2/qrcode/gene", "/graphql/v2"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, n.url+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", siteOrigin)
		req.Header.Set("Access-Control-Request-Method", "POST")
		req.Header.Set("Access-Control-Request-Headers", headers)
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		allowed := res.Header.Get("Access-Control-Allow-Headers")
		for name := range strings.SplitSeq(headers, ",") {
			if !strings.Contains(allowed, name) {
				t.Errorf("%s: %s is not in %q", path, name, allowed)
			}
		}
		if res.StatusCode != http.StatusNoContent || res.Header.Get("Access-Control-Allow-Origin") != siteOrigin {
			t.Errorf("%s: %d %v", path, res.StatusCode, res.Header)
		}
	}
}

func TestTheLogNamesTheSettingThatGuardNeeds(t *testing.T) {
	n := start(t, memNode(), nil, newPool(t, nil))
	n.call("GET", "/api/v2/applications/app1/components-public-config/guard", nil).ok()
	if found := n.warnings("allow_browser_exchange: true"); len(found) != 1 {
		t.Errorf("%d warnings", len(found))
	}
}
