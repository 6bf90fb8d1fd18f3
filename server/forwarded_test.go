package server

import (
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func TestForwardedAddresses(t *testing.T) {
	trusted := []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8"), netip.MustParsePrefix("::ffff:192.168.0.0/112"),
	}
	for name, test := range map[string]struct {
		peer   string
		header []string
		want   string
		warns  string // the logged form of an invalid address
	}{
		"no header":                 {"10.0.0.1:99", nil, "10.0.0.1", ""},
		"peer is nobody":            {"192.0.2.1:99", []string{"198.51.100.1"}, "192.0.2.1", ""},
		"peer is IPv6":              {"[fd00::1]:99", []string{"198.51.100.1"}, "198.51.100.1", ""},
		"peer with zone":            {"[fe80::1%eth0]:99", []string{"198.51.100.1"}, "fe80::1", ""},
		"peer is mapped":            {"[::ffff:10.0.0.1]:99", []string{"198.51.100.1"}, "198.51.100.1", ""},
		"proxy is named mapped":     {"192.168.0.1:99", []string{"198.51.100.1"}, "198.51.100.1", ""},
		"peer without port":         {"@", []string{"198.51.100.1"}, "@", ""},
		"one":                       {"10.0.0.1:99", []string{"198.51.100.1"}, "198.51.100.1", ""},
		"port":                      {"10.0.0.1:99", []string{"198.51.100.1:5678"}, "198.51.100.1", ""},
		"IPv6":                      {"10.0.0.1:99", []string{"2001:db8::1"}, "2001:db8::1", ""},
		"IPv6 in brackets":          {"10.0.0.1:99", []string{"[2001:db8::1]"}, "2001:db8::1", ""},
		"IPv6 with port":            {"10.0.0.1:99", []string{"[2001:db8::1]:443"}, "2001:db8::1", ""},
		"IPv6 with zone":            {"10.0.0.1:99", []string{"fe80::1%eth0"}, "fe80::1", ""},
		"IPv4 mapped":               {"10.0.0.1:99", []string{"::ffff:198.51.100.1"}, "198.51.100.1", ""},
		"mapped proxy":              {"10.0.0.1:99", []string{"198.51.100.1, ::ffff:10.0.0.2"}, "198.51.100.1", ""},
		"spoofed":                   {"10.0.0.1:99", []string{"203.0.113.9, 198.51.100.1"}, "198.51.100.1", ""},
		"spoofed with port":         {"10.0.0.1:99", []string{"203.0.113.9:1, 198.51.100.1:2"}, "198.51.100.1", ""},
		"spoofed proxy":             {"10.0.0.1:99", []string{"10.9.9.9, 198.51.100.1"}, "198.51.100.1", ""},
		"spoofed rubbish":           {"10.0.0.1:99", []string{"<script>, 198.51.100.1"}, "198.51.100.1", ""},
		"chain":                     {"10.0.0.1:99", []string{"203.0.113.9, 198.51.100.1, 10.0.0.3:80, 10.0.0.2"}, "198.51.100.1", ""},
		"several lines":             {"10.0.0.1:99", []string{"203.0.113.9, 198.51.100.1", "10.0.0.3", "10.0.0.2"}, "198.51.100.1", ""},
		"spoofed line":              {"10.0.0.1:99", []string{"203.0.113.9", "198.51.100.1"}, "198.51.100.1", ""},
		"all are proxies":           {"10.0.0.1:99", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3", ""},
		"blanks":                    {"10.0.0.1:99", []string{" \t203.0.113.9 ,\t198.51.100.1 "}, "198.51.100.1", ""},
		"empty":                     {"10.0.0.1:99", []string{""}, "10.0.0.1", ""},
		"empty beyond the client":   {"10.0.0.1:99", []string{", 198.51.100.1"}, "198.51.100.1", ""},
		"empty beside spoofed":      {"10.0.0.1:99", []string{"203.0.113.9,, 10.0.0.2"}, "10.0.0.2", `form=""`},
		"rubbish":                   {"10.0.0.1:99", []string{"rubbish"}, "10.0.0.1", "form=a"},
		"rubbish of an inner proxy": {"10.0.0.1:99", []string{"203.0.113.9, unknown, 10.0.0.2"}, "10.0.0.2", "form=?a"},
		"a name":                    {"10.0.0.1:99", []string{"client-7.example.com:80"}, "10.0.0.1", "form=a-9.a.a:9"},
		"bad port":                  {"10.0.0.1:99", []string{"198.51.100.1:70000"}, "10.0.0.1", "form=9.9.9.9:9"},
		"no port":                   {"10.0.0.1:99", []string{"198.51.100.1:"}, "10.0.0.1", "form=9.9.9.9:"},
		"open bracket":              {"10.0.0.1:99", []string{"[2001:db8::1"}, "10.0.0.1", "form="},
		"IPv4 in brackets":          {"10.0.0.1:99", []string{"[198.51.100.1]"}, "10.0.0.1", "form=[9.9.9.9]"},
		"leading zeros":             {"10.0.0.1:99", []string{"198.051.100.1"}, "10.0.0.1", "form=9.9.9.9"},
		"long":                      {"10.0.0.1:99", []string{strings.Repeat("a1", 5000)}, "10.0.0.1", "form=" + strings.Repeat("a9", 20) + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			client := ipExtractor(trusted, slog.New(slog.NewTextHandler(&log, nil)))
			r := &http.Request{RemoteAddr: test.peer, Header: http.Header{"X-Forwarded-For": test.header}}
			for range 100 {
				if got := client(r); got != test.want {
					t.Fatalf("the client is %s, want %s", got, test.want)
				}
			}
			text := log.String()
			if lines := strings.Count(text, "\n"); test.warns == "" && lines > 0 || test.warns != "" && lines != 1 {
				t.Errorf("%d lines: %s", lines, text)
			}
			if !strings.Contains(text, test.warns) || strings.Contains(text, "198.51") {
				t.Errorf("log: %s", text)
			}
		})
	}
}

