package login

import (
	"errors"
	"strings"
	"testing"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// TestCharactersBeyondASCIIAreEscapedAsInJSON at both ends of what one escape can hold.
func TestCharactersBeyondASCIIAreEscapedAsInJSON(t *testing.T) {
	const want = "~\x7f" + `\u0080\uffff\ud800\udc00\udbff\udfff`
	if got := EscapeASCII([]byte("~\x7f\u0080\uffff\U00010000\U0010ffff")); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestNoCodeIsReadFromWhatOnlyResemblesALink has an id that goes on, begins too early, or is
// in no link at all.
func TestNoCodeIsReadFromWhatOnlyResemblesALink(t *testing.T) {
	id := session.NewID()
	ends := newPool(func(p *pool.Pool) { p.AppLink = "shop://login?code=" + pool.RandomInLink })
	goesOn := newPool(func(p *pool.Pool) {
		p.ID, p.AppIDs, p.AppLink = "p2", nil, "shop://login/"+pool.RandomInLink+"&from=qr"
	})
	f := newService(t, nil, ends, goesOn, newPool(func(p *pool.Pool) { p.ID, p.AppIDs = "p3", nil }))
	for c := range byte(0x7f) {
		if c == ' ' || '\t' <= c && c <= '\r' {
			continue // trimmed
		}
		isPart := strings.IndexByte("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", c) >= 0
		if _, err := f.readCode(AppLink(ends, id) + string(rune(c))); (err != nil) != isPart {
			t.Errorf("a link that goes on with %q: %v", c, err)
		}
	}
	for _, text := range []string{string(id) + "&from=qr", string(id) + "/", publicURL + "/s/?/" + string(id)} {
		if name, err := f.readCode(text); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("%q is read as %+v, %v", text, name, err)
		}
	}
}
