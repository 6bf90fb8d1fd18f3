package session

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
)

// TestAdvancesAgreesWithStep covers every action in every status: Advances is false for
// repetitions and for refusals.
func TestAdvancesAgreesWithStep(t *testing.T) {
	for _, status := range []Status{Waiting, Scanned, Confirmed, Redeemed, Canceled, Expired} {
		for _, action := range []Action{Scan, Confirm, Cancel, Mismatch, Redeem, Withdraw} {
			s, c := at(status), Change{Action: action, User: alice, TTL: time.Minute}
			next, err := Step(s, c, t0)
			if want := err == nil && next.Version > s.Version; Advances(s, c) != want {
				t.Errorf("%s at %s: Advances returns %v", action, status.Event(), !want)
			}
		}
	}
}

// TestUserFieldsAreRemovedBeyondTheirLimit uses the longest allowed fields, and then one
// byte more in each.
func TestUserFieldsAreRemovedBeyondTheirLimit(t *testing.T) {
	longest := strings.Repeat("x", 255)
	photo := "https://example.com/" + strings.Repeat("x", 1024-len("https://example.com/"))
	got, err := User{ID: longest, Username: longest, Email: longest, Phone: longest, Photo: photo}.Bounded()
	if err != nil || got.ID != longest || got.Username != longest || got.Email != longest || got.Phone != longest || got.Photo != photo {
		t.Errorf("error %v, user %+v", err, got)
	}
	longer := longest + "x"
	got, err = User{ID: "1", Username: longer, Email: longer, Phone: longer, Photo: photo + "x"}.Bounded()
	if err != nil || got.Username+got.Email+got.Phone+got.Photo != "" {
		t.Errorf("error %v, user %+v", err, got)
	}
	broken := "a\xff"
	got, err = User{ID: "1", Email: broken, Phone: broken}.Bounded()
	if err != nil || got.Email+got.Phone != "" {
		t.Errorf("error %v, user %+v", err, got)
	}
}

// size returns a user's length as JSON.
func size(t *testing.T, u User) int {
	t.Helper()
	text, err := json.Marshal(u)
	if err != nil {
		t.Fatal(err)
	}
	return len(text)
}

// large returns a user with exactly n bytes of JSON, most of them escapes, without other
// claims.
func large(t *testing.T, n int) User {
	t.Helper()
	escaped := strings.Repeat("<", 255) // six bytes each
	u := User{ID: "1", Username: escaped, Email: escaped, Photo: "https://example.com/"}
	u.Photo += strings.Repeat("x", n-size(t, u))
	if size(t, u) != n {
		t.Fatalf("%d bytes, want %d", size(t, u), n)
	}
	return u
}

func TestUserWithinTheLimitIsUnchanged(t *testing.T) {
	u := large(t, maxUserBytes-len(`,"more":{}`))
	if got, err := u.Bounded(); err != nil || got.Username != u.Username || got.Email != u.Email {
		t.Errorf("error %v, user %+v", err, got)
	}
	u = large(t, maxUserBytes-len(`,"more":{}`)+1)
	if got, err := u.Bounded(); err != nil || got.Username != "" || got.Email != "" || got.Photo != u.Photo {
		t.Errorf("error %v, user %+v", err, got)
	}
}

// TestClaimsAreKeptWhileTheyFit tries a claim of each length around the limit, with fields
// that are kept and with fields that are removed.
func TestClaimsAreKeptWhileTheyFit(t *testing.T) {
	for name, u := range map[string]User{"fields are kept": {ID: "1"}, "fields are removed": large(t, maxUserBytes)} {
		rest := u
		rest.Username, rest.Email = "", ""
		for n := maxUserBytes - 40; n < maxUserBytes+40; n++ {
			rest.More = map[string]any{"claim": ""}
			u.More = map[string]any{"claim": strings.Repeat("x", n-size(t, rest))} // makes n bytes in total
			got, err := u.Bounded()
			if err != nil {
				t.Fatal(err)
			}
			if kept := got.More != nil; kept != (n < maxUserBytes) { // counts the comma of the claim, too
				t.Errorf("%s: a claim that makes %d bytes, kept: %v", name, n, kept)
			}
		}
	}
}

func TestClaimsWithoutAJSONFormAreRemoved(t *testing.T) {
	got, err := User{ID: "1", More: map[string]any{"a": math.NaN()}}.Bounded()
	if err != nil || got.More != nil {
		t.Errorf("error %v, claims %v", err, got.More)
	}
}
