package main

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/internal/webhook"
)

const hookSecret = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="

// hooked is the least configuration with a webhook, and what else is in that.
func hooked(more string) string { return good + "    webhook: {" + more + "}\n" }

func TestAWebhookIsRead(t *testing.T) {
	s := mustLoad(t, hooked("url: https://www.example.com/hook, secret: "+hookSecret))
	w := s.Pools[0].Webhook
	if w == nil || w.URL != "https://www.example.com/hook" || len(w.Keys) != 1 || w.AllowPrivate || !w.Wants(webhook.Made) {
		t.Errorf("webhook: %+v", w)
	}
	t.Setenv("OLD", hookSecret)
	s = mustLoad(t, hooked("url: http://127.0.0.1:1, allow_private: true, secret: "+hookSecret+", previous_secret: env:OLD, events: [code.confirmed]"))
	if w := s.Pools[0].Webhook; len(w.Keys) != 2 || !w.AllowPrivate || w.Wants(webhook.Made) {
		t.Errorf("webhook: %+v", w)
	}
	if !slices.ContainsFunc(s.warnings, func(p problem) bool { return strings.Contains(p.text, "kept in memory") }) {
		t.Errorf("warnings: %v", s.warnings)
	}
	if w := mustLoad(t, good).Pools[0].Webhook; w != nil {
		t.Errorf("without one: %+v", w)
	}
}

func TestAWrongWebhookIsRefusedWithItsCure(t *testing.T) {
	secret := ", secret: " + hookSecret
	for name, test := range map[string]struct{ file, want string }{
		"empty":        {good + "    webhook:\n", "webhook: is empty"},
		"no url":       {hooked("secret: " + hookSecret), "webhook.url: is required"},
		"no secret":    {hooked("url: https://www.example.com"), "webhook.secret: is required"},
		"no such key":  {hooked("url: https://www.example.com, secret: whsec_short"), "webhook.secret: must be whsec_"},
		"no old key":   {hooked("url: https://www.example.com, previous_secret: x" + secret), "webhook.previous_secret: must be whsec_"},
		"http":         {hooked("url: http://www.example.com" + secret), "webhook.url: must be https"},
		"no address":   {hooked("url: www.example.com" + secret), "webhook.url: must be an address"},
		"a user":       {hooked("url: https://u:p@www.example.com" + secret), "webhook.url: must be an address"},
		"metadata":     {hooked("url: https://169.254.169.254/latest" + secret), "webhook.url: leads to this machine or into the own network"},
		"this machine": {hooked("url: https://localhost/" + secret), "webhook.url: leads to this machine"},
		"mapped":       {hooked("url: 'https://[::ffff:10.0.0.1]/'" + secret), "webhook.url: leads to this machine"},
		"event":        {hooked("url: https://www.example.com, events: [code.made, made]" + secret), "webhook.events[1]: must be one of code.made, "},
	} {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(refusals(t, test.file), "\n")
			if !strings.Contains(got, "scanlogin.yaml:5:") || !strings.Contains(got, "pools[0]."+test.want) || strings.Contains(got, hookSecret) {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestSecretPrintsAKeyForWebhooks(t *testing.T) {
	code, out, _ := runCommand(t, "secret", "--webhook")
	if _, err := pool.ParseWebhookKey(strings.TrimSpace(out)); code != exitOK || err != nil {
		t.Errorf("code %d, %q: %v", code, out, err)
	}
}

func TestDeadLettersAreListedAndSentAgain(t *testing.T) {
	answers := make(chan int, 16)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(<-answers) }))
	t.Cleanup(receiver.Close)
	t.Cleanup(func() { close(answers) }) // lets a handler go that waits for its answer
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
	if code, out, errOut := runCommand(t, "webhooks", "resend", "--config", file, "--pool", "demo", id); code != exitOK || out != "queued anew: 1\n" {
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

func TestWithoutRedisNoCommandReachesDeadLetters(t *testing.T) {
	file := writeFile(t, "scanlogin.yaml", good)
	if code, _, errOut := runCommand(t, "webhooks", "list", "--config", file, "--pool", "demo"); code != exitFailure || !strings.Contains(errOut, "redis_url is not set") {
		t.Errorf("code %d: %s", code, errOut)
	}
}
