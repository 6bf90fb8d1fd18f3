package config

import (
	"log/slog"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/config/configtest"
	"github.com/scanlogin/scanlogin/internal/pool"
)

func TestEveryProblemIsReportedWithItsPosition(t *testing.T) {
	t.Setenv("UNSET_ON_PURPOSE", "")
	const file = `listen: nowhere
public_url: https://scan.example.com/path
lisen: 127.0.0.1:8080
token_ttl: 90
trusted_proxies: [10.0.0.0/8, somewhere]
log: {level: loud}
pools:
  - id: one
    secret: short
    origins: ["https://*.example.com"]
    identity:
      jwt: {hs256_secret: env:UNSET_ON_PURPOSE}
  - id: one
    secret: file:/does/not/exist
    max_codes: 101
    bind_browser: maybe
    app_link: myapp://login
    code_ttl: 11m
    identity: {userinfo: {}}
`
	want := []string{
		"scanlogin.yaml:1:9: listen: must be host:port",
		"scanlogin.yaml:2:13: public_url: must end after host[:port]",
		`scanlogin.yaml:3:1: key "lisen" is unknown; known here: listen, `,
		"scanlogin.yaml:4:12: token_ttl: invalid duration; write a number with a unit",
		"scanlogin.yaml:5:31: trusted_proxies[1]: must be a network",
		"scanlogin.yaml:6:14: log.level: must be debug or info or warn or error",
		"scanlogin.yaml:9:13: pools[0].secret: must have at least 24 bytes",
		"scanlogin.yaml:10:15: pools[0].origins[0]: has an invalid host name",
		`scanlogin.yaml:12:27: pools[0].identity.jwt.hs256_secret: environment variable "UNSET_ON_PURPOSE" is not set`,
		"scanlogin.yaml:13:9: pools[1].id: is taken: pools[0].id in line 8",
		`scanlogin.yaml:14:13: pools[1].secret: file "/does/not/exist": no such file`,
		"scanlogin.yaml:15:16: pools[1].max_codes: must be from 1 to 100",
		"scanlogin.yaml:16:19: pools[1].bind_browser: must be true or false",
		"scanlogin.yaml:17:15: pools[1].app_link: must contain {random}",
		"scanlogin.yaml:18:15: pools[1].code_ttl: must be from 1s to 10m",
		"scanlogin.yaml:19:26: pools[1].identity.userinfo.url: is required",
	}
	got := refusals(t, file)
	if len(got) != len(want) {
		t.Errorf("%d problems, want %d", len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("problem %d:\n got %s\nwant %s…", i, got[i], want[i])
		}
	}
}

func TestAbsentSettingsHaveTheDefaultsOfTheContract(t *testing.T) {
	s := mustLoad(t, good)
	p := s.UserPools[0]
	if p.CodeTTL != pool.DefaultCodeTTL || p.ConfirmTTL != pool.DefaultConfirmTTL ||
		p.TicketTTL != pool.DefaultTicketTTL || p.MaxCodes != pool.DefaultMaxCodes {
		t.Errorf("pool: %+v", p)
	}
	if !p.BindBrowser || p.Vouching || p.AllowBrowserExchange || p.ReturnFullUserInfo {
		t.Errorf("switches: %+v", p)
	}
	if p.PayloadFormat != pool.PayloadJSON || p.Name != "demo" || p.Identity != nil || !p.AllowsVouching() {
		t.Errorf("pool: %+v", p)
	}
	if s.Listen != "127.0.0.1:8080" || s.OpsListen != "" || s.KeyPrefix != "scanlogin" || s.TokenTTL != time.Hour ||
		s.PrivateKey != nil || s.LogLevel() != slog.LevelInfo || s.Log.Format != "json" || s.RedisURL != "" {
		t.Errorf("settings: %+v", s)
	}
}

func TestExampleOfTheContractIsValid(t *testing.T) {
	t.Setenv("EXAMPLE_SECRET", testSecret)
	key := configtest.WriteFile(t, "signing.pem", configtest.SigningKey(t, "PRIVATE KEY"))
	s := mustLoad(t, strings.ReplaceAll(example, "/run/secrets/signing.pem", key))
	if s.PrivateKey == nil || s.OpsListen != "127.0.0.1:9090" || s.RedisURL != "redis://127.0.0.1:6379/0" {
		t.Errorf("settings: %+v", s)
	}
	if want := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}; !reflect.DeepEqual(s.ProxyNetworks, want) {
		t.Errorf("trusted proxies: %v", s.ProxyNetworks)
	}
	p := s.UserPools[0]
	if p.Identity == nil || !p.Secret.Matches(testSecret) || p.Origins[0] != "https://www.example.com" || p.AppIDs[0] != "5fae26a4c7a37cb1b4e12345" {
		t.Errorf("pool: %+v", p)
	}
	if len(s.Warnings) != 0 {
		t.Errorf("warnings: %v", s.Warnings)
	}
}

