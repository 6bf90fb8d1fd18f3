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

// breaking is a shelf that may be away.
type breaking struct {
	*kv.Memory
	away atomic.Bool
}

func (b *breaking) Load(ctx context.Context, name string, have kv.Document) (kv.Document, error) {
	if b.away.Load() {
		return have, errors.New("gone")
	}
	return b.Memory.Load(ctx, name, have)
}

// node is a keeper with what it used.
type node struct {
	*settings.Keeper
	used []settings.Layer
	log  strings.Builder
}

func newNode(on kv.Store) *node {
	n := new(node)
	n.Keeper = settings.NewKeeper(on, func(l settings.Layer) { n.used = append(n.used, l) }, slog.New(slog.NewTextHandler(&n.log, nil)))
	return n
}

func changed(l settings.Layer, setting, before, after string) settings.Layer {
	e := settings.Edit{Pool: "p", Set: map[string]string{setting: after}, By: "alice"}
	return l.With(e, map[string]string{setting: before}, map[string]string{setting: after}, time.Now())
}

func TestANodeThatMissedTheAnnouncementLearnsWithinTwoSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		on := &breaking{Memory: kv.NewMemory()}
		a, b := newNode(on), newNode(on)
		ctx, cancel := context.WithCancel(t.Context())
		go b.Run(ctx)
		if err := a.Save(ctx, changed(settings.Layer{}, "code_ttl", "2m", "30s")); err != nil {
			t.Fatal(err)
		}
		if len(a.used) != 1 {
			t.Errorf("who changed it used %v", a.used)
		}
		time.Sleep(2 * time.Second) // of the bubble's clock
		synctest.Wait()
		if len(b.used) != 1 || b.Layer().Pools["p"]["code_ttl"].Text != "30s" || b.Layer().History[0].Before != "2m" {
			t.Errorf("the other used %+v", b.used)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(b.used) != 1 {
			t.Errorf("the same was used %d times", len(b.used))
		}
		on.away.Store(true)
		time.Sleep(time.Minute)
		on.away.Store(false)
		time.Sleep(time.Minute)
		synctest.Wait()
		if b.Layer().Pools["p"]["code_ttl"].Text != "30s" || len(b.used) != 1 {
			t.Error("what was known was lost with the storage")
		}
		if strings.Count(b.log.String(), "cannot be read") != 1 || strings.Count(b.log.String(), "can be read again") != 1 {
			t.Errorf("logged:\n%s", b.log.String())
		}
		cancel()
		synctest.Wait()
	})
}

func TestOfTwoWhoSaveAtOnceTheSecondIsTold(t *testing.T) {
	on := kv.NewMemory()
	a, b := newNode(on), newNode(on)
	first := changed(a.Layer(), "code_ttl", "2m", "30s")
	second := changed(b.Layer(), "max_codes", "6", "3")
	if err := a.Save(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if err := b.Save(t.Context(), second); !errors.Is(err, kv.ErrStale) || len(b.used) != 0 {
		t.Errorf("%v; used %v", err, b.used)
	}
	if err := b.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.Save(t.Context(), changed(b.Layer(), "max_codes", "6", "3")); err != nil || len(b.Layer().Pools["p"]) != 2 {
		t.Errorf("%v; %+v", err, b.Layer())
	}
}

func TestWhatIsNoLayerCountsAsNone(t *testing.T) {
	for _, text := range []string{"nonsense", `{"pools":[]}`, `{"pools":{"p":"x"}}`, `"` + strings.Repeat("x", 1<<20) + `"`} {
		on := kv.NewMemory()
		if _, err := on.Swap(t.Context(), settings.Document, 1, text); err != nil {
			t.Fatal(err)
		}
		n := newNode(on)
		if err := n.Read(t.Context()); err != nil || len(n.Layer().Pools) != 0 || n.Layer().Version != 1 || !strings.Contains(n.log.String(), "are no settings") {
			t.Errorf("%.20s: %v, %+v, %s", text, err, n.Layer(), n.log.String())
		}
		if err := n.Save(t.Context(), changed(n.Layer(), "code_ttl", "2m", "30s")); err != nil {
			t.Errorf("%.20s cannot be replaced: %v", text, err)
		}
	}
}

func TestTheHistoryIsBoundedAndALayerIsNeverChangedInPlace(t *testing.T) {
	var l settings.Layer
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
		t.Error("no change is a change")
	}
	back := l.With(settings.Edit{Pool: "p", Reset: []string{"max_codes", "code_ttl"}, By: "bob"}, nil, map[string]string{"max_codes": "6"}, time.Now())
	if len(back.Pools) != 0 || !back.History[0].Reset || back.History[0].After != "6" || back.History[0].By != "bob" {
		t.Errorf("%+v", back.History[0])
	}
}
