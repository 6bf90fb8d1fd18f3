package server_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/server"
	"github.com/scanlogin/scanlogin/session"
)

const deviceGrantType = "urn:ietf:params:oauth:grant-type:device_code"

// withDevices lets the public client "spa" of clientPool use the device authorization grant.
func withDevices(p *pool.Pool) {
	p.TypedCodes = true
	p.Clients[1].Device, p.Clients[1].DeviceCodeTTL = true, 10*time.Minute
}

// devicePool returns clientPool with devices.
func devicePool(t testing.TB) *pool.Pool {
	p := clientPool(t)
	withDevices(p)
	return p
}

// eachDeviceStorage runs a test on one node in memory, and on two nodes that share a Redis.
func eachDeviceStorage(t *testing.T, test func(t *testing.T, a, b *node)) {
	t.Run("memory", func(t *testing.T) {
		n := start(t, memNode(), providing(t), devicePool(t))
		test(t, n, n)
	})
	t.Run("two nodes on redis", func(t *testing.T) {
		a, b, _ := pair(t, providing(t), devicePool(t))
		test(t, a, b)
	})
}

// deviceCode is an answer of the device authorization endpoint.
type deviceCode struct {
	DeviceCode string `json:"device_code"`
	UserCode   string `json:"user_code"`
	URI        string `json:"verification_uri"`
	Complete   string `json:"verification_uri_complete"`
	ExpiresIn  int    `json:"expires_in"`
	Interval   int    `json:"interval"`
}

func (d deviceCode) random() string {
	random, _, _ := strings.Cut(d.DeviceCode, ".")
	return random
}

func (n *node) askDevice(form url.Values, h ...string) webAnswer {
	n.Helper()
	return n.browser().do("POST", "/oidc/p1/device", form, h...)
}

func (n *node) device() (d deviceCode) {
	n.Helper()
	a := n.askDevice(url.Values{"client_id": {"spa"}, "scope": {"openid email"}})
	if err := json.Unmarshal([]byte(a.body), &d); err != nil || a.status != 200 {
		n.Fatalf("%d %s", a.status, a.body)
	}
	return d
}

func (n *node) poll(d deviceCode) webAnswer {
	n.Helper()
	return n.tokenAs(nil, url.Values{"grant_type": {deviceGrantType}, "client_id": {"spa"}, "device_code": {d.DeviceCode}})
}

func TestADeviceLogsInWithItsUserCode(t *testing.T) {
	eachDeviceStorage(t, func(t *testing.T, a, b *node) {
		d := a.device()
		if d.URI != a.url+"/s/p1" || d.Complete != a.url+"/s/p1/"+d.random() || d.ExpiresIn != 600 || d.Interval != 5 {
			t.Errorf("the device gets %+v", d)
		}
		b.poll(d).fails(t, 400, "authorization_pending")
		scan := b.phone("scanned", strings.ToLower(d.UserCode), "alice").ok()
		device, _ := scan["device"].(map[string]any)
		if scan["random"] != d.random() || device["client"] != "SPA" || device["userCode"] != d.UserCode {
			t.Errorf("the phone gets %v", scan)
		}
		a.phone("confirm", d.random(), "alice").ok()
		tokens := b.poll(d).tokens(t)
		if tokens["scope"] != "openid email" || tokens["id_token"] == nil {
			t.Errorf("the device gets %v", tokens)
		}
		a.poll(d).fails(t, 400, "invalid_grant")
		if me := b.browser().do("GET", "/oidc/p1/me", nil, "Authorization", "Bearer "+tokens["access_token"].(string)); me.status != 200 || !strings.Contains(me.body, `"sub":"alice"`) {
			t.Errorf("me: %d %s", me.status, me.body)
		}
	})
}

func TestADeviceLogsInWithItsQRCode(t *testing.T) {
	n := start(t, memNode(), providing(t), devicePool(t))
	d := n.device()
	if scan := n.phone("scanned", d.Complete, "alice").ok(); scan["device"].(map[string]any)["userCode"] != d.UserCode {
		t.Errorf("the phone gets %v", scan)
	}
	if _, hasDevice := n.phone("scanned", n.gene("p1").random, "alice").ok()["device"]; hasDevice {
		t.Error("a page is called a device")
	}
}

// TestADeviceCodeWorksOnce polls ten times at once.
func TestADeviceCodeWorksOnce(t *testing.T) {
	eachDeviceStorage(t, func(t *testing.T, a, b *node) {
		d := a.device()
		a.phone("scanned", d.random(), "alice").ok()
		a.phone("confirm", d.random(), "alice").ok()
		statuses := make([]int, 10)
		var wg sync.WaitGroup
		for i := range statuses {
			wg.Go(func() { statuses[i] = []*node{a, b}[i%2].poll(d).status })
		}
		wg.Wait()
		successes := 0
		for _, status := range statuses {
			if status == 200 {
				successes++
			}
		}
		if successes != 1 {
			t.Errorf("statuses %v", statuses)
		}
	})
}

