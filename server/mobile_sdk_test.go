package server_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestMobileSDKsWorkUnmodified makes the requests of Authing's mobile SDKs, as their sources
// have them: guard-ios (Config.swift, AuthClient.swift), guard-android (Guardian.java,
// AuthClient.java) and authing-flutter-sdk (client.dart).
func TestMobileSDKsWorkUnmodified(t *testing.T) {
	for name, sdk := range map[string]struct {
		configHost string // of public-config, before the host
		headers    []string
	}{
		"guard-ios":             {"console.", []string{"X-Authing-Request-From", "Guard-iOS@1.5.0", "X-Authing-Sdk-Version", "1.5.0", "X-Authing-Lang", "en-US", "X-Authing-App-Id", "app1", "X-Authing-Userpool-Id", "p1"}},
		"guard-ios on premises": {"", []string{"X-Authing-Request-From", "Guard-iOS@1.5.0", "X-Authing-Sdk-Version", "1.5.0", "X-Authing-Lang", "zh-CN", "X-Authing-App-Id", "app1", "X-Authing-Userpool-Id", "p1"}},
		"guard-android":         {"console.", []string{"X-Authing-Request-From", "Guard@Android@1.5.0", "X-Authing-Lang", "en-US", "X-Authing-App-Id", "app1", "X-Authing-Userpool-Id", "p1"}},
		"Flutter":               {"console", []string{"X-Authing-Request-From", "sdk-flutter", "X-Authing-Sdk-Version", "1.0.5", "X-Authing-App-Id", "app1", "X-Authing-Userpool-Id", "p1"}},
	} {
		t.Run(name, func(t *testing.T) {
			n := alone(t, newPool(t, nil))
			config := n.configOf(sdk.configHost, sdk.headers[:2])
			if config["userPoolId"] != "p1" || "http://"+config["requestHostname"].(string) != n.url {
				t.Errorf("public-config: pool %v, host %v", config["userPoolId"], config["requestHostname"])
			}
			app := append([]string{"Authorization", "Bearer " + userToken(t, "alice")}, sdk.headers...)
			c := n.gene("p1")
			body := map[string]any{"random": c.random}
			n.call("POST", "/api/v2/qrcode/scanned", body, app...).ok()
			n.call("POST", "/api/v2/qrcode/confirm", body, app...).ok()
			if d := n.check(c); d["ticket"] == nil {
				t.Errorf("the page sees %v", d)
			}
			// A refusal is HTTP 200, because the SDKs read no other body.
			refused := n.call("POST", "/api/v2/qrcode/cancel", body, app...)
			refused.refused(http.StatusOK, 2244)
		})
	}
}

// configOf requests public-config at a host name that begins with prefix.
func (n *node) configOf(prefix string, headers []string) map[string]any {
	n.Helper()
	req, err := http.NewRequestWithContext(n.Context(), http.MethodGet, n.url+"/api/v2/applications/app1/public-config", http.NoBody)
	if err != nil {
		n.Fatal(err)
	}
	req.Host = prefix + strings.TrimPrefix(n.url, "http://")
	req.Header.Set(headers[0], headers[1])
	res, err := client.Do(req)
	if err != nil {
		n.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	var answer struct {
		Code int
		Data map[string]any
	}
	if err != nil || json.Unmarshal(text, &answer) != nil || answer.Code != http.StatusOK {
		n.Fatalf("%v %d %s", err, res.StatusCode, text)
	}
	return answer.Data
}
