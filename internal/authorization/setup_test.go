package authorization_test

import (
	"errors"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/authorization"
	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/redisclient"
	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/session"
)

const (
	sid      = "0123456789abcdef0123456789abcdef"
	otherSID = "fedcba9876543210fedcba9876543210"
)

var lifetimes = authorization.Lifetimes{Access: 10 * time.Minute, ID: 20 * time.Minute, Refresh: 720 * time.Hour}

// later is a store whose clock is ahead.
type later struct {
	kv.Store
	by time.Duration
}

func (l later) Now() time.Time { return l.Store.Now().Add(l.by) }

func newLogin(scope authorization.Scope) authorization.Login {
	return authorization.Login{
		Pool: "p1", Client: "grafana", Scope: scope, User: session.User{ID: "alice", Email: "alice@example.com"},
		AuthTime: time.Unix(1700000000, 0).UTC(), AMR: []string{"qr"},
	}
}

// begin begins a login with offline access, and returns its first refresh token.
func begin(t testing.TB, s *authorization.Store, sid string) authorization.Grant {
	t.Helper()
	g, err := s.Begin(t.Context(), sid, newLogin("openid email offline_access"), lifetimes)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func request(token string) authorization.RefreshRequest {
	return authorization.RefreshRequest{Pool: "p1", Client: "grafana", Token: token, Lifetimes: lifetimes}
}

func refresh(t testing.TB, s *authorization.Store, token string) authorization.Grant {
	t.Helper()
	g, err := s.Refresh(t.Context(), request(token))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// isRevoked fails the test unless all tokens of a login are invalid, also the refresh token.
func isRevoked(t testing.TB, s *authorization.Store, g authorization.Grant) {
	t.Helper()
	if _, err := s.Active(t.Context(), g.SID, g.AccessID); !errors.Is(err, authorization.ErrInvalid) {
		t.Errorf("the access token is active: %v", err)
	}
	if g.Refresh == "" {
		return
	}
	if _, _, err := s.RefreshToken(t.Context(), g.Refresh, "p1", "grafana"); !errors.Is(err, authorization.ErrInvalid) {
		t.Errorf("the refresh token is active: %v", err)
	}
	if _, err := s.Refresh(t.Context(), request(g.Refresh)); !errors.Is(err, authorization.ErrInvalid) {
		t.Errorf("the refresh token is accepted: %v", err)
	}
}

// onEach runs test on both storages, with the storage of two nodes.
func onEach(t *testing.T, test func(t *testing.T, a, b kv.Store)) {
	t.Run("Memory", func(t *testing.T) {
		m := kv.NewMemory()
		test(t, m, m)
	})
	t.Run("Redis", func(t *testing.T) {
		url := redistest.Start(t).URL()
		open := func() kv.Store { return kv.NewRedis(redistest.Open(t, redisclient.Options{URL: url, Prefix: "test"})) }
		test(t, open(), open())
	})
}
