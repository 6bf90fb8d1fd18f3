package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/scanlogin/scanlogin/internal/geoip"
)

// reloading is a reloader over a file, and what it logged.
type reloading struct {
	*reloader
	path string
	log  *bytes.Buffer
}

func newReloading(t *testing.T, file string) *reloading {
	t.Helper()
	path, log := writeFile(t, "scanlogin.yaml", file), new(bytes.Buffer)
	load := func() (*configuration, error) { return loadSettings(path, nil) }
	s, err := load()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := s.newSigner()
	if err != nil {
		t.Fatal(err)
	}
	logger := slog.New(slog.NewTextHandler(log, nil))
	return &reloading{&reloader{load: load, desk: newDesk(s, logger), signer: signer, places: new(geoip.Atlas), running: s.config, log: logger}, path, log}
}

// with puts text into the file, reloads, and returns what was logged then.
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

const second = "  - id: second\n    secret: " + testSecret + "\n"

func TestReloadExchangesThePools(t *testing.T) {
	r := newReloading(t, good)
	kept := r.desk.book.ByID("demo")
	expectLogged(t, r.with(t, good+second), `msg="pool added" pool=second`, `pools=2`)
	if r.desk.book.ByID("demo") != kept {
		t.Error("a pool that did not change was exchanged")
	}
	changed := strings.Replace(good, testSecret, "another-"+testSecret, 1)
	expectLogged(t, r.with(t, changed+"    name: Other\n"),
		`msg="pool changed" pool=demo keys="[name secret]"`, `msg="pool removed" pool=second`)
	p := r.desk.book.ByID("demo")
	if p == kept || p.Name != "Other" || !p.Secret.Matches("another-"+testSecret) || r.desk.book.ByID("second") != nil {
		t.Errorf("pool: %+v", p)
	}
	expectLogged(t, r.with(t, good+"    identity: {jwt: {hs256_secret: "+testSecret+"}}\n    bind_browser: false\n"),
		"bind_browser identity.jwt.audience", "identity.jwt.hs256_secret", "pools[0].bind_browser: is false")
}

func TestReloadOfAWrongFileChangesNothingAndNamesEachProblem(t *testing.T) {
	r := newReloading(t, good)
	kept := r.desk.book.ByID("demo")
	log := r.with(t, good+"listen: x\nlisen: x\n")
	expectLogged(t, log, "level=ERROR", "nothing was changed", ":5:9: listen: must be", ":6:1: key")
	if r.desk.book.ByID("demo") != kept || len(r.desk.book.All()) != 1 {
		t.Error("the pools changed")
	}
	if err := os.Remove(r.path); err != nil {
		t.Fatal(err)
	}
	r.reload()
	expectLogged(t, r.log.String(), "cannot be read: no such file")
}

func TestReloadSaysWhatNeedsARestart(t *testing.T) {
	r := newReloading(t, good)
	for range 2 { // also the second time: the restart is still due
		log := r.with(t, good+"listen: 127.0.0.1:1\nlog: {level: debug}\n")
		expectLogged(t, log, "level=WARN", `keys="[listen log.level]"`)
	}
}

func TestReloadRotatesSecretsAndSigningKeys(t *testing.T) {
	next, old := writeFile(t, "next.pem", signingPEM(t, "PRIVATE KEY")), writeFile(t, "old.pem", signingPEM(t, "PRIVATE KEY"))
	r := newReloading(t, good+"signing_key: file:"+old+"\n")
	rotating := strings.Replace(good, "secret: ", "secrets: ["+testSecret+"-next, ", 1)
	rotating = strings.Replace(rotating, testSecret+"\n", testSecret+"]\n", 1)
	both := rotating + "signing_keys: [file:" + next + ", file:" + old + "]\n"
	log := r.with(t, both)
	expectLogged(t, log, `msg="pool changed" pool=demo keys="[secret secrets]"`, `msg="signing keys changed" signs=true publishedBeside=1`)
	if strings.Contains(log, "restart") {
		t.Errorf("what was taken needs no restart:\n%s", log)
	}
	if s := r.desk.book.ByID("demo").Secret; !s.Matches(testSecret) || !s.Matches(testSecret+"-next") {
		t.Error("the secrets were not taken")
	}
	log = r.with(t, good)
	expectLogged(t, log, `msg="signing keys changed" signs=false publishedBeside=0`)
	if log = r.with(t, good); strings.Contains(log, "changed") {
		t.Errorf("nothing changed:\n%s", log)
	}
}

func TestEachHangupReloads(t *testing.T) {
	r := newReloading(t, good)
	ctx, cancel := context.WithCancel(t.Context())
	loaded := make(chan bool)
	load := r.load
	r.load = func() (*configuration, error) { loaded <- true; return load() }
	hangups := make(chan os.Signal)
	var running sync.WaitGroup
	running.Go(func() { r.run(ctx, hangups) })
	for range 2 {
		hangups <- syscall.SIGHUP
		<-loaded
	}
	cancel()
	running.Wait()
}
