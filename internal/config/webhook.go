package config

import (
	"net/netip"
	"net/url"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/safehttp"
)

// buildWebhook builds the receiver of a pool's events, nil for none.
func (d *document) buildWebhook(path string, v *Webhook) *pool.Webhook {
	if v == nil {
		if d.given(path) {
			d.refuse(path, "is empty; give it url and secret, or remove it")
		}
		return nil
	}
	if v.URL != "" { // otherwise "is required" is recorded
		d.checkWebhookURL(path+".url", v.URL, v.AllowPrivate)
	}
	w := &pool.Webhook{URL: v.URL, Events: v.Events, AllowPrivate: v.AllowPrivate}
	for _, text := range []Secret{v.Secret, v.PreviousSecret} {
		if key, err := pool.ParseWebhookKey(string(text)); err == nil {
			w.Keys = append(w.Keys, key)
		}
	}
	return w
}

// checkWebhookURL refuses an address that cannot be called, or that delivery would refuse.
// Host names are resolved at each delivery; here only literal addresses are checked.
func (d *document) checkWebhookURL(path, text string, allowPrivate bool) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.Fragment != "":
		d.refuse(path, "must be an address, such as https://www.example.com/hooks/scanlogin, without user and fragment")
	case u.Scheme == "http" && !allowPrivate:
		d.refuse(path, "must be https; http is for private networks, with allow_private: true")
	case !allowPrivate && isPrivateHost(u.Hostname()):
		d.refuse(path, "leads to this machine or into a private network; to allow that, set allow_private: true")
	}
}

func isPrivateHost(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && safehttp.Public(addr) != nil || host == "localhost"
}
