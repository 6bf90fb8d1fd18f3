package main

import (
	"fmt"
	"net/netip"
	"net/url"

	"github.com/scanlogin/scanlogin/internal/pool"
)

// warnings returns what is allowed but unwise, for the start-up log and
// check-config, in the order of the file.
func (d *document) warnings(s *configuration) []problem {
	var found problems
	warn := func(path, text string) {
		found = append(found, problem{d.place(path), path, text})
	}
	if isPlainRemote(s.PublicURL) {
		warn("public_url", "is http on another host than this: codes, tickets and tokens can be read on the way, and a browser cookie that somebody else planted is taken for the browser's own; use https")
	}
	if s.WaitReplicas > 0 && s.RedisURL == "" {
		warn("redis_wait_replicas", "has no effect without redis_url")
	}
	for i, c := range d.config.Pools {
		at := fmt.Sprintf("pools[%d]", i)
		if !c.BindBrowser {
			warn(at+".bind_browser", "is false: whoever sees the picture can take the login; set it to true unless an old client needs it")
		}
		if c.Match != "off" && !c.BindBrowser {
			warn(at+".match", "is on with bind_browser: false: a page that does not prove to be the browser is not told the digits, and cannot log in")
		}
		if c.RequirePKCE && c.ReturnFullUserInfo {
			warn(at+".return_full_user_info", "has no effect with require_pkce: a code with a challenge gives its user for the verifier only")
		}
		if c.Consent.OtherCountry == string(pool.Block) && s.Places == nil {
			warn(at+".consent.other_country", "blocks nothing without geoip_file: no country is known")
		}
		if c.Identity != nil && c.Identity.JWT != nil && c.Identity.JWT.Audience == "" && c.Identity.JWT.HS256Secret == "" {
			warn(at+".identity.jwt", "has no audience: a token that the issuer made for any other application logs in here, too")
		}
		if c.Webhook != nil && s.RedisURL == "" {
			warn(at+".webhook", "is kept in memory, without redis_url: what was not delivered when the process ends is lost")
		}
	}
	found = append(found, d.fileWarnings()...)
	found.sort()
	return found
}

// isPlainRemote reports whether address is http, and not on this machine.
func isPlainRemote(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" || u.Hostname() == "localhost" {
		return false
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return err != nil || !addr.IsLoopback()
}
