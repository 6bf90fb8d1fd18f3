package main

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/safehttp"
	"github.com/scanlogin/scanlogin/internal/webhook"
)

// webhook builds where a pool's transitions are told, nil for nowhere.
func (d *document) webhook(path string, c *webhookConfig) *pool.Webhook {
	if c == nil {
		if d.given(path) {
			d.refuse(path, "is empty; give it url and secret, or remove it")
		}
		return nil
	}
	if c.URL != "" { // else that it is required is noted
		d.checkWebhookURL(path+".url", c.URL, c.AllowPrivate)
	}
	for i, event := range c.Events {
		if !slices.Contains(webhook.Events(), event) {
			d.refuse(fmt.Sprintf("%s.events[%d]", path, i), "must be one of "+strings.Join(webhook.Events(), ", "))
		}
	}
	w := &pool.Webhook{URL: c.URL, Events: c.Events, AllowPrivate: c.AllowPrivate}
	w.Keys = append(w.Keys, d.webhookKey(path+".secret", c.Secret)...)
	w.Keys = append(w.Keys, d.webhookKey(path+".previous_secret", c.PreviousSecret)...)
	return w
}

func (d *document) webhookKey(path string, text secretText) []pool.WebhookKey {
	if text == "" {
		return nil
	}
	key, err := pool.ParseWebhookKey(string(text))
	if err != nil {
		d.refuse(path, err.Error())
	}
	return []pool.WebhookKey{key}
}

// checkWebhookURL refuses what cannot be called, and what would not be: names
// are looked up for each call, so only an address shows here where it leads.
func (d *document) checkWebhookURL(path, text string, allowPrivate bool) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.Fragment != "":
		d.refuse(path, "must be an address, such as https://www.example.com/hooks/scanlogin, without user and fragment")
	case u.Scheme == "http" && !allowPrivate:
		d.refuse(path, "must be https; http is for the own network, with allow_private: true")
	case !allowPrivate && leadsInside(u.Hostname()):
		d.refuse(path, "leads to this machine or into the own network; if it should, set allow_private: true")
	}
}

func leadsInside(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && safehttp.Public(addr) != nil || host == "localhost"
}
