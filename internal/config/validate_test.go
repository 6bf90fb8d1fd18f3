package config

import (
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/scanlogin/scanlogin/internal/config/configtest"
)

func TestInvalidValuesAreRefused(t *testing.T) {
	pools := func(lines string) string { return good + "    " + strings.ReplaceAll(lines, "\n", "\n    ") + "\n" }
	rotating := func(secrets string) string {
		return strings.Replace(good, "secret: "+testSecret, "secrets: "+secrets, 1)
	}
	tests := map[string]struct{ file, want string }{
		"empty file":                   {"", "scanlogin.yaml:1:1: public_url: is required"},
		"comments only":                {"# later\n", "pools: is required"},
		"list":                         {"- a\n", "must be a mapping"},
		"broken YAML":                  {"listen: [a\n", ":1:9: invalid YAML: sequence end token"},
		"two documents":                {good + "---\n" + good, "several YAML documents"},
		"key given twice":              {good + "public_url: https://b.example.com\n", ":5:1: public_url: is given twice, first in line 1"},
		"alias":                        {"x: &a 1\n" + good + "listen: *a\n", "listen: anchors, aliases and tags are not supported"},
		"list for a value":             {good + "listen: [a]\n", "listen: must be a single value"},
		"value for a list":             {pools("origins: https://a.example.com"), "pools[0].origins: must be a list"},
		"value for a mapping":          {pools("identity: jwt"), "pools[0].identity: must be a mapping"},
		"pools without elements":       {"public_url: https://a.example.com\npools: []\n", ":2:8: pools: is required"},
		"ops on the same port":         {good + "ops_listen: 127.0.0.1:8080\n", "ops_listen: must differ from listen"},
		"too many replicas":            {good + "redis_wait_replicas: 11\n", "redis_wait_replicas: must be from 0 to 10"},
		"Redis URL with http":          {good + "redis_url: http://127.0.0.1\n", "redis_url: must be redis://, rediss:// or unix://"},
		"prefix with braces":           {good + "key_prefix: '{a}'\n", "key_prefix: must be 1 to 64"},
		"long drain":                   {good + "drain_delay: 1h\n", "drain_delay: must be from 0s to 10m"},
		"invalid signing key":          {good + "signing_key: nonsense\n", "signing_key: must be an EC P-256 private key"},
		"no pool secret":               {"public_url: https://a.example.com\npools:\n  - id: demo\n", ":3:5: pools[0].secret: is required. `scanlogin secret`"},
		"secret and secrets":           {pools("secrets: [" + testSecret + "2]"), ":5:14: pools[0].secrets: cannot be combined with pools[0].secret"},
		"empty secrets":                {rotating("[]"), ":4:14: pools[0].secrets: is empty"},
		"null secrets":                 {rotating(""), "pools[0].secrets: is empty"},
		"duplicate secret":             {rotating("[" + testSecret + ", " + testSecret + "]"), "pools[0].secrets[1]: is a duplicate"},
		"short old secret":             {rotating("[" + testSecret + ", short]"), "pools[0].secrets[1]: must have at least 24 bytes"},
		"old secret not set":           {rotating("[" + testSecret + ", env:UNSET_ON_PURPOSE]"), `pools[0].secrets[1]: environment variable "UNSET_ON_PURPOSE" is not set`},
		"text for secrets":             {rotating(testSecret), "pools[0].secrets: must be a list"},
		"short hash key":               {good + "audit: {file: a, hash_addresses: true, hash_key: short}\n", "audit.hash_key: must have at least 32 bytes"},
		"hash key without hashes":      {good + "audit: {file: a, hash_key: " + testSecret + "}\n", "audit.hash_key: has no effect without hash_addresses"},
		"hashes without a trail":       {good + "audit: {hash_addresses: true}\n", "audit.hash_addresses: has no effect without file"},
		"invalid old signing key":      {good + "signing_keys: [nonsense]\n", "signing_keys[0]: must be an EC P-256 private key"},
		"key and keys":                 {good + "signing_key: x\nsigning_keys: [x]\n", "signing_keys: cannot be combined with signing_key"},
		"limit of zero":                {good + "limits: {user_rate: 0}\n", ":5:21: limits.user_rate: must be from 1 to 10000000"},
		"pool limit of zero":           {pools("limits: {user_rate: 0}"), ":5:25: pools[0].limits.user_rate: must be from 1 to 10000000"},
		"pool limit of sockets":        {pools("limits: {sockets: 1}"), "pools[0].limits: key \"sockets\" is unknown; known here: codes_per_address, codes_per_pool, user_rate"},
		"browsers for a year and more": {pools("known_browser_ttl: 9999h"), "pools[0].known_browser_ttl: must be from 0s to 8760h"},
		"app id twice":                 {pools("app_ids: [a, a]"), "pools[0].app_ids[1]: is taken: pools[0].app_ids[0] in line 5"},
		"app id with a space":          {pools("app_ids: [a b]"), "pools[0].app_ids[0]: must be 1 to 64 letters"},
		"logo without host":            {pools("logo: logo.png"), "pools[0].logo: must be an address"},
		"origin pattern":               {pools("origins: ['*']"), "pools[0].origins[0]: must be scheme://host[:port]"},
		"empty identity":               {pools("identity: {}"), "pools[0].identity: needs jwt or userinfo"},
		"null identity":                {pools("identity:"), "pools[0].identity: needs jwt or userinfo"},
		"jwt and userinfo": {
			pools("identity:\n  userinfo: {url: https://a.example.com/me}\n  jwt: {issuer: https://a.example.com}"),
			"pools[0].identity: has jwt and userinfo",
		},
		"two key sources": {
			pools("identity: {jwt: {jwks_url: https://a.example.com, hs256_secret: " + testSecret + "}}"),
			"pools[0].identity.jwt: hs256_secret, jwks_url: only one of these can be set",
		},
		"no key source":               {pools("identity: {jwt: {audience: a}}"), "pools[0].identity.jwt: hs256_secret, public_key, jwks_url or issuer must be set"},
		"weak token secret":           {pools("identity: {jwt: {hs256_secret: 0123456789012345678901234}}"), ":5:36: pools[0].identity.jwt.hs256_secret: must have at least 32 bytes"},
		"userinfo without scheme":     {pools("identity: {userinfo: {url: me}}"), "pools[0].identity.userinfo.url: must be an absolute URL"},
		"unknown match":               {pools("match: numbers"), ":5:12: pools[0].match: must be off or digits"},
		"PKCE yes":                    {pools("require_pkce: yes"), "pools[0].require_pkce: must be true or false"},
		"empty step-up":               {pools("step_up: {}"), "pools[0].step_up: is empty; give it max_age, acr_values or amr, or remove it"},
		"step-up of a second":         {pools("step_up: {max_age: 1s}"), "pools[0].step_up.max_age: must be from 30s to 8760h"},
		"step-up with a list in acr":  {pools("step_up: {acr_values: ['a b']}"), "pools[0].step_up.acr_values[0]: must be 1 to 255 visible ASCII characters"},
		"step-up with a quote in acr": {pools(`step_up: {acr_values: ['a"b']}`), "pools[0].step_up.acr_values[0]: must be 1 to 255 visible ASCII characters"},
		"step-up without a method":    {pools("step_up: {amr: ['']}"), "pools[0].step_up.amr[0]: must be 1 to 64 visible ASCII characters"},
		"unknown verdict":             {pools("consent: {new_browser: refuse}"), "pools[0].consent.new_browser: must be ok or careful or block"},
		"many codes from zero":        {pools("consent: {many_codes_from: 0}"), "pools[0].consent.many_codes_from: must be from 1 to 1000000"},
		"old after an hour":           {pools("consent: {old_after: 1h}"), "pools[0].consent.old_after: must be from 1s to 10m"},
		"unknown signal":              {pools("consent: {other_planet: ok}"), "known here: other_network, other_country"},
		"missing geoip_file":          {good + "geoip_file: /nowhere.mmdb\n", `:5:13: geoip_file: "/nowhere.mmdb": no such file or directory; it must be`},
		"geoip_file that is a device": {good + "geoip_file: /dev/zero\n", `geoip_file: "/dev/zero": is not a regular file`},
		"secret from a device":        {good + "signing_key: file:/dev/zero\n", "signing_key: file \"/dev/zero\": is not a regular file"},
		"secret from a directory": {
			good + "signing_key: file:/\n", "signing_key: file \"/\": is not a regular file",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(refusals(t, tt.file), "\n")
			if !strings.Contains(got, tt.want) {
				t.Errorf("got:\n%s\nwant …%s…", got, tt.want)
			}
		})
	}
}

