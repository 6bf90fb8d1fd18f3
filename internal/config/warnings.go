package config

import (
	"fmt"
	"net/netip"
	"net/url"

	"github.com/scanlogin/scanlogin/internal/pool"
)

// warnings returns what is valid but unwise, in the order of the file.
func (d *document) warnings(c *Config) []Problem {
	var found Problems
	warn := func(path, text string) {
		found = append(found, Problem{path, text, d.position(path)})
	}
	if isPlainRemote(c.PublicURL) {
		warn("public_url", "is http on another host than this: codes, tickets and tokens can be read in transit, and a planted browser cookie is accepted; use https")
	}
	if c.WaitReplicas > 0 && c.RedisURL == "" {
		warn("redis_wait_replicas", "has no effect without redis_url")
	}
	for i, p := range c.Pools {
		at := fmt.Sprintf("pools[%d]", i)
		if !p.BindBrowser {
			warn(at+".bind_browser", "is false: anyone who sees the picture can take over the login; set it to true unless an old client needs it")
		}
		if p.Match != "off" && !p.BindBrowser {
			warn(at+".match", "is on with bind_browser: false: a page that does not prove to be the browser gets no digits, and cannot log in")
		}
		if p.RequirePKCE && p.ReturnFullUserInfo {
			warn(at+".return_full_user_info", "has no effect with require_pkce: the user of a code with a challenge is returned only for the verifier")
		}
		if p.Consent.OtherCountry == pool.Block && c.GeoIP == nil {
			warn(at+".consent.other_country", "blocks nothing without geoip_file: no country is known")
		}
		if p.Identity != nil && p.Identity.JWT != nil && p.Identity.JWT.Audience == "" && p.Identity.JWT.HS256Secret == "" {
			warn(at+".identity.jwt", "has no audience: a token that the issuer made for any other application logs in here, too")
		}
		if p.Webhook != nil && c.RedisURL == "" {
			warn(at+".webhook", "is kept in memory without redis_url: undelivered messages are lost when the process ends")
		}
		if p.Apps.any() {
			warnOfApps(p, c.PublicURL, func(text string) { warn(at+".apps", text) })
		}
	}
	found = append(found, d.fileWarnings()...)
	found.sort()
	return found
}

// warnOfApps warns if phones do not open the pictures of a pool in its apps.
func warnOfApps(p Pool, publicURL string, warn func(text string)) {
	u, err := url.Parse(publicURL)
	switch {
	case err != nil || u.Scheme != "https" || u.Port() != "":
		warn("need a public_url with https and without a port: Apple and Google read the association files only there")
	case p.PayloadFormat != string(pool.PayloadURL):
		warn("open no pictures without payload_format: url")
	case p.AppLink != "":
		warn("open no pictures with app_link, which is in the pictures instead of /s/<pool>/<random>; remove app_link if its host is that of public_url")
	}
}

// isPlainRemote reports whether address is http on another machine.
func isPlainRemote(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" || u.Hostname() == "localhost" {
		return false
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return err != nil || !addr.IsLoopback()
}