func TestOverridesReplaceValuesInTheFile(t *testing.T) {
	s := mustLoad(t, good+"trusted_proxies: [10.0.0.0/8]\n",
		Override{"trusted_proxies", "192.0.2.1, 2001:db8::/32", "--trusted-proxies"},
		Override{"public_url", "HTTP://Localhost:8080/", "--public-url"},
		Override{"log.level", "debug", "--log-level"},
	)
	if len(s.ProxyNetworks) != 2 || s.ProxyNetworks[0].String() != "192.0.2.1/32" {
		t.Errorf("trusted proxies: %v", s.ProxyNetworks)
	}
	if s.PublicURL != "http://localhost:8080" || s.LogLevel() != slog.LevelDebug {
		t.Errorf("settings: %+v", s)
	}
	got := refusals(t, good+"trusted_proxies: [10.0.0.0/8]\n", Override{"trusted_proxies", "x", "--trusted-proxies"})
	if want := "--trusted-proxies: trusted_proxies[0]: must be a network"; !strings.HasPrefix(got[0], want) {
		t.Errorf("got %s, want %s…", got[0], want)
	}
}

func TestUnwiseSettingsCauseWarnings(t *testing.T) {
	s := mustLoad(t, `public_url: http://scan.example.com
pools:
  - id: demo
    secret: `+testSecret+`
    app_link: myapp:{random}
    bind_browser: false
    identity: {jwt: {issuer: https://id.example.com}}
`)
	var got []string
	for _, w := range s.Warnings {
		got = append(got, w.Path)
	}
	want := []string{"public_url", "pools[0].bind_browser", "pools[0].identity.jwt"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestPlainHTTPCausesAWarning: over plain HTTP a browser cookie proves nothing, because it can
// be planted on the network or by a neighbor host.
func TestPlainHTTPCausesAWarning(t *testing.T) {
	for address, warned := range map[string]bool{
		"http://scan.example.com": true, "http://192.168.1.5:8080": true, "http://localhost.example.com": true,
		"https://scan.example.com": false, "http://localhost:8080": false, "http://127.0.0.1:8080": false, "http://[::1]:8080": false,
	} {
		s := mustLoad(t, good, Override{"public_url", address, "--public-url"})
		got := slices.ContainsFunc(s.Warnings, func(w Problem) bool { return w.Path == "public_url" && strings.Contains(w.Text, "cookie") })
		if got != warned {
			t.Errorf("%s: warned %v, want %v: %v", address, got, warned, s.Warnings)
		}
	}
}

func TestUnreadableFileIsReported(t *testing.T) {
	_, err := Load("/does/not/exist.yaml", nil)
	if want := "/does/not/exist.yaml: does not exist; `scanlogin init`"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v", err)
	}
	large := configtest.WriteFile(t, "large.yaml", strings.Repeat("#", maxConfigBytes+1))
	if _, err := Load(large, nil); err == nil || !strings.Contains(err.Error(), "is larger than") {
		t.Errorf("got %v", err)
	}
}

func TestFileWithTooManyTokensIsRefusedAtOnce(t *testing.T) {
	for _, part := range []string{"[", "{a: ", "- ", "a: 1\n"} {
		start := time.Now()
		refusals(t, strings.Repeat(part, maxConfigBytes/len(part)))
		if took := time.Since(start); took > 2*time.Minute { // a second or two on an idle machine
			t.Errorf("%q: took %v", part, took)
		}
	}
}

func TestTrailingLineEndOfASecretFileIsRemoved(t *testing.T) {
	path := configtest.WriteFile(t, "secret", testSecret+"\r\n")
	s := mustLoad(t, strings.Replace(good, testSecret, "file:"+path, 1))
	if !s.UserPools[0].Secret.Matches(testSecret) {
		t.Error("the secret differs")
	}
	if err := os.WriteFile(path, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := refusals(t, strings.Replace(good, testSecret, "file:"+path, 1)); !strings.Contains(got[0], "is empty") {
		t.Errorf("got %s", got)
	}
}

// example is the example of the contract.
const example = `listen: 127.0.0.1:8080
ops_listen: 127.0.0.1:9090
public_url: https://scan.example.com
redis_url: redis://127.0.0.1:6379/0
key_prefix: scanlogin
signing_key: file:/run/secrets/signing.pem
token_ttl: 1h
trusted_proxies: [10.0.0.0/8, "::1"]
drain_delay: 0s
log: {level: info, format: json}
pools:
  - id: 5fae2648201cfd526f0ec354
    name: Example
    logo: https://www.example.com/logo.png
    app_ids: [5fae26a4c7a37cb1b4e12345]
    secret: env:EXAMPLE_SECRET
    origins: [https://www.example.com]
    identity:
      jwt:
        jwks_url: https://id.example.com/jwks.json
        issuer: https://id.example.com
        audience: example-app
        claims: {id: sub, nickname: nickname, photo: picture, more: [department]}
    vouching: false
    code_ttl: 120s
    confirm_ttl: 60s
    ticket_ttl: 300s
    max_codes: 6
    payload_format: json
    return_full_user_info: false
    allow_browser_exchange: false
    bind_browser: true
`

func TestByteOrderMarkAndCRLFAreAccepted(t *testing.T) {
	s := mustLoad(t, "\ufeff"+strings.ReplaceAll(good, "\n", "\r\n"))
	if !s.UserPools[0].Secret.Matches(testSecret) {
		t.Error("the secret differs")
	}
}
