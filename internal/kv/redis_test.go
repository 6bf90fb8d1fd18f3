package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/session/redisstore"
)

// onEachShelf runs a test on memory and on Redis, with two nodes of each.
func onEachShelf(t *testing.T, test func(t *testing.T, a, b kv.Shelf)) {
	t.Run("Memory", func(t *testing.T) {
		m := kv.NewMemory()
		test(t, m, m)
	})
	t.Run("Redis", func(t *testing.T) {
		url := redistest.Start(t).URL()
		test(t, open(t, url).Shelf(), open(t, url).Shelf())
	})
}

func TestASheetIsSeenByEachNodeUntilItEnds(t *testing.T) {
	onEachShelf(t, func(t *testing.T, a, b kv.Shelf) {
		put := func(field, value string, end time.Time) {
			t.Helper()
			if err := a.Put(t.Context(), "sheet:1", field, value, end); err != nil {
				t.Fatal(err)
			}
		}
		read := func() string {
			t.Helper()
			got, err := b.Get(t.Context(), "sheet:1", "sheet:2")
			if err != nil || len(got) != 2 || len(got[1]) != 0 {
				t.Fatalf("%v, %v", got, err)
			}
			return fmt.Sprint(got[0])
		}
		put("x", "1", time.Now().Add(time.Minute))
		put("y", "2", time.Now().Add(time.Minute))
		put("x", "3", time.Now().Add(time.Minute))
		if got := read(); got != "map[x:3 y:2]" {
			t.Errorf("got %s", got)
		}
		put("x", "3", time.Now().Add(-time.Second))
		if got := read(); got != "map[]" {
			t.Errorf("after its end: %s", got)
		}
		put("x", "4", time.Now().Add(100*time.Millisecond))
		eventually(t, 5*time.Second, "the sheet ends by itself", func() bool { return read() == "map[]" })
	})
}

func TestADocumentsVersionIsWrittenOnce(t *testing.T) {
	onEachShelf(t, func(t *testing.T, a, b kv.Shelf) {
		if none, err := a.Load(t.Context(), "doc", kv.Document{}); err != nil || none != (kv.Document{}) {
			t.Fatalf("%+v, %v", none, err)
		}
		for version := int64(1); version <= 20; version++ {
			var won atomic.Int64
			var both sync.WaitGroup
			for i, on := range []kv.Shelf{a, b} {
				both.Go(func() {
					doc, err := on.Swap(t.Context(), "doc", version, fmt.Sprint(i))
					if err == nil && doc.Version == version {
						won.Add(1)
					} else if !errors.Is(err, kv.ErrStale) {
						t.Errorf("%+v, %v", doc, err)
					}
				})
			}
			both.Wait()
			if won.Load() != 1 {
				t.Fatalf("%d writers of version %d", won.Load(), version)
			}
		}
		now, err := b.Load(t.Context(), "doc", kv.Document{})
		if err != nil || now.Version != 20 || now.Text == "" || now.Op == "" {
			t.Errorf("%+v, %v", now, err)
		}
		if same, err := a.Load(t.Context(), "doc", now); err != nil || same != now {
			t.Errorf("%+v, %v", same, err)
		}
		if _, err := a.Swap(t.Context(), "doc", 22, "too far"); !errors.Is(err, kv.ErrStale) {
			t.Errorf("%v", err)
		}
	})
}

// TestOnlyDocumentsStay also says what of ours has no end of life in Redis.
func TestOnlyDocumentsStay(t *testing.T) {
	server := redistest.Start(t)
	st := open(t, server.URL())
	create(t, st)
	if err := st.Shelf().Put(t.Context(), "sheet", "x", "1", time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Shelf().Swap(t.Context(), "doc", 1, "text"); err != nil {
		t.Fatal(err)
	}
	keys := server.Do("KEYS", "*").([]any)
	if len(keys) != 3 {
		t.Errorf("keys: %v", keys)
	}
	for _, key := range keys {
		stays := server.Do("PTTL", key) == int64(-1)
		if want := key == "test:doc"; stays != want {
			t.Errorf("%v stays: %v, want %v", key, stays, want)
		}
	}
}

func TestWhatIsNeitherSheetNorDocumentDoesNoHarm(t *testing.T) {
	server := redistest.Start(t)
	h := open(t, server.URL()).Shelf()
	server.Do("SET", "test:sheet", "x")
	server.Do("HSET", "test:doc", "version", "many", "text", "y")
	if got, err := h.Get(t.Context(), "sheet"); err != nil || len(got[0]) != 0 {
		t.Errorf("%v, %v", got, err)
	}
	if doc, err := h.Load(t.Context(), "doc", kv.Document{Version: 7}); err != nil || doc.Version != 0 {
		t.Errorf("%+v, %v", doc, err)
	}
	if _, err := h.Swap(t.Context(), "doc", 1, "mended"); err != nil {
		t.Error(err)
	}
}

func TestAnAnnouncedDocumentWakesWhoTapped(t *testing.T) {
	server := redistest.Start(t)
	writer, st := open(t, server.URL()).Shelf(), open(t, server.URL())
	woken := make(chan struct{}, 1)
	bus := st.Bus()
	bus.Tap("doc", func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { bus.Run(ctx, func(session.Snapshot, error) {}) })
	defer run.Wait()
	defer cancel()
	await := func(what string) {
		t.Helper()
		select {
		case <-woken:
		case <-time.After(15 * time.Second):
			t.Fatalf("not woken %s", what)
		}
	}
	await("when connected")
	if _, err := writer.Swap(t.Context(), "doc", 1, "text"); err != nil {
		t.Fatal(err)
	}
	await("by the announcement")
	server.CutPubSub()
	await("after the connection was lost")
}

func TestTheShelfNeedsTheDocumentedRights(t *testing.T) {
	server := redistest.Start(t)
	needs := func() error {
		st, err := redisstore.Open(redisstore.Options{URL: "redis://" + appUser + server.Addr(), Prefix: "test", Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			return err
		}
		defer st.Close()
		server.Do("FLUSHALL")
		server.Do("SCRIPT", "FLUSH")
		h := st.Shelf()
		if err := h.Put(t.Context(), "sheet", "x", "1", time.Now().Add(time.Minute)); err != nil {
			return err
		}
		if _, err := h.Get(t.Context(), "sheet"); err != nil {
			return err
		}
		if _, err := h.Swap(t.Context(), "doc", 1, "text"); err != nil {
			return err
		}
		_, err = h.Load(t.Context(), "doc", kv.Document{})
		return err
	}
	allow(server, leastRights(t, "with a `console`"))
	if err := needs(); err != nil {
		t.Errorf("with all rights: %v", err)
	}
	allow(server, leastRights(t))
	if err := needs(); err == nil || !strings.Contains(err.Error(), "NOPERM") {
		t.Errorf("without the console's: %v", err)
	}
}
