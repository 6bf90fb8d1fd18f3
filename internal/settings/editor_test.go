package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/internal/settings"
)

const twoPools = good + "    code_ttl: 90s\n    identity: {jwt: {hs256_secret: " + testSecret + "}}\n" + second

// newTestDesk is a desk over a file, and what it logged.
func newTestDesk(t *testing.T, file string, on kv.Shelf) (*desk, *bytes.Buffer) {
	log := new(bytes.Buffer)
	logger := slog.New(slog.NewTextHandler(log, nil))
	d := newDesk(mustLoad(t, file), logger)
	d.keeper = settings.NewKeeper(on, d.cover, logger)
	return d, log
}

func mustChange(t *testing.T, d *desk, e settings.Edit) {
	t.Helper()
	if err := d.Change(t.Context(), e); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsChangedLiesOverTheFileAlsoAfterAReload(t *testing.T) {
	d, log := newTestDesk(t, twoPools, kv.NewMemory())
	kept, before := d.book.ByID("second"), d.book.ByID("demo")
	mustChange(t, d, settings.Edit{Pool: "demo", By: "alice", Set: map[string]string{
		"code_ttl": "30s", "origins": "HTTPS://A.example.com, https://b.example.com", "bind_browser": "false", "name": "New",
	}})
	p := d.book.ByID("demo")
	if p.CodeTTL != 30*time.Second || p.BindBrowser || p.Name != "New" || !d.book.AllowsOrigin("https://a.example.com") {
		t.Errorf("pool: %+v", p)
	}
	if p.Identity == nil || p.Identity != before.Identity || !p.Secret.Matches(testSecret) || before.CodeTTL != 90*time.Second {
		t.Error("the identity is a new one, or the old pool was changed in place")
	}
	if d.book.ByID("second") != kept {
		t.Error("a pool that nobody changed was exchanged")
	}
	expectLogged(t, log.String(), `msg="setting changed" pool=demo setting=code_ttl before=1m30s after=30s reset=false by=alice`)

	d.read(mustLoad(t, strings.Replace(twoPools, "90s", "80s", 1)+"    max_codes: 3\n"))
	if p := d.book.ByID("demo"); p.CodeTTL != 30*time.Second || d.book.ByID("second").MaxCodes != 3 {
		t.Errorf("after a reload: %+v", p)
	}
	if s, _ := d.Pools()[0].Setting("code_ttl"); s.File != "1m20s" || s.Now != "30s" || !s.Changed || s.By != "alice" {
		t.Errorf("setting: %+v", s)
	}
	mustChange(t, d, settings.Edit{Pool: "demo", By: "bob", Reset: []string{"code_ttl", "bind_browser"}})
	if p := d.book.ByID("demo"); p.CodeTTL != 80*time.Second || !p.BindBrowser || p.Name != "New" {
		t.Errorf("after the reset: %+v", p)
	}
	if c := d.History()[0]; len(d.History()) != 6 || c.By != "bob" || !c.Reset {
		t.Errorf("history: %+v", d.History())
	}
}

func TestAWrongChangeIsRefusedAsTheFileWouldBe(t *testing.T) {
	d, _ := newTestDesk(t, twoPools, kv.NewMemory())
	err := d.Change(t.Context(), settings.Edit{Pool: "demo", Set: map[string]string{
		"code_ttl": "11m", "max_codes": "many", "origins": "https://*.example.com", "secret": testSecret, "max_code": "1", "logo": "x", "bind_browser": "maybe",
	}})
	problems, _ := errors.AsType[settings.Problems](err)
	for setting, want := range map[string]string{
		"code_ttl": "must be from 1s to 10m", "max_codes": "must be a whole number", "origins": "has a host that is no name",
		"secret": "is no setting that can be changed", "max_code": "known are name, logo", "logo": "must be an address", "bind_browser": "must be true or false",
	} {
		if !strings.Contains(problems[setting], want) {
			t.Errorf("%s: %q, want …%s…", setting, problems[setting], want)
		}
	}
	if len(problems) != 7 || d.book.ByID("demo").CodeTTL != 90*time.Second || strings.Contains(fmt.Sprint(err), testSecret) {
		t.Errorf("%v", err)
	}
	for _, e := range []settings.Edit{{Pool: "none", Set: map[string]string{"code_ttl": "1m"}}, {Pool: "demo", Reset: []string{"secret"}}} {
		if err := d.Change(t.Context(), e); err == nil {
			t.Errorf("%+v is done", e)
		}
	}
}

func TestWhoDecidedOnAnotherStateIsTold(t *testing.T) {
	on := kv.NewMemory()
	a, _ := newTestDesk(t, twoPools, on)
	b, _ := newTestDesk(t, twoPools, on)
	seen := b.Pools()
	mustChange(t, a, settings.Edit{Pool: "demo", Mark: a.Pools()[0].Mark(), Set: map[string]string{"code_ttl": "30s"}, By: "alice"})
	err := b.Change(t.Context(), settings.Edit{Pool: "demo", Mark: seen[0].Mark(), Set: map[string]string{"max_codes": "3"}, By: "bob"})
	if !errors.Is(err, kv.ErrStale) {
		t.Errorf("%v", err)
	}
	mustChange(t, b, settings.Edit{Pool: "second", Mark: seen[1].Mark(), Set: map[string]string{"max_codes": "3"}, By: "bob"}) // of which nobody changed anything
	if p := b.book.ByID("demo"); p.CodeTTL != 30*time.Second || b.book.ByID("second").MaxCodes != 3 {
		t.Errorf("%+v", p)
	}
}

// TestWhatDoesNotFitIsIgnored has values that another version, or a stranger,
// has left in the store.
func TestWhatDoesNotFitIsIgnored(t *testing.T) {
	d, log := newTestDesk(t, twoPools, kv.NewMemory())
	v := func(text string) settings.Value { return settings.Value{Text: text} }
	err := d.keeper.Save(t.Context(), settings.Layer{Version: 1, Pools: values{
		"demo":    {"code_ttl": v("for ever"), "max_codes": v("3"), "secret": v("x"), "later": v("x"), "origins": v("*, %"), "name": v("a\x00b")},
		"second":  {"code_ttl": v("24h")},
		"unknown": {"code_ttl": v("1m")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	p := d.book.ByID("demo")
	if p.CodeTTL != 90*time.Second || p.MaxCodes != 3 || !p.Secret.Matches(testSecret) || p.Name != "demo" || d.book.ByID("second").CodeTTL != pool.DefaultCodeTTL {
		t.Errorf("pool: %+v", p)
	}
	if n := strings.Count(log.String(), "a changed setting is ignored"); n < 6 {
		t.Errorf("%d warnings:\n%s", n, log)
	}
	mustChange(t, d, settings.Edit{Pool: "second", Reset: []string{"code_ttl"}, By: "alice"}) // takes it away
}

func TestTheTableSaysWhatAdministratorsMayChange(t *testing.T) {
	for _, r := range settingRows() {
		if !strings.HasPrefix(r.path, "pools[].") || r.kind == "secret" {
			t.Errorf("%s is for the file alone", r.path)
		}
		if _, ok := new(poolConfig).setting(r.setting()); !ok {
			t.Errorf("%s is no setting of a pool", r.path)
		}
	}
}

func TestSettingsAreChangedByCommand(t *testing.T) {
	redis := redistest.Start(t)
	_, printed, _ := runCommand(t, "console-token", "alice")
	_, admins, _ := strings.Cut(printed, "for the configuration of all nodes:\n\n")
	const listeners = "listen: 127.0.0.1:0\nops_listen: 127.0.0.1:0\n"
	file := writeFile(t, "scanlogin.yaml", twoPools+admins+listeners+"redis_url: "+redis.URL()+"\n")
	node := start(t, "serve", "--config", file)
	node.wait(t, `(bus connected)`)
	tests := []struct {
		args []string
		code int
		want string
	}{
		{[]string{"list"}, exitOK, "second  second"},
		{[]string{"set", "demo", "code_ttl=30s", "origins=https://a.example.com,https://b.example.com", "name=A;b=c", "--as", "carol"}, exitOK, `demo: code_ttl: "30s", before "1m30s"`},
		{[]string{"show", "demo"}, exitOK, "https://a.example.com, https://b.example.com"},
		{[]string{"show", "demo"}, exitOK, "A;b=c"},
		{[]string{"set", "demo", "code_ttl=30s"}, exitOK, "nothing to change"},
		{[]string{"set", "demo", "code_ttl=1h"}, exitFailure, "code_ttl: must be from 1s to 10m"},
		{[]string{"set", "none", "code_ttl=1m"}, exitFailure, "there is no such pool"},
		{[]string{"reset", "demo", "code_ttl"}, exitOK, `demo: code_ttl: "1m30s", before "30s"`},
	}
	for _, test := range tests {
		code, out, errOut := runCommand(t, append([]string{"pool", test.args[0], "--config", file}, test.args[1:]...)...)
		if code != test.code || !strings.Contains(out+errOut, test.want) {
			t.Errorf("%v: code %d\n%s%s", test.args, code, out, errOut)
		}
	}
	node.wait(t, `("after":"30s","reset":false,"by":"carol")`)
	node.wait(t, `("after":"1m30s","reset":true)`)

	memory := writeFile(t, "scanlogin.yaml", twoPools+admins+listeners)
	if code, _, errOut := runCommand(t, "pool", "list", "--config", memory); code != exitFailure || !strings.Contains(errOut, "change them in its console") {
		t.Errorf("code %d: %s", code, errOut)
	}
	plain := writeFile(t, "scanlogin.yaml", twoPools+"redis_url: "+redis.URL()+"\n")
	if code, _, errOut := runCommand(t, "pool", "list", "--config", plain); code != exitFailure || !strings.Contains(errOut, "no node looks for changed settings") {
		t.Errorf("code %d: %s", code, errOut)
	}
}

// TestWithoutAConsoleThereIsNone also looks for what it would cost.
func TestWithoutAConsoleThereIsNone(t *testing.T) {
	redis := redistest.Start(t)
	file := writeFile(t, "scanlogin.yaml", good+"listen: 127.0.0.1:0\nops_listen: 127.0.0.1:0\nredis_url: "+redis.URL()+"\n")
	node := start(t, "serve", "--config", file)
	ops := node.wait(t, `"ops":"([^"]+)"`)
	node.wait(t, `(bus connected)`)
	for _, path := range []string{"/console", "/console/login", "/console/assets/style.css"} {
		if status, _ := call(t, "GET", "http://"+ops+path, ""); status != 404 {
			t.Errorf("%s: %d", path, status)
		}
	}
	if keys := redis.Do("KEYS", "*").([]any); len(keys) != 0 {
		t.Errorf("keys: %v", keys)
	}
}

func TestAWrongConsoleIsRefused(t *testing.T) {
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
