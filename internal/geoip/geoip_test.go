package geoip_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/scanlogin/scanlogin/internal/geoip"
	"github.com/scanlogin/scanlogin/internal/geoip/geoiptest"
)

func TestLocationsAreFound(t *testing.T) {
	m, err := geoip.Parse(geoiptest.City(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ addr, lang, country, name string }{
		{"203.0.113.7", "en", "DE", "Berlin, Germany"},
		{"::ffff:203.0.113.7", "en", "DE", "Berlin, Germany"},
		{"203.0.113.7", "zh-CN", "DE", "柏林, 德国"},
		{"198.51.100.1", "zh-CN", "FR", "France"},
		{"2001:db8::1", "en", "SG", "Singapore"},
		{"10.0.0.1", "en", "", ""},
	} {
		if country, name := m.Lookup(netip.MustParseAddr(test.addr), test.lang); country != test.country || name != test.name {
			t.Errorf("%s in %s: %q %q, want %q %q", test.addr, test.lang, country, name, test.country, test.name)
		}
	}
	if country, name := m.Lookup(netip.Addr{}, "en"); country+name != "" {
		t.Errorf("the invalid address has %s %s", country, name)
	}
}

func TestInvalidRecordsAreUnknown(t *testing.T) {
	names := func(en string) mmdbtype.Map { return mmdbtype.Map{"names": mmdbtype.Map{"en": mmdbtype.String(en)}} }
	m, err := geoip.Parse(geoiptest.Database(t, "DBIP-City-Lite", map[string]mmdbtype.DataType{
		"192.0.2.0/24": mmdbtype.Map{"country": mmdbtype.String("Nowhere")},
		"192.0.3.0/24": mmdbtype.Map{"city": names("Atlantis")},
	}))
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]string{"192.0.2.1": "", "192.0.3.1": "Atlantis"} {
		if country, name := m.Lookup(netip.MustParseAddr(addr), "en"); country != "" || name != want {
			t.Errorf("%s: %q %q", addr, country, name)
		}
	}
}

func TestFilesWithoutLocationsAreRefused(t *testing.T) {
	good := geoiptest.City(t)
	for what, data := range map[string][]byte{"nothing": nil, "text": []byte("not a database"), "half a file": good[len(good)/2:], "a cut file": good[:len(good)-200]} {
		if _, err := geoip.Parse(data); err == nil || !strings.Contains(err.Error(), "not a MaxMind DB") {
			t.Errorf("%s: %v", what, err)
		}
	}
	asn := geoiptest.Database(t, "GeoLite2-ASN", map[string]mmdbtype.DataType{"203.0.113.0/24": mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint32(64496)}})
	if _, err := geoip.Parse(asn); err == nil || !strings.Contains(err.Error(), `"GeoLite2-ASN"; must be a City or Country database`) {
		t.Errorf("a database of networks: %v", err)
	}
}

func TestLocatorUsesTheNewestDatabase(t *testing.T) {
	m, err := geoip.Parse(geoiptest.City(t))
	if err != nil {
		t.Fatal(err)
	}
	var a geoip.Locator
	for _, step := range []struct {
		m    *geoip.Database
		want string
	}{{nil, ""}, {m, "DE"}, {nil, ""}} {
		a.Replace(step.m)
		if got, _ := a.Lookup(netip.MustParseAddr("203.0.113.7"), "en"); got != step.want {
			t.Errorf("found %q, want %q", got, step.want)
		}
	}
}

// FuzzAnyFileIsReadSafely shows that no file content makes Parse or Lookup panic.
func FuzzAnyFileIsReadSafely(f *testing.F) {
	f.Add([]byte(geoiptest.City(f)), "203.0.113.7")
	f.Fuzz(func(t *testing.T, data []byte, text string) {
		m, err := geoip.Parse(data)
		if err != nil {
			return
		}
		if addr, err := netip.ParseAddr(text); err == nil {
			m.Lookup(addr, "en")
		}
	})
}
