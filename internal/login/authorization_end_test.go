package login

import (
	"errors"
	"testing"

	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// TestACodeThatIsMadeWhileTheUserGoesBackIsWithdrawn ends the request after a code was admitted and
// before it is stored, so that the end cannot know it.
func TestACodeThatIsMadeWhileTheUserGoesBackIsWithdrawn(t *testing.T) {
	const cookie = "the cookie of the request"
	p := newPool(func(p *pool.Pool) {
		p.MaxCodes = 6
		p.Clients = []*pool.Client{{ID: "app", RedirectURIs: []string{callback}}}
	})
	f := newService(t, func(o *Options) { o.Records = kv.NewMemory() }, p)
	id, err := f.BeginAuthorization(t.Context(), browser(), p, AuthorizationRequest{Pool: "p1", ClientID: "app", RedirectURI: callback, Scope: "openid"}, cookie)
	if err != nil {
		t.Fatal(err)
	}
	by := browser()
	if by.Authorization, err = f.Authorization(t.Context(), id, cookie); err != nil {
		t.Fatal(err)
	}
	var made session.ID
	_, err = f.Create(t.Context(), by, CreateRequest{Pool: p, CustomData: "{}", Count: 1, Subscribe: func(code session.ID) error {
		made = code
		return f.EndAuthorization(t.Context(), browser(), by.Authorization)
	}})
	if !errors.Is(err, ErrNoRequest) {
		t.Errorf("the code was made: %v", err)
	}
	if code, _, err := f.Code(t.Context(), made); err != nil || code.Status != session.Expired {
		t.Errorf("the code is %v, %v", code.Status, err)
	}
}