// TestADeviceThatPollsTooFastSlowsDown polls on two nodes at once: one of the polls was the first.
func TestADeviceThatPollsTooFastSlowsDown(t *testing.T) {
	eachDeviceStorage(t, func(t *testing.T, a, b *node) {
		d := a.device()
		names := make([]string, 6)
		var wg sync.WaitGroup
		for i := range names {
			wg.Go(func() {
				var body struct{ Error string }
				_ = json.Unmarshal([]byte([]*node{a, b}[i%2].poll(d).body), &body)
				names[i] = body.Error
			})
		}
		wg.Wait()
		count := make(map[string]int)
		for _, name := range names {
			count[name]++
		}
		if count["authorization_pending"] != 1 || count["slow_down"] != len(names)-1 {
			t.Errorf("answers %v", names)
		}
		a.poll(a.device()).fails(t, 400, "authorization_pending") // another device is not slowed down
	})
}

func TestADeviceLearnsThatItsUserCanceled(t *testing.T) {
	n := start(t, memNode(), providing(t), devicePool(t))
	d := n.device()
	n.phone("scanned", d.UserCode, "alice").ok()
	n.phone("cancel", d.random(), "alice").ok()
	n.poll(d).fails(t, 400, "access_denied")
}

func TestADeviceLearnsThatItsCodeExpired(t *testing.T) {
	p := devicePool(t)
	p.Clients[1].DeviceCodeTTL = time.Millisecond
	n := start(t, memNode(), providing(t), p)
	d := n.device()
	eventually(t, "expiry", func() bool { return strings.Contains(n.poll(d).body, "expired_token") })
	n.poll(d).fails(t, 400, "expired_token")
}

// TestOnlyTheDeviceLearnsItsState shows everything that others may have: the id, which is in the QR
// code, credentials of other grants, and the device code at another client.
func TestOnlyTheDeviceLearnsItsState(t *testing.T) {
	p := devicePool(t)
	p.Clients[0].Device, p.Clients[0].DeviceCodeTTL = true, 10*time.Minute
	n := start(t, memNode(), providing(t), p)
	d, other := n.device(), n.device()
	_, otherMAC, _ := strings.Cut(other.DeviceCode, ".")
	forged := d
	for _, forged.DeviceCode = range []string{d.random(), d.random() + "." + strings.Repeat("A", 43), d.random() + "." + otherMAC, n.authorizationCode("client_id", "spa", "redirect_uri", spaCallback)} {
		n.poll(forged).fails(t, 400, "invalid_grant")
	}
	n.token(url.Values{"grant_type": {deviceGrantType}, "device_code": {d.DeviceCode}}).fails(t, 400, "invalid_grant") // of spa
	n.phone("scanned", d.random(), "alice").ok()
	n.phone("confirm", d.random(), "alice").ok()
	for _, forged.DeviceCode = range []string{d.random() + "." + strings.Repeat("A", 43), d.random() + "." + otherMAC} {
		n.poll(forged).fails(t, 400, "invalid_grant")
	}
	asCode := tokenForm(d.DeviceCode, "client_id", "spa", "redirect_uri", spaCallback)
	n.tokenAs(nil, asCode).fails(t, 400, "invalid_grant")
	n.call("POST", "/userinfo", map[string]any{"ticket": d.DeviceCode}, "Authorization", basic("p1", poolSecret)).refused(410, 2246)
	n.poll(d).tokens(t) // nothing was spent
}

// TestDeviceCodesCannotBeGuessed guesses as a public client until the limit is reached; then a
// right code is refused too.
func TestDeviceCodesCannotBeGuessed(t *testing.T) {
	n := start(t, memNode(), func(o *server.Options) {
		o.Limits = login.Limits{MissRate: 1}
		providing(t)(o)
	}, devicePool(t))
	d := n.device()
	wrong := deviceCode{DeviceCode: string(session.NewID()) + "." + strings.Repeat("A", 43)}
	for range 5 {
		n.poll(wrong).fails(t, 400, "invalid_grant")
		n.poll(deviceCode{DeviceCode: d.random() + "." + strings.Repeat("A", 43)}).fails(t, 400, "invalid_grant")
	}
	n.poll(wrong).fails(t, 429, "temporarily_unavailable")
	n.poll(d).fails(t, 429, "temporarily_unavailable")
}

