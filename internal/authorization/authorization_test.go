package authorization_test

import (
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scanlogin/scanlogin/internal/authorization"
	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/internal/redistest"
)

func TestALoginIsStoredAsItIs(t *testing.T) {
	onEach(t, func(t *testing.T, storeA, storeB kv.Store) {
		a, b := authorization.New(storeA), authorization.New(storeB)
		login := newLogin("openid email")
		login.ACR = "gold"
		login.User.More = map[string]any{"department": "R&D"}
		g, err := a.Begin(t.Context(), sid, login, lifetimes)
		if err != nil || g.Refresh != "" || g.SID != sid || g.Scope != "openid email" {
			t.Fatalf("%+v, %v", g, err)
		}
		if access, id := g.AccessExpires.Sub(g.Issued), g.IDExpires.Sub(g.Issued); access != 10*time.Minute || id != 20*time.Minute {
			t.Errorf("the tokens are valid for %v and %v", access, id)
		}
		if got, err := b.Active(t.Context(), sid, g.AccessID); err != nil || !reflect.DeepEqual(got, login) {
			t.Errorf("%+v, %v; want %+v", got, err, login)
		}
		if _, err := a.Begin(t.Context(), sid, newLogin("openid"), lifetimes); !errors.Is(err, authorization.ErrInvalid) {
			t.Errorf("a second login with the same sid: %v", err)
		}
	})
}

func TestARevocationTakesEffectInBothOrders(t *testing.T) {
	onEach(t, func(t *testing.T, storeA, storeB kv.Store) {
		a, b := authorization.New(storeA), authorization.New(storeB)
		g := begin(t, a, sid)
		if err := b.Revoke(t.Context(), sid, lifetimes); err != nil {
			t.Fatal(err)
		}
		isRevoked(t, a, g)
		if err := b.Revoke(t.Context(), otherSID, lifetimes); err != nil {
			t.Fatal(err)
		}
		g = begin(t, a, otherSID)
		if g.Refresh == "" || g.AccessID == "" {
			t.Errorf("the response depends on the revocation: %+v", g)
		}
		isRevoked(t, b, g)
	})
}

func TestAnAccessTokenCanBeRevokedAlone(t *testing.T) {
	onEach(t, func(t *testing.T, storeA, storeB kv.Store) {
		a, b := authorization.New(storeA), authorization.New(storeB)
		first := begin(t, a, sid)
		second := refresh(t, a, first.Refresh)
		if err := b.RevokeAccess(t.Context(), second.AccessID, second.AccessExpires); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Active(t.Context(), sid, second.AccessID); !errors.Is(err, authorization.ErrInvalid) {
			t.Errorf("the revoked token: %v", err)
		}
		if _, err := a.Active(t.Context(), sid, first.AccessID); err != nil {
			t.Errorf("another token of the login: %v", err)
		}
		refresh(t, a, second.Refresh)
	})
}

// TestALoginEnds refreshes until the login ends: no token outlives it.
func TestALoginEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := authorization.New(kv.NewMemory())
		ends := time.Now().Add(lifetimes.Refresh)
		g := begin(t, s, sid)
		for {
			time.Sleep(47 * time.Hour)
			next, err := s.Refresh(t.Context(), request(g.Refresh))
			if err != nil {
				if now := time.Now(); !errors.Is(err, authorization.ErrInvalid) || now.Before(ends) {
					t.Errorf("%v before the end: %v", ends.Sub(now), err)
				}
				break
			}
			if next.AccessExpires.After(ends) || next.IDExpires.After(ends) || !next.AccessExpires.After(next.Issued) {
				t.Fatalf("%+v ends after %v", next, ends)
			}
			g = next
		}
		isRevoked(t, s, g)
		short, err := s.Begin(t.Context(), otherSID, newLogin("openid"), lifetimes)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(20*time.Minute - time.Second)
		if _, err := s.Active(t.Context(), otherSID, short.AccessID); err != nil {
			t.Errorf("before the end of the ID token: %v", err)
		}
		time.Sleep(2 * time.Second)
		isRevoked(t, s, short)
	})
}

func TestTheStorageHasNoTokens(t *testing.T) {
	server := redistest.Start(t)
	s := authorization.New(kv.NewRedis(redistest.Open(t, redisclient.Options{URL: server.URL(), Prefix: "test"})))
	first := begin(t, s, sid)
	second := refresh(t, s, first.Refresh)
	stored := server.Do("HGETALL", "test:oidc:login:"+sid).([]any)
	for _, value := range stored {
		if value == first.Refresh || value == second.Refresh || value == "" {
			t.Errorf("stored: %v", stored)
		}
	}
	if ttl := server.Do("PTTL", "test:oidc:login:"+sid).(int64); ttl <= 0 || ttl > lifetimes.Refresh.Milliseconds() {
		t.Errorf("expires in %d ms", ttl)
	}
	if err := s.Revoke(t.Context(), sid, lifetimes); err != nil {
		t.Fatal(err)
	}
	if got := server.Do("HMGET", "test:oidc:login:"+sid, "login", "owner").([]any); got[0] != "" || got[1] != "" {
		t.Errorf("after the revocation, the user is still stored: %v", got)
	}
}

func TestAnUnavailableStorageIsNoRefusal(t *testing.T) {
	server := redistest.Start(t)
	s := authorization.New(kv.NewRedis(redistest.Open(t, redisclient.Options{URL: server.URL(), Prefix: "test"})))
	g := begin(t, s, sid)
	server.Kill()
	_, refreshed := s.Refresh(t.Context(), request(g.Refresh))
	_, active := s.Active(t.Context(), sid, g.AccessID)
	for what, err := range map[string]error{"refresh": refreshed, "active": active, "revoke": s.Revoke(t.Context(), sid, lifetimes)} {
		if err == nil || errors.Is(err, authorization.ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
