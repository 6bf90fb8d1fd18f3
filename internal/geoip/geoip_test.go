package geoip_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/scanlogin/scanlogin/internal/geoip"
	"github.com/scanlogin/scanlogin/internal/geoip/geoiptest"
)

func TestPlacesAreFound(t *testing.T) {
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
		if country, name := m.Find(netip.MustParseAddr(test.addr), test.lang); country != test.country || name != test.name {
			t.Errorf("%s in %s: %q %q, want %q %q", test.addr, test.lang, country, name, test.country, test.name)
		}
	}
	if country, name := m.Find(netip.Addr{}, "en"); country+name != "" {
		t.Errorf("no address is in %s %s", country, name)
	}
}

func TestStrangeRecordsAreUnknown(t *testing.T) {
	names := func(en string) mmdbtype.Map { return mmdbtype.Map{"names": mmdbtype.Map{"en": mmdbtype.String(en)}} }
	m, err := geoip.Parse(geoiptest.Database(t, "DBIP-City-Lite", map[string]mmdbtype.DataType{
		"192.0.2.0/24": mmdbtype.Map{"country": mmdbtype.String("Nowhere")},
		"192.0.3.0/24": mmdbtype.Map{"city": names("Atlantis")},
	}))
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]string{"192.0.2.1": "", "192.0.3.1": "Atlantis"} {
		if country, name := m.Find(netip.MustParseAddr(addr), "en"); country != "" || name != want {
			t.Errorf("%s: %q %q", addr, country, name)
		}
	}
}

func TestWhatKnowsNoPlacesIsRefused(t *testing.T) {
	good := geoiptest.City(t)
	for what, data := range map[string][]byte{"nothing": nil, "text": []byte("not a database"), "half a file": good[len(good)/2:], "a cut file": good[:len(good)-200]} {
		if _, err := geoip.Parse(data); err == nil || !strings.Contains(err.Error(), "no MaxMind DB") {
			t.Errorf("%s: %v", what, err)
		}
	}
	asn := geoiptest.Database(t, "GeoLite2-ASN", map[string]mmdbtype.DataType{"203.0.113.0/24": mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint32(64496)}})
	if _, err := geoip.Parse(asn); err == nil || !strings.Contains(err.Error(), `"GeoLite2-ASN"; it must be a City or Country one`) {
		t.Errorf("a database of networks: %v", err)
	}
}

func TestTheAtlasHasTheNewestMap(t *testing.T) {
	m, err := geoip.Parse(geoiptest.City(t))
	if err != nil {
		t.Fatal(err)
	}
	var a geoip.Atlas
	for _, step := range []struct {
		m    *geoip.Map
		want string
	}{{nil, ""}, {m, "DE"}, {nil, ""}} {
		a.Replace(step.m)
		if got, _ := a.Find(netip.MustParseAddr("203.0.113.7"), "en"); got != step.want {
			t.Errorf("found %q, want %q", got, step.want)
		}
	}
}

// Whatever is in a file, a lookup ends with an answer.
func FuzzAnyFileIsReadSafely(f *testing.F) {
	f.Add([]byte(geoiptest.City(f)), "203.0.113.7")
	f.Fuzz(func(t *testing.T, data []byte, text string) {
		m, err := geoip.Parse(data)
		if err != nil {
			return
		}
		if addr, err := netip.ParseAddr(text); err == nil {
			m.Find(addr, "en")
		}
	})
}
