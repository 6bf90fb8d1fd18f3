package authorization_test

import (
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/authorization"
	"github.com/scanlogin/scanlogin/internal/kv"
)

const pastWindow = authorization.RepeatWindow + time.Second

func TestASpentRefreshTokenRevokesTheLoginOnAllNodes(t *testing.T) {
	onEach(t, func(t *testing.T, storeA, storeB kv.Store) {
		a, b, then := authorization.New(storeA), authorization.New(storeB), authorization.New(later{storeB, pastWindow})
		first := begin(t, a, sid)
		other := begin(t, a, otherSID)
		second := refresh(t, b, first.Refresh)
		if l, ends, err := b.RefreshToken(t.Context(), second.Refresh, "p1", "grafana"); err != nil || l.User.ID != "alice" || !ends.After(a.Now()) {
			t.Errorf("the successor: %+v, %v, %v", l, ends, err)
		}
		if _, err := then.Refresh(t.Context(), request(first.Refresh)); !errors.Is(err, authorization.ErrReused) || !errors.Is(err, authorization.ErrInvalid) {
			t.Fatalf("a spent token after %v: %v", pastWindow, err)
		}
		for _, node := range []*authorization.Store{a, b} {
			isRevoked(t, node, first)
			isRevoked(t, node, second)
		}
		refresh(t, b, other.Refresh) // another login
	})
}

func TestTheLastSpentTokenMayBeRepeatedForAMoment(t *testing.T) {
	onEach(t, func(t *testing.T, storeA, storeB kv.Store) {
		a := authorization.New(storeA)
		soon := authorization.New(later{storeB, authorization.RepeatWindow - 5*time.Second})
		first := begin(t, a, sid)
		second := refresh(t, a, first.Refresh)
		again, err := soon.Refresh(t.Context(), request(first.Refresh))
		if err != nil || !reflect.DeepEqual(again, second) {
			t.Errorf("a repetition: %+v, %v; want %+v", again, err, second)
		}
		third := refresh(t, a, second.Refresh)
		if third.Refresh == second.Refresh || third.AccessID == second.AccessID {
			t.Error("two rotations have the same result")
		}
		if _, err := a.Refresh(t.Context(), request(first.Refresh)); !errors.Is(err, authorization.ErrReused) {
			t.Errorf("the token before the last one: %v", err)
		}
		isRevoked(t, a, third)
	})
}

// TestConcurrentRefreshesAgree sends one token twenty times at the same time, to two nodes
// whose clocks differ.
func TestConcurrentRefreshesAgree(t *testing.T) {
	onEach(t, func(t *testing.T, storeA, storeB kv.Store) {
		nodes := []*authorization.Store{authorization.New(storeA), authorization.New(later{storeB, 3 * time.Second})}
		token := begin(t, nodes[0], sid).Refresh
		for round := range 5 {
			got := make([]authorization.Grant, 20)
			var wg sync.WaitGroup
			for i := range got {
				wg.Go(func() {
					var err error
					if got[i], err = nodes[i%2].Refresh(t.Context(), request(token)); err != nil {
						t.Errorf("round %d: %v", round, err)
					}
				})
			}
			wg.Wait()
			for _, g := range got {
				if !reflect.DeepEqual(g, got[0]) {
					t.Fatalf("round %d: %+v and %+v", round, g, got[0])
				}
			}
			token = got[0].Refresh
		}
	})
}

func TestInventedTokensRevokeNothing(t *testing.T) {
	s := authorization.New(kv.NewMemory())
	g, other := begin(t, s, sid), begin(t, s, otherSID)
	parts, others := strings.Split(g.Refresh, "."), strings.Split(other.Refresh, ".")
	for name, token := range map[string]string{
		"nothing": "", "two parts": parts[0] + "." + parts[1], "four parts": g.Refresh + ".x",
		"other secret":      sid + "." + strings.Repeat("A", 43) + "." + parts[2],
		"other tag":         sid + "." + parts[1] + "." + strings.Repeat("A", 22),
		"of another login":  sid + "." + others[1] + "." + others[2],
		"for another login": otherSID + "." + parts[1] + "." + parts[2],
		"unknown login":     strings.Repeat("0", 32) + "." + parts[1] + "." + parts[2],
		"sid not hex":       strings.Repeat("X", 32) + "." + parts[1] + "." + parts[2],
		"short sid":         sid[1:] + "." + parts[1] + "." + parts[2],
		"short secret":      sid + "." + parts[1][1:] + "." + parts[2],
		"short tag":         sid + "." + parts[1] + "." + parts[2][1:],
	} {
		if _, err := s.Refresh(t.Context(), request(token)); !errors.Is(err, authorization.ErrInvalid) || errors.Is(err, authorization.ErrReused) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := s.EndByRefresh(t.Context(), token, "p1", "grafana"); !errors.Is(err, authorization.ErrInvalid) {
			t.Errorf("revocation of %s: %v", name, err)
		}
	}
	refresh(t, s, g.Refresh)
}

