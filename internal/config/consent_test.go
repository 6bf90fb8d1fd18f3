package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/scanlogin/scanlogin/internal/geoip/geoiptest"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

func TestWhoSaysNothingIsWarnedAndBlocksNothing(t *testing.T) {
	p := mustLoad(t, good).Pools[0]
	if p.Consent != pool.DefaultConsent() || p.Match != session.MatchNothing || p.RequirePKCE {
		t.Errorf("%+v, match %q, PKCE %v", p.Consent, p.Match, p.RequirePKCE)
	}
}

func TestConsentMatchAndPKCEAreTaken(t *testing.T) {
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
	if p := s.Pools[0]; p.Consent != want || p.Match != session.MatchDigits || !p.RequirePKCE {
		t.Errorf("%+v, match %q, PKCE %v", p.Consent, p.Match, p.RequirePKCE)
	}
	var warnings []string
	for _, w := range s.warnings {
		warnings = append(warnings, w.String())
	}
	for _, want := range []string{"match: is on with bind_browser: false", "return_full_user_info: has no effect with require_pkce", "other_country: blocks nothing without geoip_file"} {
		if !strings.Contains(strings.Join(warnings, "\n"), want) {
			t.Errorf("no warning that says %q in %q", want, warnings)
		}
	}
	if off := mustLoad(t, good+"    match: off\n").Pools[0]; off.Match != session.MatchNothing {
		t.Errorf("off is %q", off.Match)
	}
}

// writeData writes a file, in the place of the one that is there.
func writeData(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPlacesAreReadWithTheConfigurationAndAtEachHangup(t *testing.T) {
	file := filepath.Join(t.TempDir(), "city.mmdb")
	writeData(t, file, geoiptest.City(t))
	r := newReloading(t, good+"geoip_file: "+file+"\n")
	in := func() string {
		country, _ := r.places.Find(netip.MustParseAddr("203.0.113.7"), "en")
		return country
	}
	r.reload()
	if got := in(); got != "DE" {
		t.Fatalf("203.0.113.7 is in %q", got)
	}
	moved := mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String("PT")}}
	writeData(t, file, geoiptest.Database(t, "GeoLite2-Country", map[string]mmdbtype.DataType{"203.0.113.0/24": moved}))
	r.reload()
	if got := in(); got != "PT" {
		t.Errorf("after the file was replaced 203.0.113.7 is in %q", got)
	}
	writeData(t, file, []byte("half a download"))
	kept := r.desk.book.ByID("demo")
	log := r.with(t, good+"geoip_file: "+file+"\n")
	expectLogged(t, log, "geoip_file: is no MaxMind DB file", "nothing was changed")
	if got := in(); got != "PT" || r.desk.book.ByID("demo") != kept {
		t.Errorf("a broken file changed something: %q", got)
	}
	log = r.with(t, good)
	if got := in(); got != "" || strings.Contains(log, "need a restart") {
		t.Errorf("without a file 203.0.113.7 is in %q\n%s", got, log)
	}
}
