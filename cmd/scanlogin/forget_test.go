package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/redistest"
)

// forgetStory is a browser, and the back end of the app, which names the phone's user.
type forgetStory struct {
	*testing.T
	base    string
	browser *http.Client
}

func (s *forgetStory) ask(client *http.Client, call string, body map[string]any) (code int, data map[string]any) {
	s.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		s.Fatal(err)
	}
	req, err := http.NewRequestWithContext(s.Context(), http.MethodPost, s.base+"/api/v2/qrcode/"+call, bytes.NewReader(text))
	if err != nil {
		s.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if client != s.browser {
		req.SetBasicAuth("demo", testSecret)
	}
	resp, err := client.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Code int
		Data map[string]any
	}
	decodeAnswer(s.T, resp.Body, &answer)
	return answer.Code, answer.Data
}

// scan scans a new code of the browser, and returns whether the server knows the browser.
func (s *forgetStory) scan(user string) (random string, known any, code int) {
	s.Helper()
	_, made := s.ask(s.browser, "gene", map[string]any{"userPoolId": "demo"})
	random, _ = made["random"].(string)
	code, data := s.step("scanned", random, user)
	consent, _ := data["consent"].(map[string]any)
	return random, consent["knownBrowser"], code
}

func (s *forgetStory) step(call, random, user string) (int, map[string]any) {
	s.Helper()
	return s.ask(http.DefaultClient, call, map[string]any{"random": random, "user": map[string]any{"id": user}})
}

// confirm logs a user in, and waits until the server knows the browser.
func (s *forgetStory) confirm(user string) {
	s.Helper()
	for deadline := time.Now().Add(testDeadline); ; {
		random, known, code := s.scan(user)
		if known == true {
			return
		}
		if code != http.StatusOK || time.Now().After(deadline) {
			s.Fatalf("scanned: %d, known browser: %v", code, known)
		}
		if code, _ := s.step("confirm", random, user); code != http.StatusOK {
			s.Fatalf("confirm: %d", code)
		}
	}
}

// deadLetters returns the dead letters about a user.
func (s *forgetStory) deadLetters(file, user string) int {
	s.Helper()
	code, out, errOut := runCommand(s.T, "webhooks", "list", "--config", file, "--pool", "demo")
	if code != exitOK {
		s.Fatalf("code %d: %s", code, errOut)
	}
	return strings.Count(out, fmt.Sprintf(`\"user\":{\"id\":\"%s\"`, user))
}

func TestForgetRemovesWhatIsStoredAboutAUser(t *testing.T) {
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) }))
	t.Cleanup(receiver.Close)
	file := writeFile(t, "scanlogin.yaml", hooked("url: "+receiver.URL+", allow_private: true, events: [code.canceled], secret: "+hookSecret)+
		"listen: 127.0.0.1:0\nredis_url: "+redistest.Start(t).URL()+"\n")
	node := start(t, "serve", "--config", file)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &forgetStory{t, "http://" + node.wait(t, `"listen":"([^"]+)"`), &http.Client{Jar: jar}}
	t.Cleanup(s.browser.CloseIdleConnections)

	s.confirm("alice")
	s.confirm("bob")
	for range 3 {
		random, _, _ := s.scan("alice")
		s.step("cancel", random, "alice")
	}
	random, _, _ := s.scan("bob")
	s.step("cancel", random, "bob")
	if _, _, code := s.scan("alice"); code == http.StatusOK {
		t.Log("the cool-down has ended: this machine is slow")
	}
	redistest.Eventually(t, testDeadline, "dead letters", func() bool { return s.deadLetters(file, "alice") == 3 && s.deadLetters(file, "bob") == 1 })

	code, out, errOut := runCommand(t, "forget", "--config", file, "demo", "alice")
	if code != exitOK || !strings.HasPrefix(out, "removed: known browsers: 1, logins at clients: 0, webhook messages: 0, dead letters: 3;") || strings.Contains(out, "alice") {
		t.Errorf("code %d: %s%s", code, out, errOut)
	}
	if alice, bob := s.deadLetters(file, "alice"), s.deadLetters(file, "bob"); alice != 0 || bob != 1 {
		t.Errorf("dead letters: %d about alice, %d about bob", alice, bob)
	}
	if _, known, code := s.scan("alice"); code != http.StatusOK || known != false {
		t.Errorf("alice scans: %d, known browser: %v", code, known)
	}
	if _, known, code := s.scan("bob"); code != http.StatusOK || known != true {
		t.Errorf("bob scans: %d, known browser: %v", code, known)
	}
	if code, out, _ := runCommand(t, "forget", "--config", file, "demo", "alice"); code != exitOK || !strings.HasPrefix(out, "removed: known browsers: 0, logins at clients: 0, webhook messages: 0, dead letters: 0;") {
		t.Errorf("again: code %d: %s", code, out)
	}
}

func TestForgetExplainsWhatItCannotReach(t *testing.T) {
	memory := writeFile(t, "scanlogin.yaml", good)
	redis := redistest.Start(t)
	shared := writeFile(t, "scanlogin.yaml", good+"redis_url: "+redis.URL()+"\n")
	for _, tt := range []struct {
		file, pool, user, want string
	}{
		{memory, "demo", "alice", "restarting it removes everything"},
		{shared, "other", "alice", `the configuration has no pool "other"`},
		{shared, "demo", "", "the user's id is empty"},
	} {
		code, out, errOut := runCommand(t, "forget", "--config", tt.file, "--", tt.pool, tt.user)
		if code != exitFailure || !strings.Contains(errOut, tt.want) || strings.Contains(errOut, "not everything") || out != "" {
			t.Errorf("code %d, want %q: %s%s", code, tt.want, out, errOut)
		}
	}
	redis.Kill()
	code, out, errOut := runCommand(t, "forget", "--config", shared, "demo", "alice")
	if code != exitFailure || !strings.Contains(errOut, "not everything was removed, try again") {
		t.Errorf("without Redis: code %d: %s%s", code, out, errOut)
	}
}
