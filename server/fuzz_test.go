package server_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/server"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/memstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

// fuzzNode starts a node without limits and without a log.
func fuzzNode(f *testing.F, change func(*server.Options)) *node {
	st := memstore.New()
	const endless = 1 << 30
	return start(f, sessiontest.Node{Store: st, Bus: st.Bus()}, func(o *server.Options) {
		o.Log = nil
		o.Limits = login.Limits{
			Sockets: endless, SocketsPerAddress: endless, WatchersPerCode: endless, CodesPerAddress: endless, CodesPerPool: endless,
			AddressRate: endless, UserRate: endless, CheckRate: endless, MissRate: endless,
		}
		if change != nil {
			change(o)
		}
	}, newPool(f, nil), secondPool(f))
}

// serve makes a request without a network. The response must be a success or a row of the error
// table, and not an internal error.
func (n *node) serve(t *testing.T, method, path, body string, h ...string) envelope {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/api/v2/qrcode"+path, strings.NewReader(body))
	for i := 0; i+1 < len(h); i += 2 {
		r.Header[http.CanonicalHeaderKey(h[i])] = []string{h[i+1]}
	}
	w := httptest.NewRecorder()
	n.srv.Handler().ServeHTTP(w, r)
	var out envelope
	d := json.NewDecoder(w.Body)
	d.UseNumber() // custom data may contain any number
	if err := d.Decode(&out); err != nil {
		t.Fatalf("%s %s %q: %d, %v", method, path, body, w.Code, err)
	}
	if out.Code == 0 || out.Message == "" || w.Code >= 500 || (out.Code == 200) != (w.Code == 200) {
		t.Fatalf("%s %s %q: %d %v", method, path, body, w.Code, out)
	}
	return out
}

type envelope struct {
	Code    int
	Message string
	Data    map[string]any
}

func FuzzBody(f *testing.F) {
	n := fuzzNode(f, nil)
	calls := []string{"/gene", "/userinfo", "/scanned", "/confirm", "/cancel"}
	random := n.gene("p1").random
	for i := range calls {
		f.Add(uint8(i), `{"random":"`+random+`","userPoolId":"p1","user":{"id":"x"},"ticket":"`+random+`.x","customData":{"a":[1]},"scene":"APP_AUTH"}`)
		f.Add(uint8(i), `[{"random":1}]`)
		f.Add(uint8(i), "{\"random\":\"\xff\x00\"}")
	}
	f.Fuzz(func(t *testing.T, call uint8, body string) {
		path := calls[int(call)%len(calls)]
		for _, who := range []string{"Bearer " + userToken(t, "alice"), basic("p1", poolSecret), ""} {
			n.serve(t, "POST", path, body, "Authorization", who)
		}
	})
}

