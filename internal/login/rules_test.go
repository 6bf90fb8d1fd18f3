package login

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/scanlogin/scanlogin/internal/identity"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

const (
	// RFC 7636, appendix B.
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

func TestChallengesHaveTheirForm(t *testing.T) {
	for _, test := range []struct {
		challenge, method string
		want              error
	}{
		{"", "", nil}, {challenge, "", nil}, {challenge, "S256", nil},
		{"", "S256", FieldError{"codeChallenge", Required}},
		{verifier, "plain", FieldError{"codeChallengeMethod", NotS256}},
		{"", "s256", FieldError{"codeChallengeMethod", NotS256}},
		{challenge[1:], "", FieldError{"codeChallenge", NotChallenge}},
		{challenge + "A", "", FieldError{"codeChallenge", NotChallenge}},
		{challenge + "=", "", FieldError{"codeChallenge", NotChallenge}},
		{challenge[:42] + "\n" + challenge[42:], "", FieldError{"codeChallenge", NotChallenge}},
		{challenge[:42] + "N", "", FieldError{"codeChallenge", NotChallenge}}, // bits beyond the 256
		{"+" + challenge[1:], "", FieldError{"codeChallenge", NotChallenge}},
	} {
		if err := CheckChallenge(test.challenge, test.method); err != test.want { //nolint:errorlint // compared as a value
			t.Errorf("%q, %q: %v, want %v", test.challenge, test.method, err, test.want)
		}
	}
}

func TestTheVerifierFitsTheChallenge(t *testing.T) {
	for _, test := range []struct {
		challenge, verifier string
		want                error
	}{
		{"", "", nil}, {challenge, verifier, nil},
		{challenge, "", ErrVerifierRequired}, {"", verifier, ErrVerifierUnexpected},
		{challenge, challenge, ErrVerifier}, {challenge, strings.Repeat("~", 128), ErrVerifier},
		{challenge, verifier[1:], FieldError{"codeVerifier", NotVerifier}},
		{challenge, strings.Repeat("a", 129), FieldError{"codeVerifier", NotVerifier}},
		{challenge, verifier + "\n", FieldError{"codeVerifier", NotVerifier}},
	} {
		var err error
		if code := (session.Session{Challenge: test.challenge}); challengeOf(test.verifier) != code.Challenge {
			err = wrongVerifier(code, test.verifier)
		}
		if !errors.Is(err, test.want) {
			t.Errorf("%q for %q: %v, want %v", test.verifier, test.challenge, err, test.want)
		}
		if isField := errors.As(err, new(FieldError)); isField && errors.Is(err, ErrVerifier) {
			t.Errorf("%q counts as a guess", test.verifier)
		}
	}
}

func TestOnlyAnotherNumberIsAMismatch(t *testing.T) {
	p := newPool(nil)
	code := session.Session{ID: session.NewID(), Pool: "p1", Salt: []byte("0123456789abcdef"), SecretID: p.Secret.ID(), Match: session.MatchDigits}
	right := p.MatchCode(code)
	wrong := "10"
	if right == wrong {
		wrong = "11"
	}
	confirm := session.Change{Action: session.Confirm, User: session.User{ID: "alice"}}
	for _, test := range []struct {
		match  session.Match
		number string
		want   session.Action
		err    error
	}{
		{session.MatchNone, "", session.Confirm, nil}, {session.MatchNone, "xx", session.Confirm, nil},
		{session.MatchDigits, right, session.Confirm, nil}, {session.MatchDigits, wrong, session.Mismatch, nil},
		{session.MatchDigits, "", session.Confirm, ErrMatchCode},
		{session.MatchDigits, "x" + right, session.Confirm, FieldError{"matchCode", NotTwoDigits}},
		{session.MatchDigits, right + "\n", session.Confirm, FieldError{"matchCode", NotTwoDigits}},
	} {
		code.Match = test.match
		got, err := matched(p, code, confirm, test.number)
		if got.Action != test.want || got.User.ID != "alice" || !errors.Is(err, test.err) {
			t.Errorf("%q: %s, %v", test.number, got.Action, err)
		}
	}
}

// TestACodeIsReadFromAllFormsOfItsPicture also reads the id while a pool has an app link that
// would match anything.
func TestACodeIsReadFromAllFormsOfItsPicture(t *testing.T) {
	links := newPool(func(p *pool.Pool) { p.AppLink = "https://app.example.com/?login=" + pool.RandomInLink + "&from=qr" })
	f := newService(t, nil, links, newPool(func(p *pool.Pool) { p.ID, p.AppIDs, p.AppLink = "p2", nil, pool.RandomInLink }))
	id := session.NewID()
	for text, want := range map[string]bool{
		string(id): true, " " + string(id) + "\n": true,
		`{"scene":"APP_AUTH","random":"` + string(id) + `"}`: true, `{"random":1}`: false, `{"random":"` + string(id): false,
		AppLink(links, id): true, AppLink(links, id) + "&more=1": true, strings.TrimSuffix(AppLink(links, id), "r"): false,
		publicURL + "/s/" + string(id): true, publicURL + "/s/" + string(id) + "?x=1": true, publicURL + "/s/" + string(id) + "/#y": true,
		publicURL + "/s/" + string(id) + "x": false, "http://elsewhere.example.com/s/" + string(id): false, "": false,
	} {
		got, err := f.readCode(text)
		if want && (got.id != id || got.pool != "" || err != nil) || !want && !errors.Is(err, session.ErrNotFound) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

// TestLinksOfLookAlikeHostsAreNotOurs has letters whose lower case is in ASCII.
func TestLinksOfLookAlikeHostsAreNotOurs(t *testing.T) {
	f := newService(t, func(o *Options) { o.PublicURL = "https://kiosk.example.com" })
	id := session.NewID()
	if name, err := f.readCode("HTTPS://KIOSK.example.com:443/s/" + string(id)); err != nil || name.id != id {
		t.Errorf("our own: %+v, %v", name, err)
	}
	for _, origin := range []string{"https://\u212aiosk.example.com", "https://kios\u212a.example.com", "http\u017f://kiosk.example.com", "https://kiosk.example.com:80", "http://kiosk.example.com"} {
		if name, err := f.readCode(origin + "/s/" + string(id)); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("%s: %+v, %v", origin, name, err)
		}
	}
}

// TestErrorsOfTheStoreThatDecideStayThemselves and all others are "unavailable".
func TestErrorsOfTheStoreThatDecideStayThemselves(t *testing.T) {
	for _, err := range []error{session.ErrOver, session.ErrNotScanned, session.ErrUsed, session.ErrOtherUser, session.ErrNotFound, session.ErrNotConfirmed} {
		if got := AsUnavailable(fmt.Errorf("scan: %w", err)); !errors.Is(got, err) || errors.Is(got, ErrUnavailable) {
			t.Errorf("%v became %v", err, got)
		}
	}
	for _, err := range []error{session.ErrStale, session.ErrLost, session.ErrFull, context.DeadlineExceeded, errors.New("READONLY x")} {
		if got := AsUnavailable(err); !errors.Is(got, ErrUnavailable) || !errors.Is(got, err) {
			t.Errorf("%v became %v", err, got)
		}
	}
	if err := AsUnavailable(nil); err != nil {
		t.Error(err)
	}
}

func TestCausesOfErrorsHaveTheirKind(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{identity.ErrUnavailable, "identity"}, {context.DeadlineExceeded, "deadline"}, {errCrowded, "crowded"},
		{fmt.Errorf("%w: OOM command not allowed", session.ErrFull), "full"}, {errors.New("READONLY You can't write"), "READONLY"},
		{errors.New("redis: NOREPLICAS Not enough good replicas"), "NOREPLICAS"}, {errors.New("BUSYKEY"), ""}, {errors.New("away"), ""},
	} {
		if got := ErrorKind(AsUnavailable(test.err)); got != test.want {
			t.Errorf("%v: %q, want %q", test.err, got, test.want)
		}
	}
}

func TestJSONInPicturesIsASCII(t *testing.T) {
	if got := EscapeASCII([]byte(`{"a":"é😀z"}`)); got != `{"a":"\u00e9\ud83d\ude00z"}` {
		t.Error(got)
	}
}

// TestAReleasedKeyIsForgotten: counters are kept for as long as something is counted.
func TestAReleasedKeyIsForgotten(t *testing.T) {
	c := newCounter[string](2)
	for i, want := range []bool{true, true, false} {
		if got := c.acquire("k"); got != want {
			t.Errorf("number %d of two acquired: %v", i+1, got)
		}
	}
	c.release("k")
	if len(c.n) != 1 || !c.acquire("k") {
		t.Errorf("after a release, %v", c.n)
	}
	c.release("k")
	c.release("k")
	if len(c.n) != 0 {
		t.Errorf("after all releases, %v", c.n)
	}
}
