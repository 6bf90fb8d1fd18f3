package server

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/login"
)

func TestSDKsGetRefusalsAsHTTP200AndFailuresUnchanged(t *testing.T) {
	plain := &http.Request{Header: http.Header{}}
	for _, header := range []string{"X-Authing-Request-From", "X-Authing-Sdk-Version"} {
		sdk := &http.Request{Header: http.Header{header: {"1"}}}
		for _, test := range []struct {
			problem     *problem
			plain, sdks int
		}{
			{errField, 400, 200}, {errNoCode, 404, 200}, {errTooMany, 429, 429}, {errInternal, 500, 500}, {errBusy, 503, 503},
		} {
			if got := statusFor(test.problem, plain); got != test.plain {
				t.Errorf("%s: %d, want %d", test.problem.name, got, test.plain)
			}
			if got := statusFor(test.problem, sdk); got != test.sdks {
				t.Errorf("%s with %s: %d, want %d", test.problem.name, header, got, test.sdks)
			}
		}
	}
}

func TestRetryAfterIsRoundedUpToWholeSeconds(t *testing.T) {
	for wait, want := range map[time.Duration]string{
		0: "1", time.Nanosecond: "1", time.Second: "1", time.Second + 1: "2", 90 * time.Second: "90",
	} {
		if got := login.RetryAfter(login.TooMany{RetryAfter: wait}); got != want {
			t.Errorf("%v: %s, want %s", wait, got, want)
		}
	}
	if got := login.RetryAfter(errBusy); got != "1" {
		t.Errorf("unknown: %s", got)
	}
}

// TestTheFormatOfRequestIDsIsValidated tries every byte, and the lengths around the
// limit.
func TestTheFormatOfRequestIDsIsValidated(t *testing.T) {
	const allowed = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_."
	for c := range 256 {
		text := string([]byte{byte(c)})
		if got, want := isRequestID("a"+text), strings.Contains(allowed, text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	for length, want := range map[int]bool{0: false, 1: true, 64: true, 65: false} {
		if got := isRequestID(strings.Repeat("a", length)); got != want {
			t.Errorf("%d characters: %v, want %v", length, got, want)
		}
	}
}

func TestAllowedHeadersAreLimitedAndUnique(t *testing.T) {
	var asked []string
	for i := range 100 {
		asked = append(asked, fmt.Sprint("X-Authing-", i), fmt.Sprint(" x-authing-", i), "x-other")
	}
	allowed := strings.Split(allowedHeaders(strings.Join(asked, ",")), ", ")
	if len(allowed) != 32 || allowed[4] != "x-authing-0" || allowed[31] != "x-authing-27" {
		t.Errorf("%d headers: %v", len(allowed), allowed)
	}
}

// TestABodyIsAnObjectWithTheRightTypes names the field that is wrong, or the body.
func TestABodyIsAnObjectWithTheRightTypes(t *testing.T) {
	for body, want := range map[string]string{
		`{"ticket":"x","other":1}`: "", "{}": "", " null ": "body", "[]": "body", `"x"`: "body", "7": "body", "{": "body", `{"ticket":7}`: "ticket",
	} {
		err := unmarshal([]byte(body), new(userinfoRequest))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error about %q", body, err, want)
		}
	}
}

func TestOnlyTheSceneOfAppLoginsIsAccepted(t *testing.T) {
	for scene, want := range map[string]bool{"": true, login.Scene: true, "WXAPP_AUTH": false} {
		if err := (geneRequest{Scene: &scene}).check(); (err == nil) != want {
			t.Errorf("%q: %v", scene, err)
		}
	}
	if err := (geneRequest{}).check(); err != nil {
		t.Error(err)
	}
}
