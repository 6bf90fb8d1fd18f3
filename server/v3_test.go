package server_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/scanlogin/scanlogin/internal/pool"
)

// v3Answer is the envelope of the V3 interface.
type v3Answer struct {
	testing.TB
	status int // of HTTP
	header http.Header

	StatusCode int
	Message    string
	APICode    int
	RequestID  string
	Data       map[string]any
}

// v3 makes a call as authing-node-sdk does: with the app id, and a token without Bearer.
func (n *node) v3(method, path string, body any, h ...string) v3Answer {
	n.Helper()
	a := n.call(method, "/api/v3/"+path, body, append([]string{"X-Authing-App-Id", "app1"}, h...)...)
	out := v3Answer{TB: n.TB, status: a.status, header: a.Header}
	if err := json.Unmarshal([]byte(a.raw), &out); err != nil {
		n.Fatalf("%v: %s", err, a.raw)
	}
	if out.RequestID == "" || out.RequestID != a.Get("X-Request-Id") || out.Message == "" {
		n.Errorf("request id or message: %s", a.raw)
	}
	return out
}

func (a v3Answer) ok() map[string]any {
	a.Helper()
	if a.status != 200 || a.StatusCode != 200 || a.APICode != 0 || a.Data == nil {
		a.Fatalf("%d: %+v", a.status, a)
	}
	return a.Data
}

// refused checks an error: HTTP is 200 unless the client has to wait.
func (a v3Answer) refused(http, status, code int) {
	a.Helper()
	if a.status != http || a.StatusCode != status || a.APICode != code || a.Data != nil {
		a.Errorf("%d: %+v; want HTTP %d, statusCode %d, apiCode %d", a.status, a, http, status, code)
	}
}

func (n *node) v3Gene() string {
	n.Helper()
	return n.v3("POST", "gene-qrcode", map[string]any{"type": "MOBILE_APP", "customData": map[string]any{"device": "kiosk"}}).ok()["qrcodeId"].(string)
}

func (n *node) v3Step(id, action, user string) v3Answer {
	n.Helper()
	return n.v3("POST", "set-qrcode-status", map[string]any{"qrcodeId": id, "action": action}, "Authorization", userToken(n, user))
}

func withoutBinding(t *testing.T) *node {
	return start(t, memNode(), nil, newPool(t, func(p *pool.Pool) { p.BindBrowser = false }), secondPool(t))
}

func TestV3ShowsEachStatusOfACode(t *testing.T) {
	n := withoutBinding(t)
	made := n.v3("POST", "gene-qrcode", map[string]any{"type": "MOBILE_APP"}).ok()
	id := made["qrcodeId"].(string)
	if made["url"] != n.url+"/api/v2/qrcode/image/"+id+".png" || made["customLogoUrl"] != "https://www.example.com/logo.png" || made["expiresIn"] != 120.0 {
		t.Errorf("%v", made)
	}
	status := func(want string) map[string]any {
		t.Helper()
		d := n.v3("GET", "get-qrcode-status?qrcodeId="+id, nil).ok()
		if d["status"] != want {
			t.Errorf("status %v, want %s", d, want)
		}
		if older := n.v3("GET", "check-qrcode-status?qrcodeId="+id, nil).ok(); older["status"] != want {
			t.Errorf("check-qrcode-status: %v, want %s", older, want)
		}
		return d
	}
	if d := status("PENDING"); d["briefUserInfo"] != nil || d["ticket"] != nil {
		t.Errorf("%v", d)
	}
	if d := n.v3Step(id, "SCAN", "alice").ok(); d["success"] != true || d["random"] != id || d["consent"] == nil || d["browser"] == nil {
		t.Errorf("the phone learns %v", d)
	}
	if d := status("SCANNED"); d["ticket"] != nil || d["briefUserInfo"].(map[string]any)["displayName"] != "ALICE" || d["briefUserInfo"].(map[string]any)["photo"] == "" {
		t.Errorf("%v", d)
	}
	n.v3Step(id, "CONFIRM", "alice").ok()
	d := status("AUTHORIZED")
	ticket, _ := d["ticket"].(string)
	if ticket == "" || d["tokenSet"] != nil {
		t.Errorf("%v", d)
	}
	n.call("POST", "/userinfo", map[string]any{"ticket": ticket}, "Authorization", basic("p1", poolSecret)).ok()
	if d := status("AUTHORIZED"); d["ticket"] != nil {
		t.Errorf("after the exchange: %v", d)
	}

	id = n.v3Gene()
	n.v3Step(id, "SCAN", "alice").ok()
	n.v3("POST", "change-qrcode-status", map[string]any{"qrcodeId": id, "action": "CANCEL"}, "Authorization", "Bearer "+userToken(t, "alice")).ok()
	status("CANCELLED")
}