func TestSigningKeysInPKCS8AndSEC1AreRead(t *testing.T) {
	for _, kind := range []string{"PRIVATE KEY", "EC PRIVATE KEY"} {
		indented := strings.ReplaceAll(configtest.SigningKey(t, kind), "\n", "\n  ")
		if s := mustLoad(t, good+"signing_key: |\n  "+indented+"\n"); s.PrivateKey == nil {
			t.Errorf("%s: no key", kind)
		}
	}
}

func TestFirstOfSeveralSigningKeysSigns(t *testing.T) {
	next, old, public := configtest.WriteFile(t, "next.pem", configtest.SigningKey(t, "PRIVATE KEY")), configtest.WriteFile(t, "old.pem", configtest.SigningKey(t, "EC PRIVATE KEY")), ""
	s := mustLoad(t, good, Override{"signing_keys", "file:" + next + ", file:" + old, "SCANLOGIN_SIGNING_KEYS"})
	if s.PrivateKey == nil || len(s.PublishedKeys) != 1 || s.PrivateKey.PublicKey.Equal(s.PublishedKeys[0]) {
		t.Fatalf("keys: %v, %v", s.PrivateKey != nil, len(s.PublishedKeys))
	}
	der, err := x509.MarshalPKIXPublicKey(s.PublishedKeys[0])
	if err != nil {
		t.Fatal(err)
	}
	public = configtest.WriteFile(t, "old.pub", string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
	if also := mustLoad(t, good+"signing_keys: [file:"+next+", file:"+public+"]\n"); len(also.PublishedKeys) != 1 || !also.PublishedKeys[0].Equal(s.PublishedKeys[0]) {
		t.Error("a public key was not accepted")
	}
	for text, want := range map[string]string{
		"[file:" + public + "]":                                      "signing_keys[0]: is a public key, but the first key signs",
		"[file:" + old + ", file:" + public + "]":                    "signing_keys[1]: is a duplicate",
		"[file:" + next + ", file:" + old + ", file:" + public + "]": "signing_keys[2]: is a duplicate",
	} {
		if got := refusals(t, good+"signing_keys: "+text+"\n"); !strings.Contains(got[0], want) {
			t.Errorf("got %s, want %s", got[0], want)
		}
	}
}

func TestOriginsAreNormalized(t *testing.T) {
	tests := map[string]string{
		"HTTPS://WWW.Example.com":     "https://www.example.com",
		"https://a.example.com:443":   "https://a.example.com",
		"http://a.example.com:80":     "http://a.example.com",
		"http://a.example.com:8080":   "http://a.example.com:8080",
		"http://[::1]:3000":           "http://[::1]:3000",
		"http://[0:0:0:0:0:0:0:1]:80": "http://[::1]",
		"https://a.example.com/":      "",
		"https://a.example.com#":      "",
		"https://a.example.com?":      "",
		"https://a.example.com:":      "",
		"https://me@a.example.com":    "",
		"https://ö.example.com":       "",
		"https://a.example.com:0":     "",
		"null":                        "",
		"ftp://a.example.com":         "",
	}
	for text, want := range tests {
		if got, err := ParseOrigin(text); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestInvalidConsoleIsRefused(t *testing.T) {
	hash := strings.Repeat("0a", 32)
	for lines, want := range map[string]string{
		"console:\n": "console: needs tokens",
		"console: {tokens: []}\nops_listen: 127.0.0.1:1\n":                                                                 "console: needs tokens",
		"console: {tokens: [{name: a, sha256: " + hash + "}]}\n":                                                           "console: needs ops_listen",
		"console: {tokens: [{name: a, sha256: abc}]}\nops_listen: 127.0.0.1:1\n":                                           "console.tokens[0].sha256: must be the 64 hexadecimal digits",
		"console: {tokens: [{sha256: " + hash + "}]}\nops_listen: 127.0.0.1:1\n":                                           "console.tokens[0].name: is required",
		"console: {tokens: [{name: a, sha256: " + hash + "}, {name: a, sha256: " + hash + "}]}\nops_listen: 127.0.0.1:1\n": "console.tokens[1].name: is taken",
	} {
		if got := strings.Join(refusals(t, good+lines), "\n"); !strings.Contains(got, want) {
			t.Errorf("%s: got %s, want %s", lines, got, want)
		}
	}
}

func TestOnlySettingsOfPoolsWithoutSecretsHaveLabels(t *testing.T) {
	for _, s := range Settings() {
		if s.Label != "" && (!strings.HasPrefix(s.Path, "pools[].") || strings.HasPrefix(s.Type, "secret")) {
			t.Errorf("%s can only be set in the file", s.Path)
		}
	}
	for _, s := range PoolSettings() {
		if !new(Pool).leaf(s.Path).IsValid() {
			t.Errorf("%s is not a setting of a pool", s.Path)
		}
	}
}
