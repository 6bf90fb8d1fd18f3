package authorization_test

import (
	"errors"
	"testing"

	"github.com/scanlogin/scanlogin/internal/authorization"
	"github.com/scanlogin/scanlogin/internal/kv"
)

// FuzzRefreshToken shows that no text but the token is accepted, and that none revokes the login.
func FuzzRefreshToken(f *testing.F) {
	s := authorization.New(kv.NewMemory())
	g := begin(f, s, sid)
	f.Add("")
	f.Add("..")
	f.Add(g.Refresh + "x")
	f.Add(g.Refresh[:len(g.Refresh)-1] + "-")
	f.Add(otherSID + g.Refresh[len(sid):])
	f.Fuzz(func(t *testing.T, token string) {
		if token == g.Refresh {
			return
		}
		if _, err := s.Refresh(t.Context(), request(token)); !errors.Is(err, authorization.ErrInvalid) || errors.Is(err, authorization.ErrReused) {
			t.Fatalf("%q: %v", token, err)
		}
		if _, _, err := s.RefreshToken(t.Context(), g.Refresh, "p1", "grafana"); err != nil {
			t.Fatalf("%q revoked the login: %v", token, err)
		}
	})
}
