package session

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestALoginMustMeetEachRequirement(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	good := Auth{Time: now.Unix() - 300, ACR: "high", AMR: []string{"pwd", "otp"}}
	all := StepUp{MaxAge: 5 * time.Minute, ACRValues: []string{"higher", "high"}, AMR: []string{"hwk", "otp"}}
	for name, test := range map[string]struct {
		change func(*Auth)
		now    time.Time
		age    bool // the requirements that are met
		acr    bool
		amr    bool
	}{
		"good":                     {func(*Auth) {}, now, true, true, true},
		"a moment too old":         {func(*Auth) {}, now.Add(time.Millisecond), false, true, true},
		"a second too old":         {func(a *Auth) { a.Time-- }, now, false, true, true},
		"time is missing":          {func(a *Auth) { a.Time = 0 }, now, false, true, true},
		"clocks differ":            {func(a *Auth) { a.Time = now.Unix() + 30 }, now, true, true, true},
		"in the future":            {func(a *Auth) { a.Time = now.Unix() + 31 }, now, false, true, true},
		"another acr":              {func(a *Auth) { a.ACR = "low" }, now, true, false, true},
		"an acr in other case":     {func(a *Auth) { a.ACR = "High" }, now, true, false, true},
		"acr is missing":           {func(a *Auth) { a.ACR = "" }, now, true, false, true},
		"other methods":            {func(a *Auth) { a.AMR = []string{"pwd", "sms"} }, now, true, true, false},
		"methods are missing":      {func(a *Auth) { a.AMR = nil }, now, true, true, false},
		"nothing at all":           {func(a *Auth) { *a = Auth{} }, now, false, false, false},
		"a method joined by \" \"": {func(a *Auth) { a.AMR = []string{"pwd otp"} }, now, true, true, false},
	} {
		auth := good
		test.change(&auth)
		for _, c := range []struct {
			need StepUp
			want bool
		}{
			{StepUp{}, true},
			{StepUp{MaxAge: all.MaxAge}, test.age},
			{StepUp{ACRValues: all.ACRValues}, test.acr},
			{StepUp{AMR: all.AMR}, test.amr},
			{all, test.age && test.acr && test.amr},
		} {
			if got := c.need.IsMetBy(auth, test.now); got != c.want {
				t.Errorf("%s: %+v is met: %v", name, c.need, got)
			}
		}
	}
}

func TestTightened(t *testing.T) {
	minutes := func(n time.Duration, acr ...string) StepUp { return StepUp{MaxAge: n * time.Minute, ACRValues: acr} }
	for _, test := range []struct {
		pool, code, want StepUp
		unmet            bool
	}{
		{StepUp{}, minutes(1, "a"), StepUp{}, false}, // nothing is required: the request is ignored
		{minutes(5, "a"), StepUp{}, minutes(5, "a"), false},
		{minutes(5), minutes(2), minutes(2), false},
		{minutes(5), minutes(9), minutes(5), false},
		{minutes(5), StepUp{MaxAge: time.Second}, StepUp{MaxAge: MinMaxAge}, false},
		{minutes(0, "a"), minutes(2), minutes(2, "a"), false},
		{minutes(5), minutes(0, "b", "a"), minutes(5, "b", "a"), false},
		{minutes(0, "a", "b", "c"), minutes(0, "d", "c", "a"), minutes(0, "c", "a"), false},
		{minutes(5, "a"), minutes(2, "b"), minutes(2, "b"), true},
		{StepUp{AMR: []string{"otp"}}, StepUp{AMR: []string{"pwd"}}, StepUp{AMR: []string{"otp"}}, false},
	} {
		if got, unmet := test.pool.Tightened(test.code); !reflect.DeepEqual(got, test.want) || unmet != test.unmet {
			t.Errorf("%+v tightened by %+v: %+v, unmet %v", test.pool, test.code, got, unmet)
		}
	}
}

