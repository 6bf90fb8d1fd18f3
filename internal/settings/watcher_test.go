package settings_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/settings"
)

// failing is a store whose reads fail on demand.
type failing struct {
	*kv.Memory
	down atomic.Bool
}

func (b *failing) Load(ctx context.Context, name string, have kv.Document) (kv.Document, error) {
	if b.down.Load() {
		return have, errors.New("no connection")
	}
	return b.Memory.Load(ctx, name, have)
}

// node is a watcher, the overrides that it applied, and its log.
type node struct {
	*settings.Watcher
	applied []settings.Overrides
	log     strings.Builder
}

func newNode(on kv.Store) *node {
	n := new(node)
	n.Watcher = settings.NewWatcher(on, func(o settings.Overrides) { n.applied = append(n.applied, o) }, slog.New(slog.NewTextHandler(&n.log, nil)))
	return n
}

func changed(l settings.Overrides, setting, before, after string) settings.Overrides {
	e := settings.Edit{Pool: "p", Set: map[string]string{setting: after}, By: "alice"}
	return l.With(e, map[string]string{setting: before}, map[string]string{setting: after}, time.Now())
}

func TestMissedAnnouncementIsReadWithinTwoSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		on := &failing{Memory: kv.NewMemory()}
		a, b := newNode(on), newNode(on)
		ctx, cancel := context.WithCancel(t.Context())
		go b.Run(ctx)
		if err := a.Save(ctx, changed(settings.Overrides{}, "code_ttl", "2m", "30s")); err != nil {
			t.Fatal(err)
		}
		if len(a.applied) != 1 {
			t.Errorf("the node that saved applied %v", a.applied)
		}
		time.Sleep(2 * time.Second) // of the bubble's clock
		synctest.Wait()
		if len(b.applied) != 1 || b.Current().Pools["p"]["code_ttl"].Text != "30s" || b.Current().History[0].Before != "2m" {
			t.Errorf("the other node applied %+v", b.applied)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(b.applied) != 1 {
			t.Errorf("the same version was applied %d times", len(b.applied))
		}
		on.down.Store(true)
		time.Sleep(time.Minute)
		on.down.Store(false)
		time.Sleep(time.Minute)
		synctest.Wait()
		if b.Current().Pools["p"]["code_ttl"].Text != "30s" || len(b.applied) != 1 {
			t.Error("the known overrides were lost with the storage")
		}
		if strings.Count(b.log.String(), "cannot be read") != 1 || strings.Count(b.log.String(), `level=WARN msg="changed settings can be read again"`) != 1 {
			t.Errorf("logged:\n%s", b.log.String())
		}
		cancel()
		synctest.Wait()
	})
}

func TestSecondOfTwoConcurrentSavesIsRefused(t *testing.T) {
	on := kv.NewMemory()
	a, b := newNode(on), newNode(on)
	first := changed(a.Current(), "code_ttl", "2m", "30s")
	second := changed(b.Current(), "max_codes", "6", "3")
	if err := a.Save(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if err := b.Save(t.Context(), second); !errors.Is(err, kv.ErrStale) || len(b.applied) != 0 {
		t.Errorf("%v; applied %v", err, b.applied)
	}
	if err := b.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.Save(t.Context(), changed(b.Current(), "max_codes", "6", "3")); err != nil || len(b.Current().Pools["p"]) != 2 {
		t.Errorf("%v; %+v", err, b.Current())
	}
}

func TestInvalidStoredOverridesCountAsNone(t *testing.T) {
	for _, text := range []string{"nonsense", `{"pools":[]}`, `{"pools":{"p":"x"}}`, `"` + strings.Repeat("x", 1<<20) + `"`} {
		on := kv.NewMemory()
		if _, err := on.Swap(t.Context(), settings.Document, 1, text); err != nil {
			t.Fatal(err)
		}
		n := newNode(on)
		if err := n.Read(t.Context()); err != nil || len(n.Current().Pools) != 0 || n.Current().Version != 1 || !strings.Contains(n.log.String(), "the stored settings are invalid") {
			t.Errorf("%.20s: %v, %+v, %s", text, err, n.Current(), n.log.String())
		}
		if err := n.Save(t.Context(), changed(n.Current(), "code_ttl", "2m", "30s")); err != nil {
			t.Errorf("%.20s cannot be replaced: %v", text, err)
		}
	}
}

func TestHistoryIsLimitedAndOverridesAreNotModifiedInPlace(t *testing.T) {
	var l settings.Overrides
	for i := range 150 {
		before := l
		l = changed(l, "max_codes", strings.Repeat("i", i), strings.Repeat("i", i+1))
		if l.Version != before.Version+1 || i > 0 && before.Pools["p"]["max_codes"].Text == l.Pools["p"]["max_codes"].Text {
			t.Fatalf("%d: %+v", i, l.Version)
		}
	}
	if len(l.History) != 100 || len(l.History[0].After) != 150 {
		t.Errorf("%d changes, newest %q", len(l.History), l.History[0].After)
	}
	if same := changed(l, "max_codes", "6", "6"); same.Version != l.Version {
		t.Error("an edit that changes nothing made a new version")
	}
	back := l.With(settings.Edit{Pool: "p", Reset: []string{"max_codes", "code_ttl"}, By: "bob"}, nil, map[string]string{"max_codes": "6"}, time.Now())
	if len(back.Pools) != 0 || !back.History[0].Reset || back.History[0].After != "6" || back.History[0].By != "bob" {
		t.Errorf("%+v", back.History[0])
	}
}
