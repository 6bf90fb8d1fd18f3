package settings

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/config"
	"github.com/scanlogin/scanlogin/internal/config/configtest"
	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/pool"
)

const (
	good     = configtest.Minimal
	twoPools = good + "    code_ttl: 90s\n    identity: {jwt: {hs256_secret: " + configtest.Secret + "}}\n" + configtest.SecondPool
)

func mustLoad(t *testing.T, text string) *config.Config {
	t.Helper()
	c, err := config.Load(configtest.WriteFile(t, "scanlogin.yaml", text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// newTestEditor makes an editor of a file, and its log.
func newTestEditor(t *testing.T, file string, store kv.Store) (*Editor, *bytes.Buffer) {
	t.Helper()
	log, c := new(bytes.Buffer), mustLoad(t, file)
	return NewEditor(c, pool.NewRegistry(c.UserPools...), store, slog.New(slog.NewTextHandler(log, nil))), log
}

func mustChange(t *testing.T, e *Editor, edit Edit) {
	t.Helper()
	if err := e.Change(t.Context(), edit); err != nil {
		t.Fatal(err)
	}
}

func TestOverridesStayInForceAfterAReload(t *testing.T) {
	e, log := newTestEditor(t, twoPools, kv.NewMemory())
	kept, before := e.registry.ByID("second"), e.registry.ByID("demo")
	mustChange(t, e, Edit{Pool: "demo", By: "alice", Set: map[string]string{
		"code_ttl": "30s", "origins": "HTTPS://A.example.com, https://b.example.com", "bind_browser": "false", "name": "New",
	}})
	p := e.registry.ByID("demo")
	if p.CodeTTL != 30*time.Second || p.BindBrowser || p.Name != "New" || !e.registry.AllowsOrigin("https://a.example.com") {
		t.Errorf("pool: %+v", p)
	}
	if p.Identity == nil || p.Identity != before.Identity || !p.Secret.Matches(configtest.Secret) || before.CodeTTL != 90*time.Second {
		t.Error("the identity was replaced, or the old pool was modified in place")
	}
	if e.registry.ByID("second") != kept {
		t.Error("an unchanged pool was replaced")
	}
	if want := `msg="setting changed" pool=demo setting=code_ttl before=1m30s after=30s reset=false by=alice`; !strings.Contains(log.String(), want) {
		t.Errorf("no %s in:\n%s", want, log)
	}

	e.SetFile(mustLoad(t, strings.Replace(twoPools, "90s", "80s", 1)+"    max_codes: 3\n"))
	if p := e.registry.ByID("demo"); p.CodeTTL != 30*time.Second || e.registry.ByID("second").MaxCodes != 3 {
		t.Errorf("after a reload: %+v", p)
	}
	if s, _ := e.Pools()[0].Setting("code_ttl"); s.File != "1m20s" || s.Now != "30s" || !s.Changed || s.By != "alice" {
		t.Errorf("setting: %+v", s)
	}
	mustChange(t, e, Edit{Pool: "demo", By: "bob", Reset: []string{"code_ttl", "bind_browser"}})
	if p := e.registry.ByID("demo"); p.CodeTTL != 80*time.Second || !p.BindBrowser || p.Name != "New" {
		t.Errorf("after the reset: %+v", p)
	}
	if c := e.History()[0]; len(e.History()) != 6 || c.By != "bob" || !c.Reset {
		t.Errorf("history: %+v", e.History())
	}
}

func TestInvalidEditIsRefusedLikeAnInvalidFile(t *testing.T) {
	e, _ := newTestEditor(t, twoPools, kv.NewMemory())
	err := e.Change(t.Context(), Edit{Pool: "demo", Set: map[string]string{
		"code_ttl": "11m", "max_codes": "many", "origins": "https://*.example.com", "secret": configtest.Secret, "max_code": "1", "logo": "x", "bind_browser": "maybe",
	}})
	problems, _ := errors.AsType[Problems](err)
	for setting, want := range map[string]string{
		"code_ttl": "must be from 1s to 10m", "max_codes": "must be a whole number", "origins": "has an invalid host name",
		"secret": "cannot be changed here", "max_code": "the settings are name, logo", "logo": "must be an address", "bind_browser": "must be true or false",
	} {
		if !strings.Contains(problems[setting], want) {
			t.Errorf("%s: %q, want …%s…", setting, problems[setting], want)
		}
	}
	if len(problems) != 7 || e.registry.ByID("demo").CodeTTL != 90*time.Second || strings.Contains(fmt.Sprint(err), configtest.Secret) {
		t.Errorf("%v", err)
	}
	for _, edit := range []Edit{{Pool: "none", Set: map[string]string{"code_ttl": "1m"}}, {Pool: "demo", Reset: []string{"secret"}}} {
		if err := e.Change(t.Context(), edit); err == nil {
			t.Errorf("%+v was accepted", edit)
		}
	}
}

func TestEditOfAnOutdatedStateIsRefused(t *testing.T) {
	on := kv.NewMemory()
	a, _ := newTestEditor(t, twoPools, on)
	b, _ := newTestEditor(t, twoPools, on)
	seen := b.Pools()
	mustChange(t, a, Edit{Pool: "demo", Mark: a.Pools()[0].Mark(), Set: map[string]string{"code_ttl": "30s"}, By: "alice"})
	err := b.Change(t.Context(), Edit{Pool: "demo", Mark: seen[0].Mark(), Set: map[string]string{"max_codes": "3"}, By: "bob"})
	if !errors.Is(err, kv.ErrStale) {
		t.Errorf("%v", err)
	}
	mustChange(t, b, Edit{Pool: "second", Mark: seen[1].Mark(), Set: map[string]string{"max_codes": "3"}, By: "bob"}) // which nobody changed
	if p := b.registry.ByID("demo"); p.CodeTTL != 30*time.Second || b.registry.ByID("second").MaxCodes != 3 {
		t.Errorf("%+v", p)
	}
}

// TestInvalidStoredOverridesAreIgnored has values that another version or another program
// may have stored.
func TestInvalidStoredOverridesAreIgnored(t *testing.T) {
	e, log := newTestEditor(t, twoPools, kv.NewMemory())
	v := func(text string) Value { return Value{Text: text} }
	err := e.watcher.Save(t.Context(), Overrides{Version: 1, Pools: poolValues{
		"demo":    {"code_ttl": v("for ever"), "max_codes": v("3"), "secret": v("x"), "later": v("x"), "origins": v("*, %"), "name": v("a\x00b")},
		"second":  {"code_ttl": v("24h")},
		"unknown": {"code_ttl": v("1m")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	p := e.registry.ByID("demo")
	if p.CodeTTL != 90*time.Second || p.MaxCodes != 3 || !p.Secret.Matches(configtest.Secret) || p.Name != "demo" || e.registry.ByID("second").CodeTTL != pool.DefaultCodeTTL {
		t.Errorf("pool: %+v", p)
	}
	if n := strings.Count(log.String(), "an invalid override is ignored"); n < 6 {
		t.Errorf("%d warnings:\n%s", n, log)
	}
	mustChange(t, e, Edit{Pool: "second", Reset: []string{"code_ttl"}, By: "alice"}) // removes it
}