func TestDevicesAreOffByDefault(t *testing.T) {
	form := url.Values{"client_id": {"spa"}, "scope": {"openid"}}
	for name, change := range map[string]func(*pool.Pool){
		"by default":            func(p *pool.Pool) { p.Clients[1].Device = false },
		"without typed codes":   func(p *pool.Pool) { p.TypedCodes = false },
		"in a pool with digits": withDigits,
	} {
		p := devicePool(t)
		change(p)
		n := start(t, memNode(), providing(t), p)
		n.askDevice(form).fails(t, 400, "unauthorized_client")
		if a := n.browser().do("GET", "/s/p1", nil); a.status != 404 {
			t.Errorf("%s: the page has status %d", name, a.status)
		}
		if a := n.browser().do("GET", "/oidc/p1/.well-known/openid-configuration", nil); strings.Contains(a.body, "device") {
			t.Errorf("%s: %s", name, a.body)
		}
	}
	p := devicePool(t)
	withDigits(p)
	p.Clients[1].DeviceWithoutMatch = true
	n := start(t, memNode(), providing(t), p)
	d := n.device()
	if scan := n.phone("scanned", d.UserCode, "alice").ok(); scan["match"] != nil {
		t.Errorf("the phone gets %v", scan)
	}
	n.phone("confirm", d.random(), "alice").ok()
	n.poll(d).tokens(t)
}

func TestDeviceRequestsOfTheWrongFormAreRefused(t *testing.T) {
	n := start(t, memNode(), providing(t), devicePool(t))
	n.askDevice(url.Values{"scope": {"openid"}}).fails(t, 401, "invalid_client")
	n.askDevice(url.Values{"client_id": {"unknown"}}).fails(t, 401, "invalid_client")
	n.askDevice(url.Values{"client_id": {"spa"}, "scope": {"other"}}).fails(t, 400, "invalid_scope")
	n.askDevice(url.Values{"client_id": {"spa"}}, "Content-Type", "application/json").fails(t, 400, "invalid_request")
	n.browser().do("POST", "/oidc/unknown/device", nil).fails(t, 404, "invalid_request")
	n.poll(deviceCode{}).fails(t, 400, "invalid_request")
	n.store.Fail(errBroken)
	n.askDevice(url.Values{"client_id": {"spa"}, "scope": {"openid"}}).fails(t, 503, "temporarily_unavailable")
	n.store.Fail(nil)
}

func TestDevicesAreLimitedLikePages(t *testing.T) {
	n := start(t, memNode(), func(o *server.Options) {
		o.Limits = login.Limits{CodesPerAddress: 3}
		providing(t)(o)
	}, devicePool(t))
	for range 3 {
		n.device()
	}
	n.askDevice(url.Values{"client_id": {"spa"}, "scope": {"openid"}}).fails(t, 429, "temporarily_unavailable")
}

func TestThePageOfDevicesSaysWhereToType(t *testing.T) {
	n := start(t, memNode(), providing(t), devicePool(t), secondPool(t))
	if a := n.browser().do("GET", "/s/p1", nil, "Accept", "text/html"); a.status != 200 || !strings.Contains(a.body, "type its code") || !strings.Contains(a.body, "登录码") {
		t.Errorf("%d %s", a.status, a.body)
	}
	for _, path := range []string{"/s/p2", "/s/unknown"} {
		n.browser().do("GET", path, nil).notFound(t, path)
	}
	a := n.browser().do("GET", "/oidc/p1/.well-known/openid-configuration", nil)
	if !strings.Contains(a.body, `"device_authorization_endpoint":"`+n.url+`/oidc/p1/device"`) || !strings.Contains(a.body, deviceGrantType) {
		t.Errorf("%s", a.body)
	}
}

// TestADeviceOfOAuth2LogsIn uses golang.org/x/oauth2.
func TestADeviceOfOAuth2LogsIn(t *testing.T) {
	n := start(t, memNode(), providing(t), devicePool(t))
	config := oauth2.Config{ClientID: "spa", Scopes: []string{"openid"}, Endpoint: oauth2.Endpoint{DeviceAuthURL: n.url + "/oidc/p1/device", TokenURL: n.url + "/oidc/p1/token"}}
	d, err := config.DeviceAuth(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n.phone("scanned", d.UserCode, "alice").ok()
	n.phone("confirm", d.VerificationURIComplete, "alice").ok()
	d.Interval = 1 // it asks for the first time after the interval
	tokens, err := config.DeviceAccessToken(t.Context(), d)
	if err != nil || !tokens.Valid() || tokens.Extra("id_token") == nil {
		t.Errorf("%+v, %v", tokens, err)
	}
}
