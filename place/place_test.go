package place_test

import (
	"bytes"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/scanlogin/scanlogin/place"
)

func names(en, zh string) mmdbtype.DataType {
	m := mmdbtype.Map{"en": mmdbtype.String(en)}
	if zh != "" {
		m["zh-CN"] = mmdbtype.String(zh)
	}
	return mmdbtype.Map{"names": m}
}

func country(code, en, zh string) mmdbtype.DataType {
	c := names(en, zh).(mmdbtype.Map)
	c["iso_code"] = mmdbtype.String(code)
	return c
}

// file writes a database of that type, with what each network has.
func file(t testing.TB, kind string, networks map[string]mmdbtype.Map) []byte {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: kind, Languages: []string{"en", "zh-CN"}, IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	for network, data := range networks {
		_, prefix, err := net.ParseCIDR(network)
		if err == nil {
			err = tree.Insert(prefix, data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if _, err := tree.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func city(t testing.TB) []byte {
	return file(t, "GeoLite2-City", map[string]mmdbtype.Map{
		"203.0.113.0/24":  {"city": names("Berlin", "柏林"), "country": country("DE", "Germany", "德国")},
		"198.51.100.0/24": {"country": country("FR", "France", "")},
		"2001:db8::/32":   {"city": names("Singapore", "新加坡"), "country": country("SG", "Singapore", "新加坡")},
		"192.0.2.0/24":    {"country": mmdbtype.String("Nowhere")}, // of a strange form
		"192.0.3.0/24":    {"city": names("Atlantis", "")},
	})
}

func TestPlacesAreFound(t *testing.T) {
	m, err := place.Parse(city(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ addr, lang, country, name string }{
		{"203.0.113.7", "en", "DE", "Berlin, Germany"},
		{"::ffff:203.0.113.7", "en", "DE", "Berlin, Germany"},
		{"203.0.113.7", "zh-CN", "DE", "柏林, 德国"},
		{"198.51.100.1", "zh-CN", "FR", "France"},
		{"2001:db8::1", "en", "SG", "Singapore"},
		{"192.0.3.1", "en", "", "Atlantis"},
		{"192.0.2.1", "en", "", ""},
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

func TestWhatKnowsNoPlacesIsRefused(t *testing.T) {
	good := city(t)
	for what, data := range map[string][]byte{"nothing": nil, "text": []byte("not a database"), "half a file": good[len(good)/2:], "a cut file": good[:len(good)-200]} {
		if _, err := place.Parse(data); err == nil || !strings.Contains(err.Error(), "no MaxMind DB") {
			t.Errorf("%s: %v", what, err)
		}
	}
	asn := file(t, "GeoLite2-ASN", map[string]mmdbtype.Map{"203.0.113.0/24": {"autonomous_system_number": mmdbtype.Uint32(64496)}})
	if _, err := place.Parse(asn); err == nil || !strings.Contains(err.Error(), `"GeoLite2-ASN"; it must be a City or Country one`) {
		t.Errorf("a database of networks: %v", err)
	}
}

func TestTheAtlasHasTheNewestMap(t *testing.T) {
	m, err := place.Parse(city(t))
	if err != nil {
		t.Fatal(err)
	}
	var a place.Atlas
	for _, step := range []struct {
		m    *place.Map
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
	f.Add(city(f), "203.0.113.7")
	f.Fuzz(func(t *testing.T, data []byte, text string) {
		m, err := place.Parse(data)
		if err != nil {
			return
		}
		if addr, err := netip.ParseAddr(text); err == nil {
			m.Find(addr, "en")
		}
	})
}
