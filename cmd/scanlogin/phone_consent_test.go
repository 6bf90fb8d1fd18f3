package main

import (
	"net/http"
	"strings"
	"testing"
)

func TestPhoneShowsTheDetailsOfTheLogin(t *testing.T) {
	s := newAskedServer(t, http.StatusOK, `{"code":200,"message":"ok","data":{"random":"`+testRandom+`","status":1,
		"browser":{"ip":"203.0.113.7","userAgent":"","createdAt":"","browser":"Chrome\u001b[2J 131","os":"Win\u202edows","place":"Berlin, Germany"},
		"pool":{"name":"Example"},"match":"digits","stepUp":{"maxAge":300,"acrValues":["high"],"amr":["otp","hwk"]},
		"consent":{"verdict":"careful","reasons":[{"name":"other_country","text":"Another country"}],
			"age":12,"sameNetwork":false,"knownBrowser":true,"codesLately":3}}}`)
	code, out, errOut := runCommand(t, "phone", "scan", "--server", s.URL, "--token", "t", testRandom)
	want := `Log in to Example?
  browser  Chrome[2J 131 on Windows
  place    Berlin, Germany
  address  203.0.113.7
  asked    12 s ago
  network  another one than the phone
  before   the user has logged in with this browser
  codes    3 recently, from that address
  number   confirm needs --match-code with the two digits on the page
  log in   confirm needs a newer token: at most 300 s ago, acr high, amr otp or hwk
careful: Another country
`
	if code != exitOK || errOut != want || !strings.Contains(out, `"verdict": "careful"`) {
		t.Errorf("code %d\n%s\n%s", code, errOut, out)
	}
}

func TestPhoneShowsTheClientAndTheDevice(t *testing.T) {
	s := newAskedServer(t, http.StatusOK, `{"code":200,"message":"ok","data":{"random":"`+testRandom+`","status":1,
		"browser":{"ip":"","userAgent":"","createdAt":"","browser":"","os":"Linux"},"pool":{"name":"Example"},
		"client":{"id":"tv","name":"TV\u202e"},"device":{"client":"TV","userCode":"WDJB-MJHT"},"consent":{"verdict":"ok","reasons":[],"age":0}}}`)
	code, _, errOut := runCommand(t, "phone", "scan", "--server", s.URL, "--token", "t", "wdjb-mjht")
	want := "Log in to TV via Example?\n  device   TV asks; does it show the code WDJB-MJHT?\n  browser  Linux\n  asked    0 s ago\n" +
		"The typed code is used up: confirm or cancel " + testRandom + "\n"
	if code != exitOK || errOut != want {
		t.Errorf("code %d, %q", code, errOut)
	}
}

func TestPhoneOmitsUnknownDetails(t *testing.T) {
	s := newAskedServer(t, http.StatusOK, scannedAnswer)
	_, _, errOut := runCommand(t, "phone", "scan", "--server", s.URL, "--token", "t", testRandom)
	if errOut != "Log in to Example?\n  browser  Linux\n  asked    0 s ago\n" {
		t.Error(errOut)
	}
}

func TestMatchCodeIsSentWithConfirm(t *testing.T) {
	s := newAskedServer(t, http.StatusOK, scannedAnswer)
	s.fields = 2
	code, _, errOut := runCommand(t, "phone", "confirm", "--server", s.URL, "--token", "t", "--match-code", "42", testRandom)
	if code != exitOK || s.matchCode != "42" || s.random != testRandom {
		t.Errorf("code %d, %q: %s", code, s.matchCode, errOut)
	}
}
