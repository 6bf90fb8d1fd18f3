package config

import (
	"slices"
	"strings"
	"testing"

	"github.com/scanlogin/scanlogin/internal/webhook"
)

const hookSecret = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="

// hooked is a minimal configuration with a webhook.
func hooked(more string) string { return good + "    webhook: {" + more + "}\n" }

func TestWebhookIsBuilt(t *testing.T) {
	s := mustLoad(t, hooked("url: https://www.example.com/hook, secret: "+hookSecret))
	w := s.UserPools[0].Webhook
	if w == nil || w.URL != "https://www.example.com/hook" || len(w.Keys) != 1 || w.AllowPrivate || !w.Wants(webhook.Made) {
		t.Errorf("webhook: %+v", w)
	}
	t.Setenv("OLD", hookSecret)
	s = mustLoad(t, hooked("url: http://127.0.0.1:1, allow_private: true, secret: "+hookSecret+", previous_secret: env:OLD, events: [code.confirmed]"))
	if w := s.UserPools[0].Webhook; len(w.Keys) != 2 || !w.AllowPrivate || w.Wants(webhook.Made) {
		t.Errorf("webhook: %+v", w)
	}
	if !slices.ContainsFunc(s.Warnings, func(p Problem) bool { return strings.Contains(p.Text, "is kept in memory") }) {
		t.Errorf("warnings: %v", s.Warnings)
	}
	if w := mustLoad(t, good).UserPools[0].Webhook; w != nil {
		t.Errorf("without one: %+v", w)
	}
}

func TestInvalidWebhookIsRefused(t *testing.T) {
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
		"metadata":     {hooked("url: https://169.254.169.254/latest" + secret), "webhook.url: leads to this machine or into a private network"},
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
