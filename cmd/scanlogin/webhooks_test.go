package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/redistest"
)

const hookSecret = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="

// hooked is a minimal configuration with a webhook.
func hooked(more string) string { return good + "    webhook: {" + more + "}\n" }

func TestSecretPrintsAWebhookSecret(t *testing.T) {
	code, out, _ := runCommand(t, "secret", "--webhook")
	if _, err := pool.ParseWebhookKey(strings.TrimSpace(out)); code != exitOK || err != nil {
		t.Errorf("code %d, %q: %v", code, out, err)
	}
}

func TestDeadLettersAreListedAndResent(t *testing.T) {
	answers := make(chan int, 16)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(<-answers) }))
	t.Cleanup(receiver.Close)
	t.Cleanup(func() { close(answers) }) // ends a handler that waits for its answer
	file := writeFile(t, "scanlogin.yaml", hooked("url: "+receiver.URL+", allow_private: true, events: [code.made], secret: "+hookSecret)+
		"listen: 127.0.0.1:0\nredis_url: "+redistest.Start(t).URL()+"\n")
	server := start(t, "serve", "--config", file)
	address := "http://" + server.wait(t, `"listen":"([^"]+)"`)
	answers <- http.StatusGone
	if status, answer := call(t, http.MethodPost, address+"/api/v2/qrcode/gene", `{"userPoolId":"demo"}`); status != http.StatusOK {
		t.Fatalf("%d: %s", status, answer)
	}
	id := server.wait(t, `webhook message became a dead letter.*"id":"(msg_[^"]+)"`)

	code, out, errOut := runCommand(t, "webhooks", "list", "--config", file, "--pool", "demo")
	if code != exitOK || strings.Count(out, "\n") != 1 || !strings.Contains(out, id) || !strings.Contains(out, "returned status 410") || !strings.Contains(out, "code.made") {
		t.Errorf("code %d: %s%s", code, out, errOut)
	}
	for _, args := range [][]string{{"--all", id}, {}} {
		if code, _, errOut := runCommand(t, append([]string{"webhooks", "resend", "--config", file, "--pool", "demo"}, args...)...); code != exitFailure || !strings.Contains(errOut, "--all") {
			t.Errorf("%v: code %d: %s", args, code, errOut)
		}
	}
	answers <- http.StatusInternalServerError
	if code, out, errOut := runCommand(t, "webhooks", "resend", "--config", file, "--pool", "demo", id); code != exitOK || out != "queued again: 1\n" {
		t.Errorf("code %d: %s%s", code, out, errOut)
	}
	server.wait(t, `(the receiver returned status 500)`)
	answers <- http.StatusOK
	server.wait(t, `(webhook receiver recovered)`)
	if code, out, _ := runCommand(t, "webhooks", "list", "--config", file, "--pool", "demo"); code != exitOK || out != "" {
		t.Errorf("code %d: %s", code, out)
	}
	http.DefaultClient.CloseIdleConnections()
	if code := server.stop(); code != exitOK || strings.Contains(server.text(), hookSecret) {
		t.Errorf("code %d: %s", code, server.text())
	}
}

func TestDeadLettersOfAServerWithoutRedisAreUnavailable(t *testing.T) {
	file := writeFile(t, "scanlogin.yaml", good)
	if code, _, errOut := runCommand(t, "webhooks", "list", "--config", file, "--pool", "demo"); code != exitFailure || !strings.Contains(errOut, "redis_url is not set") {
		t.Errorf("code %d: %s", code, errOut)
	}
}