// TestTightenedIsNeverLess compares both requirements for random logins.
func TestTightenedIsNeverLess(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	texts := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 3)
	rapid.Check(t, func(t *rapid.T) {
		need := func(what string) StepUp {
			return StepUp{
				MaxAge:    rapid.SampledFrom([]time.Duration{0, time.Minute, time.Hour}).Draw(t, what+" max age"),
				ACRValues: texts.Draw(t, what+" acr values"), AMR: texts.Draw(t, what+" amr"),
			}
		}
		pool, code := need("pool"), need("code")
		before := fmt.Sprint(pool, code)
		both, unmet := pool.Tightened(code)
		again, unmetAgain := pool.Tightened(both)
		auth := Auth{
			Time: now.Unix() - rapid.Int64Range(0, 4000).Draw(t, "age"), AMR: texts.Draw(t, "amr"),
			ACR: rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "acr"),
		}
		met := both.IsMetBy(auth, now) && !unmet
		switch {
		case fmt.Sprint(pool, code) != before:
			t.Fatal("the arguments were modified")
		case met && !pool.IsMetBy(auth, now):
			t.Fatalf("%+v meets %+v, and not %+v", auth, both, pool)
		case met && !pool.IsZero() && !(StepUp{MaxAge: code.MaxAge, ACRValues: code.ACRValues}).IsMetBy(auth, now):
			t.Fatalf("%+v meets %+v, and not %+v", auth, both, code)
		case !unmet && (unmetAgain || !reflect.DeepEqual(again, both)):
			t.Fatalf("tightened twice: %+v, then %+v", both, again)
		}
	})
}

func TestALoginIsBounded(t *testing.T) {
	long := strings.Repeat("x", 256)
	for _, test := range []struct{ in, want Auth }{
		{Auth{1, "urn:example:high", []string{"pwd", "otp"}}, Auth{1, "urn:example:high", []string{"pwd", "otp"}}},
		{Auth{-1, long, []string{long[:65]}}, Auth{}},
		{Auth{1, long[:255], []string{long[:64]}}, Auth{1, long[:255], []string{long[:64]}}},
		{Auth{1, "a\ufffd", []string{"a", "\ufffd"}}, Auth{Time: 1}},
		{Auth{1, "a\nb", []string{"a", ""}}, Auth{Time: 1}},
		{Auth{1, "high\u202e", slices.Repeat([]string{"a"}, 17)}, Auth{Time: 1}},
		{Auth{1, "\xff", slices.Repeat([]string{"a"}, 16)}, Auth{Time: 1, AMR: slices.Repeat([]string{"a"}, 16)}},
	} {
		if got := test.in.Bounded(); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%+v becomes %+v", test.in, got)
		}
		u, err := User{ID: "alice", Auth: test.in}.Bounded()
		if err != nil || !reflect.DeepEqual(u.Auth, test.want) {
			t.Errorf("of a user: %+v, %v", u, err)
		}
	}
}

// TestOnlyTheLoginOfTheConfirmIsStored scans and confirms with different tokens.
func TestOnlyTheLoginOfTheConfirmIsStored(t *testing.T) {
	step := func(s Session, a Action, auth Auth) Session {
		t.Helper()
		s, err := Step(s, Change{Action: a, User: User{ID: "alice", Auth: auth}, TTL: time.Minute}, t0)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	new := Session{Version: 1, ExpiresAt: t0.Add(time.Minute)}
	scanned := step(new, Scan, Auth{Time: 1, ACR: "low"})
	if !scanned.User.Auth.IsZero() {
		t.Errorf("the scan stored %+v", scanned.User.Auth)
	}
	want := Auth{Time: 2, ACR: "high", AMR: []string{"otp"}}
	confirmed := step(scanned, Confirm, want)
	if again := step(confirmed, Confirm, Auth{Time: 3}); !reflect.DeepEqual(again.User.Auth, want) || again.Version != confirmed.Version {
		t.Errorf("confirmed with %+v, %+v is stored", want, again.User.Auth)
	}
	if canceled := step(scanned, Cancel, want); !canceled.User.Auth.IsZero() {
		t.Errorf("the cancel stored %+v", canceled.User.Auth)
	}
	if without := step(scanned, Confirm, Auth{}); !without.User.Auth.IsZero() {
		t.Errorf("without claims, %+v is stored", without.User.Auth)
	}
}

func TestAFirstScanIsNotRepeated(t *testing.T) {
	scan := func(s Session, user User) (Outcome, error) {
		tr := Change{Action: Scan, User: user, TTL: time.Minute, First: true}.Transition()
		after, outcome := tr.On(s, t0)
		if outcome == Refused {
			return outcome, tr.Refusal(after)
		}
		return outcome, nil
	}
	if outcome, err := scan(at(Waiting), alice); outcome != Applied {
		t.Errorf("the first: %v, %v", outcome, err)
	}
	if outcome, err := scan(at(Scanned), alice); outcome != Refused || err != ErrUsed {
		t.Errorf("the second: %v, %v", outcome, err)
	}
	if outcome, err := scan(at(Scanned), bob); outcome != Refused || err != ErrOtherUser {
		t.Errorf("the second, of another user: %v, %v", outcome, err)
	}
}
