// Package kvtest is the conformance suite of kv: every implementation passes it, with two
// nodes on one storage.
package kvtest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/kv"
)

// timeout is how long the suite waits for a hash to expire.
const timeout = 30 * time.Second

// Run runs the suite. open creates two nodes on one storage, which it cleans up with t; the
// storage may be shared with another call of open.
func Run(t *testing.T, open func(t *testing.T) (a, b kv.Store)) {
	var names atomic.Int64
	for _, test := range []struct {
		name string
		run  func(*suite)
	}{
		{"HashesAreVisibleToEachNodeUntilTheyExpire", (*suite).hashesExpire},
		{"AHashIsChangedIfItsConditionsHold", (*suite).changeIsConditional},
		{"AChangeSetsTheExpiry", (*suite).changeExpires},
		{"OneOfManyChangesIsDone", (*suite).oneChangeIsDone},
		{"ChangesFollowTheModel", (*suite).changesFollowModel},
		{"EachVersionOfADocumentIsWrittenOnce", (*suite).versionIsWrittenOnce},
		{"CanceledContextsDoNothing", (*suite).canceledContext},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, b := open(t)
			name := "suite" + strconv.FormatInt(names.Add(1), 10) + ":" + strconv.FormatInt(time.Now().UnixNano(), 36)
			test.run(&suite{T: t, a: a, b: b, name: name})
		})
	}
}

type suite struct {
	*testing.T
	a, b kv.Store
	name string // not used before
}

func (s *suite) hashesExpire() {
	put := func(field, value string, expiry time.Time) {
		s.Helper()
		if err := s.a.Put(s.Context(), s.name+":1", field, value, expiry); err != nil {
			s.Fatal(err)
		}
	}
	read := func() string {
		s.Helper()
		got, err := s.b.Get(s.Context(), s.name+":1", s.name+":2")
		if err != nil || len(got) != 2 || len(got[1]) != 0 {
			s.Fatalf("%v, %v", got, err)
		}
		return fmt.Sprint(got[0])
	}
	put("x", "1", time.Now().Add(time.Minute))
	put("y", "2", time.Now().Add(time.Minute))
	put("x", "3", time.Now().Add(time.Minute))
	if got := read(); got != "map[x:3 y:2]" {
		s.Errorf("got %s", got)
	}
	put("x", "3", time.Now().Add(-time.Second))
	if got := read(); got != "map[]" {
		s.Errorf("with an expiry in the past: %s", got)
	}
	put("x", "4", time.Now().Add(100*time.Millisecond))
	for deadline := time.Now().Add(timeout); read() != "map[]"; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.Fatal("the hash does not expire")
		}
	}
}

func (s *suite) versionIsWrittenOnce() {
	if none, err := s.a.Load(s.Context(), s.name, kv.Document{}); err != nil || none != (kv.Document{}) {
		s.Fatalf("%+v, %v", none, err)
	}
	for version := int64(1); version <= 20; version++ {
		var won atomic.Int64
		var writers sync.WaitGroup
		for i, node := range []kv.Store{s.a, s.b} {
			writers.Go(func() {
				doc, err := node.Swap(s.Context(), s.name, version, fmt.Sprint(i))
				if err == nil && doc.Version == version {
					won.Add(1)
				} else if !errors.Is(err, kv.ErrStale) {
					s.Errorf("%+v, %v", doc, err)
				}
			})
		}
		writers.Wait()
		if won.Load() != 1 {
			s.Fatalf("%d writers of version %d", won.Load(), version)
		}
	}
	stored, err := s.b.Load(s.Context(), s.name, kv.Document{})
	if err != nil || stored.Version != 20 || stored.Text == "" || stored.Op == "" {
		s.Errorf("%+v, %v", stored, err)
	}
	if same, err := s.a.Load(s.Context(), s.name, stored); err != nil || same != stored {
		s.Errorf("%+v, %v", same, err)
	}
	if _, err := s.a.Swap(s.Context(), s.name, 22, "too far"); !errors.Is(err, kv.ErrStale) {
		s.Errorf("%v", err)
	}
}

func (s *suite) canceledContext() {
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	_, get := s.a.Get(ctx, s.name)
	_, load := s.a.Load(ctx, s.name, kv.Document{})
	_, _, change := s.a.Change(ctx, s.name+":hash", kv.Change{Set: map[string]string{"x": "1"}, Expiry: time.Now().Add(time.Minute)})
	_, swap := s.a.Swap(ctx, s.name, 1, "text")
	for what, err := range map[string]error{
		"put": s.a.Put(ctx, s.name+":hash", "x", "1", time.Now().Add(time.Minute)), "get": get, "change": change, "load": load, "swap": swap,
	} {
		if !errors.Is(err, context.Canceled) {
			s.Errorf("%s: %v", what, err)
		}
	}
	if stored, err := s.b.Load(s.Context(), s.name, kv.Document{}); err != nil || stored != (kv.Document{}) {
		s.Errorf("%+v, %v", stored, err)
	}
	if got, err := s.b.Get(s.Context(), s.name+":hash"); err != nil || len(got[0]) != 0 {
		s.Errorf("%v, %v", got, err)
	}
}
