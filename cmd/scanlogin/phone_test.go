package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scanlogin/scanlogin/internal/qr"
)

const testRandom = "0123456789abcdefghijABCDEFGHIJ"

// askedServer gives every request the same answer and records the request.
type askedServer struct {
	*httptest.Server
	path, random, matchCode string
	header                  http.Header
	fields                  int // that a body has
}

func newAskedServer(t *testing.T, status int, answer string) *askedServer {
	t.Helper()
	s := &askedServer{fields: 1}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var sent map[string]string
		if err := json.Unmarshal(body, &sent); err != nil || r.Method != http.MethodPost || len(sent) != s.fields {
			t.Errorf("%s %s: %v", r.Method, body, err)
		}
		s.path, s.random, s.matchCode, s.header = r.URL.Path, sent["random"], sent["matchCode"], r.Header.Clone()
		w.WriteHeader(status)
		io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return s
}

const scannedAnswer = `{"code":200,"message":"ok","data":{"random":"` + testRandom + `","status":1,"pool":{"name":"Example"},` +
	`"browser":{"ip":"","userAgent":"","browser":"","os":"Linux","createdAt":""},"consent":{"verdict":"ok","reasons":[],"age":0}}}`

func TestPhoneRequestsFollowTheContract(t *testing.T) {
	s := newAskedServer(t, http.StatusOK, scannedAnswer)
	t.Setenv("SCANLOGIN_TOKEN", testSecret)
	for step, path := range map[string]string{"scan": "scanned", "confirm": "confirm", "cancel": "cancel"} {
		code, out, errOut := runCommand(t, "phone", step, "--server", s.URL+"/", "--pool", "p1", testRandom)
		if code != exitOK || !strings.HasPrefix(out, "{\n  \"random\": \""+testRandom+"\",\n  \"status\": 1,\n") || (errOut != "") != (step == "scan") {
			t.Errorf("%s: code %d, %q, %q", step, code, out, errOut)
		}
		if s.path != "/api/v2/qrcode/"+path || s.random != testRandom {
			t.Errorf("%s: %s %s", step, s.path, s.random)
		}
		if s.header.Get("Authorization") != "Bearer "+testSecret || s.header.Get("x-authing-userpool-id") != "p1" ||
			s.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %v", step, s.header)
		}
	}
}

func TestPhoneSendsTheIDOfRandomTextLinkAndPicture(t *testing.T) {
	s := newAskedServer(t, http.StatusOK, scannedAnswer)
	picture := filepath.Join(t.TempDir(), "code.png")
	if err := os.WriteFile(picture, qrPNG(t, 300), 0o600); err != nil {
		t.Fatal(err)
	}
	flags := []string{"phone", "scan", "--server", s.URL, "--token", "t", "--link-origin", "https://scan.example.com", "--app-link", "shop://login?a,b&code={random}"}
	for arg, want := range map[string]string{
		testRandom: testRandom, testText: testRandom, picture: testRandom, s.URL + "/s/" + testRandom: testRandom,
		"https://scan.example.com/s/" + testRandom: testRandom, "https://scan.example.com/s/p1/" + testRandom: testRandom,
		"shop://login?a,b&code=" + testRandom: testRandom, "wdjb mjht": "WDJB-MJHT",
	} {
		s.random = ""
		code, _, errOut := runCommand(t, append(flags, arg)...)
		if code != exitOK || s.random != want {
			t.Errorf("%s: code %d, sent %q, %s", arg, code, s.random, errOut)
		}
		if _, given := s.header["X-Authing-Userpool-Id"]; given {
			t.Error("a pool was named")
		}
	}
}

func TestPhoneSendsNothingForCodesOfOthers(t *testing.T) {
	s := newAskedServer(t, http.StatusOK, scannedAnswer)
	for arg, want := range map[string]string{
		"https://evil.example/s/" + testRandom:                 `the code is a link to "evil.example", which is not trusted; if it is the public address of --server, name it with --link-origin`,
		"evil://login?code=" + testRandom:                      "not a login code",
		`{"random":"` + testRandom + `","userPoolId":"other"}`: "the code belongs to another user pool",
		`{"scene":"WXAPP_AUTH","random":"` + testRandom + `"}`: "not a login code",
	} {
		code, _, errOut := runCommand(t, "phone", "scan", "--server", s.URL, "--pool", "p1", "--token", testSecret, arg)
		if code != exitFailure || !strings.Contains(errOut, want) || s.path != "" {
			t.Errorf("%s: code %d, %s, requested %q", arg, code, errOut, s.path)
		}
	}
}

func TestPhoneRefusesAnAnswerThatCannotBeShown(t *testing.T) {
	s := newAskedServer(t, http.StatusOK, `{"code":200,"message":"ok","data":{"random":"`+testRandom+`","status":1}}`)
	code, out, errOut := runCommand(t, "phone", "scan", "--server", s.URL, "--token", "t", testRandom)
	if code != exitFailure || out != "" || !strings.Contains(errOut, "lacks fields") {
		t.Errorf("code %d, %q, %q", code, out, errOut)
	}
}

func TestPhoneSaysThatScanComesFirst(t *testing.T) {
	s := newAskedServer(t, http.StatusConflict, `{"code":2243,"message":"QR code has not been scanned","data":null}`)
	code, _, errOut := runCommand(t, "phone", "confirm", "--server", s.URL, "--token", testSecret, testRandom)
	if code != exitFailure || !strings.Contains(errOut, "2243") || !strings.Contains(errOut, "scanlogin phone scan") {
		t.Errorf("code %d, %q", code, errOut)
	}
}

func TestPhonePrintsTheRefusalOfTheServer(t *testing.T) {
	s := newAskedServer(t, http.StatusGone, `{"code":2242,"message":"QR code has expired","data":null}`)
	code, out, errOut := runCommand(t, "phone", "confirm", "--server", s.URL, "--token", testSecret, testRandom)
	if code != exitFailure || out != "" || errOut != "scanlogin: refused (2242): QR code has expired\n" {
		t.Errorf("code %d, %q, %q", code, out, errOut)
	}
}

func TestPhoneErrorsDoNotContainTheToken(t *testing.T) {
	page := newAskedServer(t, http.StatusBadGateway, "<html>")
	moved := httptest.NewServer(http.RedirectHandler(page.URL, http.StatusTemporaryRedirect))
	defer moved.Close()
	garbage := writeFile(t, "code.png", "garbage")
	for name, tt := range map[string]struct{ server, code, want string }{
		"another server": {page.URL, testRandom, "502 Bad Gateway, but not as a scanlogin server"},
		"redirect":       {moved.URL, testRandom, "307 Temporary Redirect, but not as"},
		"no server":      {"http://127.0.0.1:1", testRandom, "connection refused"},
		"no address":     {"scan.example.com", testRandom, "--server must be an address"},
		"no code":        {page.URL, "code", `"code" is not a random or the text of a picture, and as a file: no such file`},
		"no picture":     {page.URL, garbage, fmt.Sprintf("%s: %v", garbage, qr.ErrFormat)},
		"no end":         {page.URL, "/dev/zero", "is not a regular file"},
	} {
		page.path = ""
		code, _, errOut := runCommand(t, "phone", "scan", "--server", tt.server, "--token", testSecret, tt.code)
		want := exitFailure
		if name == "no address" {
			want = exitUsage
		}
		if code != want || !strings.Contains(errOut, tt.want) || strings.Contains(errOut, testSecret) {
			t.Errorf("%s: code %d, %s", name, code, errOut)
		}
		if name == "redirect" && page.path != "" {
			t.Error("the token went to another address")
		}
	}
}
