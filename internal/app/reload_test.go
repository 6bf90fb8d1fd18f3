package app

import (
	"bytes"
	"context"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/scanlogin/scanlogin/internal/config"
	"github.com/scanlogin/scanlogin/internal/config/configtest"
	"github.com/scanlogin/scanlogin/internal/geoip/geoiptest"
	"github.com/scanlogin/scanlogin/internal/pool"
)

// reloading is a reloader of a file, and its log.
type reloading struct {
	*reloader
	registry *pool.Registry
	path     string
	log      *bytes.Buffer
}

func newReloading(t *testing.T, file string) *reloading {
	t.Helper()
	path, log := configtest.WriteFile(t, "scanlogin.yaml", file), new(bytes.Buffer)
	load := func() (*config.Config, error) { return config.Load(path, nil) }
	c, err := load()
	if err != nil {
		t.Fatal(err)
	}
	a, err := newApp(c, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return &reloading{newReloader(a, reloadSource{load: load}, nil), a.registry, path, log}
}

// with writes text to the file, reloads it, and returns the log.
func (r *reloading) with(t *testing.T, text string) string {
	t.Helper()
	if err := os.WriteFile(r.path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r.log.Reset()
	r.reload()
	return r.log.String()
}

func expectLogged(t *testing.T, log string, words ...string) {
	t.Helper()
	for _, want := range words {
		if !strings.Contains(log, want) {
			t.Errorf("no %s in:\n%s", want, log)
		}
	}
	if strings.Contains(log, testSecret) {
		t.Errorf("a secret in:\n%s", log)
	}
}

func TestReloadReplacesPools(t *testing.T) {
	r := newReloading(t, good)
	kept := r.registry.ByID("demo")
	expectLogged(t, r.with(t, good+second), `msg="pool added" pool=second`, `pools=2`)
	if r.registry.ByID("demo") != kept {
		t.Error("an unchanged pool was replaced")
	}
	changed := strings.Replace(good, testSecret, "another-"+testSecret, 1)
	expectLogged(t, r.with(t, changed+"    name: Other\n"),
		`msg="pool changed" pool=demo keys="[name secret]"`, `msg="pool removed" pool=second`)
	p := r.registry.ByID("demo")
	if p == kept || p.Name != "Other" || !p.Secret.Matches("another-"+testSecret) || r.registry.ByID("second") != nil {
		t.Errorf("pool: %+v", p)
	}
	expectLogged(t, r.with(t, good+"    identity: {jwt: {hs256_secret: "+testSecret+"}}\n    bind_browser: false\n"),
		"bind_browser identity.jwt.audience", "identity.jwt.hs256_secret", "pools[0].bind_browser: is false")
}

func TestReloadOfAnInvalidFileChangesNothingAndLogsEachProblem(t *testing.T) {
	r := newReloading(t, good)
	kept := r.registry.ByID("demo")
	log := r.with(t, good+"listen: x\nlisen: x\n")
	expectLogged(t, log, "level=ERROR", "nothing was changed", ":5:9: listen: must be", ":6:1: key")
	if r.registry.ByID("demo") != kept || len(r.registry.All()) != 1 {
		t.Error("the pools changed")
	}
	if err := os.Remove(r.path); err != nil {
		t.Fatal(err)
	}
	r.reload()
	expectLogged(t, r.log.String(), "does not exist; `scanlogin init`")
}

func TestReloadLogsSettingsThatNeedARestart(t *testing.T) {
	r := newReloading(t, good)
	for range 2 { // also the second time, because the restart is still needed
		log := r.with(t, good+"listen: 127.0.0.1:1\nlog: {level: debug}\n")
		expectLogged(t, log, "level=WARN", `keys="[listen log.level]"`)
	}
}

func TestReloadRotatesSecretsAndSigningKeys(t *testing.T) {
	next, old := configtest.WriteFile(t, "next.pem", configtest.SigningKey(t, "PRIVATE KEY")), configtest.WriteFile(t, "old.pem", configtest.SigningKey(t, "PRIVATE KEY"))
	r := newReloading(t, good+"signing_key: file:"+old+"\n")
	rotating := strings.Replace(good, "secret: ", "secrets: ["+testSecret+"-next, ", 1)
	rotating = strings.Replace(rotating, testSecret+"\n", testSecret+"]\n", 1)
	both := rotating + "signing_keys: [file:" + next + ", file:" + old + "]\n"
	log := r.with(t, both)
	expectLogged(t, log, `msg="pool changed" pool=demo keys="[secret secrets]"`, `msg="signing keys changed" signs=true otherKeys=1`)
	if strings.Contains(log, "restart") {
		t.Errorf("applied settings need no restart:\n%s", log)
	}
	if s := r.registry.ByID("demo").Secret; !s.Matches(testSecret) || !s.Matches(testSecret+"-next") {
		t.Error("the secrets were not applied")
	}
	log = r.with(t, good)
	expectLogged(t, log, `msg="signing keys changed" signs=false otherKeys=0`)
	if log = r.with(t, good); strings.Contains(log, "changed") {
		t.Errorf("nothing changed, but was logged:\n%s", log)
	}
}

func TestEachSIGHUPReloads(t *testing.T) {
	r := newReloading(t, good)
	ctx, cancel := context.WithCancel(t.Context())
	loaded := make(chan bool)
	load := r.load
	r.load = func() (*config.Config, error) { loaded <- true; return load() }
	hangups := make(chan os.Signal)
	r.hangups = hangups
	var running sync.WaitGroup
	running.Go(func() { r.run(ctx) })
	for range 2 {
		hangups <- syscall.SIGHUP
		<-loaded
	}
	cancel()
	running.Wait()
}

// writeData writes a file, and replaces an existing one.
func writeData(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestGeoIPFileIsReadAtStartAndAtEachReload(t *testing.T) {
	file := filepath.Join(t.TempDir(), "city.mmdb")
	writeData(t, file, geoiptest.City(t))
	r := newReloading(t, good+"geoip_file: "+file+"\n")
	in := func() string {
		country, _ := r.places.Lookup(netip.MustParseAddr("203.0.113.7"), "en")
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
	kept := r.registry.ByID("demo")
	log := r.with(t, good+"geoip_file: "+file+"\n")
	expectLogged(t, log, "geoip_file: is not a MaxMind DB file", "nothing was changed")
	if got := in(); got != "PT" || r.registry.ByID("demo") != kept {
		t.Errorf("a broken file changed something: %q", got)
	}
	log = r.with(t, good)
	if got := in(); got != "" || strings.Contains(log, "need a restart") {
		t.Errorf("without a file 203.0.113.7 is in %q\n%s", got, log)
	}
}
