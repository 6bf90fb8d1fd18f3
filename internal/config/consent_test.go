package config

import (
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

func TestDefaultConsentWarnsAndBlocksNothing(t *testing.T) {
	p := mustLoad(t, good).UserPools[0]
	if p.Consent != pool.DefaultConsent() || p.Match != session.MatchNone || p.RequirePKCE {
		t.Errorf("%+v, match %q, PKCE %v", p.Consent, p.Match, p.RequirePKCE)
	}
}

func TestConsentMatchAndPKCEAreApplied(t *testing.T) {
	s := mustLoad(t, good+`    match: digits
    require_pkce: true
    return_full_user_info: true
    bind_browser: false
    consent: {other_network: careful, other_country: block, new_browser: careful, many_codes: block, many_codes_from: 7, old_request: block, old_after: 30s}
`)
	want := pool.Consent{
		OtherNetwork: pool.Careful, OtherCountry: pool.Block, NewBrowser: pool.Careful, ManyCodes: pool.Block, ManyCodesFrom: 7,
		OldRequest: pool.Block, OldAfter: 30 * time.Second,
	}
	if p := s.UserPools[0]; p.Consent != want || p.Match != session.MatchDigits || !p.RequirePKCE {
		t.Errorf("%+v, match %q, PKCE %v", p.Consent, p.Match, p.RequirePKCE)
	}
	var warnings []string
	for _, w := range s.Warnings {
		warnings = append(warnings, w.String())
	}
	for _, want := range []string{"match: is on with bind_browser: false", "return_full_user_info: has no effect with require_pkce", "other_country: blocks nothing without geoip_file"} {
		if !strings.Contains(strings.Join(warnings, "\n"), want) {
			t.Errorf("no warning that says %q in %q", want, warnings)
		}
	}
	if off := mustLoad(t, good+"    match: off\n").UserPools[0]; off.Match != session.MatchNone {
		t.Errorf("off is %q", off.Match)
	}
}