func TestATokenIsBoundToItsClient(t *testing.T) {
	s := authorization.New(kv.NewMemory())
	g := begin(t, s, sid)
	for _, by := range [][2]string{{"p1", "gitea"}, {"p2", "grafana"}} {
		req := request(g.Refresh)
		req.Pool, req.Client = by[0], by[1]
		if _, err := s.Refresh(t.Context(), req); !errors.Is(err, authorization.ErrInvalid) || errors.Is(err, authorization.ErrReused) {
			t.Errorf("%v: %v", by, err)
		}
		if _, _, err := s.RefreshToken(t.Context(), g.Refresh, by[0], by[1]); !errors.Is(err, authorization.ErrInvalid) {
			t.Errorf("%v: %v", by, err)
		}
		if _, err := s.EndByRefresh(t.Context(), g.Refresh, by[0], by[1]); !errors.Is(err, authorization.ErrInvalid) {
			t.Errorf("%v: %v", by, err)
		}
	}
	refresh(t, s, g.Refresh)
}

func TestARefreshMayNarrowTheScope(t *testing.T) {
	s := authorization.New(kv.NewMemory())
	g := begin(t, s, sid)
	narrow := request(g.Refresh)
	for scope, want := range map[authorization.Scope]error{"openid profile": authorization.ErrScope, "x": authorization.ErrScope} {
		narrow.Scope = scope
		if _, err := s.Refresh(t.Context(), narrow); !errors.Is(err, want) {
			t.Errorf("%q: %v", scope, err)
		}
	}
	narrow.Scope = " openid  email openid"
	less, err := s.Refresh(t.Context(), narrow)
	if err != nil || less.Scope != "email openid" || less.Login.Scope != "openid email offline_access" {
		t.Errorf("%+v, %v", less, err)
	}
	narrow.Scope = ""
	all, err := s.Refresh(t.Context(), narrow) // a repetition, for another scope
	if err != nil || all.Refresh != less.Refresh || all.AccessID == less.AccessID || all.Scope != "openid email offline_access" {
		t.Errorf("%+v, %v", all, err)
	}
	if next := refresh(t, s, less.Refresh); next.Scope != "openid email offline_access" {
		t.Errorf("the successor has the scope %q", next.Scope)
	}
}

func TestARefreshTokenCanBeRevoked(t *testing.T) {
	onEach(t, func(t *testing.T, storeA, storeB kv.Store) {
		a, b := authorization.New(storeA), authorization.New(storeB)
		first := begin(t, a, sid)
		second := refresh(t, a, first.Refresh)
		if _, err := b.EndByRefresh(t.Context(), first.Refresh, "p1", "grafana"); err != nil { // also a spent one
			t.Fatal(err)
		}
		isRevoked(t, a, second)
	})
}

func TestALoginCanBeEndedByItsClient(t *testing.T) {
	onEach(t, func(t *testing.T, storeA, storeB kv.Store) {
		a, b := authorization.New(storeA), authorization.New(storeB)
		g := begin(t, a, sid)
		for _, by := range [][3]string{{sid, "p1", "gitea"}, {sid, "p2", "grafana"}, {otherSID, "p1", "grafana"}} {
			if _, err := b.End(t.Context(), by[0], by[1], by[2]); !errors.Is(err, authorization.ErrInvalid) {
				t.Errorf("%v: %v", by, err)
			}
		}
		if _, err := a.Active(t.Context(), sid, g.AccessID); err != nil {
			t.Fatal(err)
		}
		if l, err := b.End(t.Context(), sid, "p1", "grafana"); err != nil || l.User.ID != "alice" {
			t.Fatalf("%+v, %v", l, err)
		}
		isRevoked(t, a, g)
	})
}
