package token_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/scanlogin/scanlogin/internal/token"
)

// FuzzReadToken shows that no text is accepted as a token. The seeds are tokens of another key, and
// tokens for another purpose.
func FuzzReadToken(f *testing.F) {
	g := newSigner(f, keyOf(f, 1))
	access, id := signed(f, g)
	foreign, foreignID := signed(f, newSigner(f, keyOf(f, 2)))
	for _, seed := range []string{"", "..", foreign, foreignID, access[:strings.LastIndex(access, ".")+1], id + "x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_ = token.ClaimedIssuer(text)
		if _, err := g.ReadAccess(text, issuer, issued); text != access && !errors.Is(err, token.ErrInvalid) {
			t.Fatalf("accepted as an access token: %q, %v", text, err)
		}
		if _, err := g.ReadID(text, issuer); text != id && !errors.Is(err, token.ErrInvalid) {
			t.Fatalf("accepted as an ID token: %q, %v", text, err)
		}
	})
}