func TestACodeCanBeFinishedThroughTheOtherInterface(t *testing.T) {
	n := withoutBinding(t)
	id := n.v3Gene()
	if custom := n.phone("scanned", id, "alice").ok()["customData"]; custom.(map[string]any)["device"] != "kiosk" {
		t.Errorf("custom data %v", custom)
	}
	n.v3Step(id, "CONFIRM", "bob").refused(200, 409, 2245)
	n.v3Step(id, "CONFIRM", "alice").ok()
	if d := n.call("GET", "/check?random="+id, nil).ok(); d["status"] != 2.0 || d["ticket"] == nil {
		t.Errorf("v2 shows %v", d)
	}
	c := n.gene("p1")
	n.v3Step(c.random, "SCAN", "alice").ok()
	n.phone("confirm", c.random, "alice").ok()
	if d := n.v3("GET", "get-qrcode-status?qrcodeId="+c.random, nil).ok(); d["status"] != "AUTHORIZED" {
		t.Errorf("V3 shows %v", d)
	}
}

func TestV3GivesTheTicketOnlyToTheBrowser(t *testing.T) {
	n := start(t, memNode(), nil, newPool(t, nil))
	id := n.v3Gene()
	n.v3Step(id, "SCAN", "alice").ok()
	n.v3Step(id, "CONFIRM", "alice").ok()
	path := "get-qrcode-status?qrcodeId=" + id
	if d := n.v3("GET", path, nil).ok(); d["ticket"] != nil || d["status"] != "AUTHORIZED" {
		t.Errorf("a stranger sees %v", d)
	}
	if d := n.v3("GET", path, nil, "Authorization", basic("p1", poolSecret)).ok(); d["ticket"] == nil {
		t.Errorf("the site sees %v", d)
	}
}

func TestV3RefusesAsV2(t *testing.T) {
	n := withoutBinding(t)
	id := n.v3Gene()
	n.v3("POST", "gene-qrcode", map[string]any{"type": "WECHAT"}).refused(200, 400, 2231)
	n.v3("POST", "gene-qrcode", map[string]any{"type": "MOBILE_APP"}, "X-Authing-App-Id", "nobody").refused(200, 404, 2224)
	n.v3("POST", "gene-qrcode", map[string]any{"type": "MOBILE_APP"}, "Origin", "https://evil.example").refused(200, 403, 2247)
	n.v3("POST", "set-qrcode-status", map[string]any{"qrcodeId": id, "action": "EXPIRE"}, "Authorization", userToken(t, "alice")).refused(200, 400, 2231)
	n.v3("POST", "set-qrcode-status", map[string]any{"qrcodeId": id, "action": "SCAN"}).refused(200, 401, 2020)
	n.v3Step(id, "CONFIRM", "alice").refused(200, 409, 2243)
	n.v3Step("nothing", "SCAN", "alice").refused(200, 404, 500)
	n.v3("GET", "get-qrcode-status?qrcodeId=nothing", nil).refused(200, 404, 2241)
	if a := n.v3("GET", "get-qrcode-status", nil); a.APICode != 2231 || a.Message != "qrcodeId is required" {
		t.Errorf("%+v", a)
	}
	n.v3("GET", "no-such-call", nil).refused(200, 404, 404)
	n.v3("GET", "gene-qrcode", nil).refused(200, 405, 405)
	n.store.Fail(errors.New("away"))
	for _, call := range []string{"get-qrcode-status", "check-qrcode-status"} {
		a := n.v3("GET", call+"?qrcodeId="+id, nil)
		a.refused(503, 503, 1000)
		if a.header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", call)
		}
	}
}