// Custom data is sent from a page to the phone: a JSON object that is not larger than a picture can
// contain.
func FuzzCustomData(f *testing.F) {
	n := fuzzNode(f, nil)
	for _, seed := range []string{`{}`, `{"scene":"kiosk","n":1e400}`, `{"a":"</script>\u2028"}`, `[]`, `"x"`, `{"a":` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + `}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, custom string) {
		if !json.Valid([]byte(custom)) {
			return
		}
		made := n.serve(t, "POST", "/gene", `{"userPoolId":"p1","customData":`+custom+`}`)
		if made.Code != 200 {
			return
		}
		payload := made.Data["payload"].(string)
		scanned := n.serve(t, "POST", "/scanned", marshal(t, map[string]any{"random": payload}), "Authorization", userToken(t, "alice"))
		if scanned.Code != 200 || scanned.Data["random"] != made.Data["random"] {
			t.Fatalf("the picture's text %q: %v", payload, scanned)
		}
		if _, isObject := scanned.Data["customData"].(map[string]any); !isObject {
			t.Fatalf("custom data %q became %v", custom, scanned.Data["customData"])
		}
	})
}

// FuzzPictureText sends any text as a scanned code. Only the text of the
// existing code is accepted.
func FuzzPictureText(f *testing.F) {
	n := fuzzNode(f, nil)
	c := n.gene("p1")
	for _, seed := range []string{c.random, c.payload, n.url + "/s/" + c.random + "?utm=1", n.url + "/s/p1/" + c.random, "https://evil.example.com/s/" + c.random, "{", "\x00", strings.Repeat("7", 30)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := n.serve(t, "POST", "/scanned", marshal(t, map[string]any{"random": text}), "Authorization", userToken(t, "alice"))
		if got.Code == 200 && !strings.Contains(text, c.random) && !strings.Contains(text, `\u`) {
			t.Fatalf("%q is accepted as a code: %v", text, got)
		}
	})
}

// FuzzProof tries to prove to be the browser of a confirmed code, and to redeem
// its ticket.
func FuzzProof(f *testing.F) {
	n := fuzzNode(f, nil)
	c, ticket := n.confirmed("p1")
	mac := strings.TrimPrefix(ticket, c.random+".")
	f.Add("", mac, basic("p1", otherSecret), mac)
	f.Add(base64.RawURLEncoding.EncodeToString(make([]byte, 16)), c.key[1:]+"A", "Bearer "+ticket, "")
	f.Add("a=b; c", strings.ToUpper(c.key), "Basic Og==", strings.Repeat("A", 43))
	f.Fuzz(func(t *testing.T, cookie, key, authorization, guess string) {
		if key == c.key || guess == mac || strings.Contains(authorization, basic("p1", poolSecret)[6:]) {
			return // the right proof
		}
		got := n.serve(t, "GET", "/check?random="+c.random, "", "Cookie", "scanlogin_browser="+cookie, "X-Browser-Key", key, "Authorization", authorization)
		if got.Data["ticket"] != nil || got.Data["scannedUserId"] != nil || got.Data["isBrowser"] == true {
			t.Fatalf("cookie %q, key %q, authorization %q: %v", cookie, key, authorization, got)
		}
		body := marshal(t, map[string]any{"ticket": c.random + "." + guess})
		for _, who := range []string{authorization, basic("p1", poolSecret)} {
			if got := n.serve(t, "POST", "/userinfo", body, "Authorization", who); got.Code == 200 {
				t.Fatalf("ticket %q, authorization %q: %v", guess, who, got)
			}
		}
	})
}

// FuzzForwardedFor has a trusted proxy forward a header of the client. Only the last
// address, which the proxy added, is used.
func FuzzForwardedFor(f *testing.F) {
	var seen string
	n := fuzzNode(f, func(o *server.Options) {
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} // the address of httptest's requests
		o.Observers = append(o.Observers, func(e session.Event) {
			if e.Kind == session.EventMade { // ignores the expiry of earlier codes
				seen = e.IP
			}
		})
	})
	for _, seed := range []string{"", "10.0.0.1", "::1", "1.2.3.4, 192.0.2.1", "[::1]:80", ",", strings.Repeat("1.1.1.1,", 500), "\x00", "fe80::1%eth0", "\u3000\u3000"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, written string) {
		n.serve(t, "POST", "/gene", `{"userPoolId":"p1"}`, "X-Forwarded-For", written+", 203.0.113.7")
		if seen != "203.0.113.7" {
			t.Fatalf("%q: the client is %q", written, seen)
		}
		n.serve(t, "POST", "/gene", `{"userPoolId":"p1"}`, "X-Forwarded-For", written)
		if _, err := netip.ParseAddr(seen); err != nil {
			t.Fatalf("%q: the client is %q", written, seen)
		}
	})
}

// FuzzSocketMessage sends a message to an open socket: it
// returns another code, or the socket is closed with a documented code.
func FuzzSocketMessage(f *testing.F) {
	n := fuzzNode(f, nil)
	for _, seed := range []string{`{"action":"refresh"}`, `{"action":"confirm"}`, `{"action":1}`, `[]`, "", "\xff", `{"action":"refresh","action":"x"}`, strings.Repeat(" ", 4097)} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, message string, isText bool) {
		here := *n
		here.TB = t
		p := here.dial("userPoolId=p1", nil)
		defer p.CloseNow()
		p.event("code")
		kind := websocket.MessageBinary
		if isText {
			kind = websocket.MessageText
		}
		if err := p.Write(p.ctx, kind, []byte(message)); err != nil {
			t.Fatal(err)
		}
		_, text, err := p.Read(p.ctx)
		switch websocket.CloseStatus(err) {
		case websocket.StatusPolicyViolation, websocket.StatusInvalidFramePayloadData, websocket.StatusMessageTooBig:
		default:
			if err != nil || !strings.Contains(string(text), `"event":"code"`) {
				t.Fatalf("%q: %q, %v", message, text, err)
			}
		}
	})
}

func marshal(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
