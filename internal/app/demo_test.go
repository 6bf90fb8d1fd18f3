package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/qr"
)

// newDemoServer serves the pages of the demo.
func newDemoServer(t *testing.T) (*demo, *httptest.Server) {
	t.Helper()
	d := newDemo("http://127.0.0.1:8080")
	server := httptest.NewServer(d.handler())
	t.Cleanup(func() {
		server.Client().CloseIdleConnections()
		server.Close()
	})
	return d, server
}

func TestTheDemoPrintsOneAddressAndACodeThatPhonesCanReach(t *testing.T) {
	local := newDemo("http://127.0.0.1:8080").greeting()
	if strings.Count(local, "http://") != 2 || strings.Count(local, "http://127.0.0.1:8080/") != 2 || !strings.Contains(local, "add --listen :8080") || strings.Contains(local, "█") {
		t.Errorf("%s", local)
	}
	shared := newDemo("http://192.0.2.7:9999").greeting()
	if strings.Count(shared, "http://") != 2 || !strings.Contains(shared, "go run ./examples/oidc http://192.0.2.7:9999/oidc/demo\n") || strings.Contains(shared, "--listen") {
		t.Errorf("%s", shared)
	}
	if text := readBlocks(t, shared); text != "http://192.0.2.7:9999/phone" {
		t.Errorf("the code is %q in\n%s", text, shared)
	}
}

// A device shows no number.
func TestTheDemosClientIsADeviceAlsoIfThePhoneNeedsTheNumber(t *testing.T) {
	d := newDemo("http://127.0.0.1:8080")
	for _, match := range []bool{false, true} {
		c, err := d.config("127.0.0.1:8080", DemoOptions{Match: match})
		if err != nil {
			t.Fatal(err)
		}
		p := c.UserPools[0]
		if !p.OffersDevices() || !p.Clients[0].AllowsRedirect("http://127.0.0.1:40000/callback") {
			t.Errorf("match %t: %+v", match, p.Clients[0])
		}
	}
}

// readBlocks decodes the QR code that a text draws in blocks of two rows, light on dark.
func readBlocks(t *testing.T, text string) string {
	t.Helper()
	const scale = 4 // pixels of a module
	var rows [][]rune
	for line := range strings.Lines(text) {
		if strings.ContainsAny(line, "█▀▄") {
			rows = append(rows, []rune(strings.TrimSuffix(line, "\n")))
		}
	}
	if len(rows) == 0 {
		t.Fatal("no code")
	}
	picture := image.NewGray(image.Rect(0, 0, len(rows[0])*scale, 2*len(rows)*scale))
	for y := range picture.Rect.Dy() {
		for x := range picture.Rect.Dx() {
			block := rows[y/scale/2][x/scale]
			if block == '█' || block == '▀' && y/scale%2 == 0 || block == '▄' && y/scale%2 == 1 {
				picture.SetGray(x, y, color.Gray{Y: 255})
			}
		}
	}
	var data bytes.Buffer
	if err := png.Encode(&data, picture); err != nil {
		t.Fatal(err)
	}
	found, err := qr.Decode(data.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// post sends a request with the language Chinese, and returns the status and the JSON answer.
func post(t *testing.T, server *httptest.Server, path string, body []byte) (int, map[string]string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("x-authing-lang", "zh-CN")
	resp, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer map[string]string
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, answer
}

func get(t *testing.T, server *httptest.Server, path string) (*http.Response, string) {
	t.Helper()
	resp, err := server.Client().Get(server.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestDemoTokensIdentifyItsUsers(t *testing.T) {
	d, server := newDemoServer(t)
	s, err := d.config("127.0.0.1:8080", DemoOptions{StepUp: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range demoUsers {
		status, answer := post(t, server, "/demo/token", fmt.Appendf(nil, `{"user":%q}`, u.id))
		user, err := s.UserPools[0].Identity.Identify(t.Context(), answer["token"], time.Now(), 0)
		if status != http.StatusOK || err != nil || user.ID != u.id || user.Nickname != u.name {
			t.Errorf("%s: %d, %+v, %v", u.id, status, user, err)
		}
		if want := "http://127.0.0.1:8080/demo/photo/" + u.id + ".svg"; user.Photo != want {
			t.Errorf("photo %s, want %s", user.Photo, want)
		}
		_, answer = post(t, server, "/demo/token", fmt.Appendf(nil, `{"user":%q,"again":true}`, u.id))
		again, err := s.UserPools[0].Identity.Identify(t.Context(), answer["token"], time.Now(), 0)
		if need := s.UserPools[0].StepUp; err != nil || need.IsMetBy(user.Auth, time.Now()) || !need.IsMetBy(again.Auth, time.Now()) {
			t.Errorf("%s: logged in at %d, again at %d, %v", u.id, user.Auth.Time, again.Auth.Time, err)
		}
	}
}

func TestDemoErrorsAreInTheLanguageOfThePage(t *testing.T) {
	_, server := newDemoServer(t)
	for _, tt := range []struct {
		path, body string
		status     int
		message    string
	}{
		{"/demo/token", "alice", 400, "请求体"},
		{"/demo/token", `{"user":"mallory"}`, 404, "没有这个用户"},
	} {
		status, answer := post(t, server, tt.path, []byte(tt.body))
		if status != tt.status || !strings.HasPrefix(answer["message"], tt.message) {
			t.Errorf("%s: %d, %v", tt.path, status, answer)
		}
	}
}

func TestDemoServesItsPages(t *testing.T) {
	_, server := newDemoServer(t)
	for path, want := range map[string]struct {
		status int
		part   string
	}{
		"/":                     {200, `data-app="login" data-state="loading" data-pool="demo"`},
		"/login":                {200, `data-pool="demo"`},
		"/phone":                {200, `data-pool="demo" data-origins="http://127.0.0.1:8080"`},
		"/demo/photo/alice.svg": {200, ">A</text>"},
		"/demo/photo/alice":     {404, ""},
		"/demo/photo/x.svg":     {404, ""},
	} {
		if resp, body := get(t, server, path); resp.StatusCode != want.status || !strings.Contains(body, want.part) {
			t.Errorf("%s: %d\n%s", path, resp.StatusCode, body)
		}
	}
}

func TestDemoURLIsReachableFromTheNetwork(t *testing.T) {
	interfaces := []net.Addr{
		&net.IPNet{IP: net.IPv4(127, 0, 0, 1), Mask: net.CIDRMask(8, 32)},
		&net.IPNet{IP: net.ParseIP("fe80::1"), Mask: net.CIDRMask(64, 128)},
		&net.IPNet{IP: net.IPv4(192, 0, 2, 7).To4(), Mask: net.CIDRMask(24, 32)},
	}
	for listen, want := range map[string]string{
		"127.0.0.1:8080": "http://127.0.0.1:8080",
		"[::]:8080":      "http://192.0.2.7:8080",
		"0.0.0.0:80":     "http://192.0.2.7",
		"[::1]:8080":     "http://[::1]:8080",
	} {
		if got := demoURL(listen, interfaces); got != want {
			t.Errorf("%s: %s, want %s", listen, got, want)
		}
	}
	if got := demoURL("[::]:8080", nil); got != "http://127.0.0.1:8080" {
		t.Errorf("without a network: %s", got)
	}
}