func TestWithoutProxiesThePeerIsTheClient(t *testing.T) {
	r := &http.Request{RemoteAddr: "192.0.2.1:99", Header: http.Header{"X-Forwarded-For": {"198.51.100.1"}}}
	if got := ipExtractor(nil, slog.New(slog.DiscardHandler))(r); got != "192.0.2.1" {
		t.Errorf("the client is %s", got)
	}
}

// TestMappedNetworksAreThoseOfIPv4 up to the one of all addresses; no other network gets larger.
func TestMappedNetworksAreThoseOfIPv4(t *testing.T) {
	for network, test := range map[string]struct{ in, out string }{
		"::ffff:0.0.0.0/96":      {"192.0.2.1", "2001:db8::1"},
		"::ffff:192.0.2.0/120":   {"192.0.2.1", "192.0.3.1"},
		"fd00:1:2:3:4:5:6:0/112": {"fd00:1:2:3:4:5:6:7", "fd00:2::1"},
	} {
		all := newProxies([]netip.Prefix{netip.MustParsePrefix(network)})
		if !all.contain(netip.MustParseAddr(test.in)) || all.contain(netip.MustParseAddr(test.out)) {
			t.Errorf("%s: contains %s, or not %s", network, test.out, test.in)
		}
	}
}

func TestTheFormOfAnAddressHasNoneOfItsContents(t *testing.T) {
	for _, test := range []struct{ entries, form string }{
		{"059", "9"}, {"amzAMZ", "a"}, {" \t\x00\x7f\x80\xff", "?"}, {"!/:@[`{~", ""},
	} {
		for i := range len(test.entries) {
			entry, want := test.entries[i:i+1], test.form
			if want == "" {
				want = entry
			}
			if got := formOf(entry); got != want {
				t.Errorf("%q: %q, want %q", entry, got, want)
			}
		}
	}
}
