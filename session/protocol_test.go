package session

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var (
	t0    = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	alice = User{ID: "alice", Nickname: "Alice"}
	bob   = User{ID: "bob"}
)

// at returns a code with a status; if that is not Waiting, alice scanned it.
func at(status Status) Session {
	s := Session{ID: "code", Version: 5, Op: "op", Status: status, CreatedAt: t0, ExpiresAt: t0.Add(time.Minute)}
	if status != Waiting {
		s.User = alice
	}
	return s
}

func TestEveryActionInEveryStatus(t *testing.T) {
	type cell struct {
		to  Status
		err error
	}
	refused := func(err error) cell { return cell{err: err} }
	statuses := []Status{Waiting, Scanned, Confirmed, Redeemed, Canceled, Expired}
	table := map[Action][6]cell{
		//         Waiting                   Scanned                   Confirmed           Redeemed            Canceled            Expired
		Scan:     {{to: Scanned}, {to: Scanned}, refused(ErrUsed), refused(ErrUsed), refused(ErrUsed), refused(ErrOver)},
		Confirm:  {refused(ErrNotScanned), {to: Confirmed}, {to: Confirmed}, {to: Redeemed}, refused(ErrUsed), refused(ErrOver)},
		Cancel:   {refused(ErrNotScanned), {to: Canceled}, refused(ErrUsed), refused(ErrUsed), {to: Canceled}, refused(ErrOver)},
		Mismatch: {refused(ErrNotScanned), {to: Scanned}, refused(ErrUsed), refused(ErrUsed), refused(ErrUsed), refused(ErrOver)},
		Redeem:   {refused(ErrNotConfirmed), refused(ErrNotConfirmed), {to: Redeemed}, refused(ErrUsed), refused(ErrUsed), refused(ErrOver)},
		Withdraw: {{to: Expired}, {to: Expired}, refused(ErrUsed), refused(ErrUsed), refused(ErrUsed), {to: Expired}},
	}
	for action, row := range table {
		for i, want := range row {
			from := at(statuses[i])
			got, err := Step(from, Change{Action: action, User: alice, TTL: time.Minute}, t0)
			if !errors.Is(err, want.err) {
				t.Errorf("%s in status %v: error %v, want %v", action, from.Status, err, want.err)
				continue
			}
			switch {
			case want.err != nil, want.to == from.Status && action != Mismatch:
				if got.Version != from.Version || got.Status != from.Status || got.Op != from.Op {
					t.Errorf("%s in status %v changed the code to %+v", action, from.Status, got)
				}
			case got.Status != want.to || got.Version != from.Version+1:
				t.Errorf("%s in status %v: %v, version %d", action, from.Status, got.Status, got.Version)
			}
		}
	}
}

func TestOnlyTheUserWhoScannedCanDecide(t *testing.T) {
	for _, test := range []struct {
		action Action
		from   Status
		want   error
	}{
		{Scan, Scanned, ErrOtherUser},
		{Confirm, Scanned, ErrOtherUser},
		{Cancel, Scanned, ErrOtherUser},
		{Mismatch, Scanned, ErrOtherUser},
		{Confirm, Confirmed, ErrUsed},
		{Confirm, Redeemed, ErrUsed},
		{Cancel, Canceled, ErrUsed},
		{Scan, Confirmed, ErrUsed},
		{Scan, Expired, ErrOver},
	} {
		got, err := Step(at(test.from), Change{Action: test.action, User: bob, TTL: time.Hour}, t0)
		if !errors.Is(err, test.want) || got.User.ID != alice.ID {
			t.Errorf("%s by another user in status %v: %v, want %v; user %q", test.action, test.from, err, test.want, got.User.ID)
		}
	}
}

func TestTheThirdWrongNumberEndsTheCode(t *testing.T) {
	s, wrong := at(Scanned), Change{Action: Mismatch, User: User{ID: alice.ID, Nickname: "Other"}, TTL: time.Hour}
	for n, want := range []Status{Scanned, Scanned, Canceled} {
		before := s
		var err error
		if s, err = Step(s, wrong, t0); err != nil {
			t.Fatal(err)
		}
		if s.Status != want || s.Mismatches != n+1 || s.Version != before.Version+1 || s.User.Nickname != alice.Nickname {
			t.Fatalf("after wrong number %d: %+v", n+1, s)
		}
		if want == Scanned && !s.ExpiresAt.Equal(before.ExpiresAt) {
			t.Error("a wrong number changed the end time")
		}
	}
	if !s.ExpiresAt.Equal(t0) {
		t.Error("the code did not end with the last wrong number")
	}
	for _, a := range []Action{Confirm, Mismatch, Scan, Withdraw} {
		if _, err := Step(s, Change{Action: a, User: alice, TTL: time.Hour}, t0); !errors.Is(err, ErrUsed) {
			t.Errorf("%s after that: %v", a, err)
		}
	}
}

func TestCodesExpireUnlessTheyHaveEnded(t *testing.T) {
	end := t0.Add(time.Minute)
	for _, test := range []struct{ from, want Status }{
		{Waiting, Expired}, {Scanned, Expired}, {Confirmed, Expired},
		{Redeemed, Redeemed}, {Canceled, Canceled}, {Expired, Expired},
	} {
		if got := at(test.from).At(end.Add(-1)); got.Status != test.from || got.Version != 5 {
			t.Errorf("%v just before the end: %+v", test.from, got)
		}
		got := at(test.from).At(end)
		wantVersion := int64(5)
		if test.want != test.from {
			wantVersion = 6
		}
		if got.Status != test.want || got.Version != wantVersion {
			t.Errorf("%v at the end: %v, version %d", test.from, got.Status, got.Version)
		}
		if again := got.At(end.Add(time.Hour)); again.Version != got.Version {
			t.Errorf("%v expired twice", test.from)
		}
	}
}

func TestStepsChangeTheEndTime(t *testing.T) {
	step := func(s Session, c Change, now time.Time) Session {
		t.Helper()
		s, err := Step(s, c, now)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	late := t0.Add(50 * time.Second)
	scan := Change{Action: Scan, User: alice, TTL: 20 * time.Second}
	if s := step(at(Waiting), scan, t0); !s.ExpiresAt.Equal(t0.Add(time.Minute)) {
		t.Error("an early scan shortened the code's life")
	}
	s := step(at(Waiting), scan, late)
	if !s.ExpiresAt.Equal(late.Add(20 * time.Second)) {
		t.Error("a late scan left less than its TTL for the decision")
	}
	s = step(s, Change{Action: Confirm, User: alice, TTL: time.Second}, late)
	if !s.ExpiresAt.Equal(late.Add(time.Second)) || !s.ConfirmedAt.Equal(late) {
		t.Errorf("confirmed at %v until %v", s.ConfirmedAt, s.ExpiresAt)
	}
	s = step(s, Change{Action: Redeem}, late)
	if !s.ExpiresAt.Equal(late) {
		t.Error("a redeemed code did not end then")
	}
}

// TestRandomWalks applies random actions at random times and checks the invariants of the
// protocol.
func TestRandomWalks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Session{Version: 1, ExpiresAt: t0.Add(time.Minute)}
		now, redeemed := t0, 0
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			now = now.Add(rapid.SampledFrom([]time.Duration{0, time.Second, 40 * time.Second}).Draw(t, "pause"))
			c := Change{
				Action: rapid.SampledFrom([]Action{Scan, Confirm, Cancel, Mismatch, Redeem, Withdraw}).Draw(t, "action"),
				User:   rapid.SampledFrom([]User{alice, bob}).Draw(t, "user"),
				TTL:    time.Minute,
			}
			before := s.At(now)
			after, err := Step(s, c, now)
			switch {
			case err != nil && (after.Version != before.Version || after.Status != before.Status):
				t.Fatalf("a refused %s changed %+v to %+v", c.Action, before, after)
			case before.Status.Over() && after.Status != before.Status:
				t.Fatalf("%s left a final status: %+v to %+v", c.Action, before, after)
			case after.Version != before.Version && after.Version != before.Version+1:
				t.Fatalf("%s went from version %d to %d", c.Action, before.Version, after.Version)
			case after.Version == before.Version && after.Status != before.Status:
				t.Fatalf("%s changed the status without a version", c.Action)
			case before.User.ID != "" && after.User.ID != before.User.ID:
				t.Fatalf("%s replaced %s by %s", c.Action, before.User.ID, after.User.ID)
			case c.Action == Mismatch && err == nil && (after.Mismatches != before.Mismatches+1 || after.Version != before.Version+1):
				t.Fatalf("a wrong number did not count: %+v to %+v", before, after)
			case c.Action != Mismatch && after.Mismatches != before.Mismatches:
				t.Fatalf("%s changed the count of wrong numbers", c.Action)
			case after.Mismatches >= MaxMismatches && after.Status != Canceled:
				t.Fatalf("%d wrong numbers, and the code is %s", after.Mismatches, after.Status.Event())
			case (after.Status == Confirmed || after.Status == Redeemed) && after.ConfirmedAt.IsZero():
				t.Fatalf("%s confirmed without a time", c.Action)
			}
			if c.Action == Redeem && err == nil {
				redeemed++
			}
			if redeemed > 1 {
				t.Fatal("redeemed twice")
			}
			s = after
		}
	})
}

func TestPublicStatus(t *testing.T) {
	for status, want := range map[Status]struct {
		code  int
		event string
	}{
		Waiting: {0, "waiting"}, Scanned: {1, "scanned"}, Confirmed: {2, "confirmed"},
		Redeemed: {2, "confirmed"}, Canceled: {3, "canceled"}, Expired: {-1, "expired"},
	} {
		if status.Code() != want.code || status.Event() != want.event {
			t.Errorf("%d reads as %d %s", status, status.Code(), status.Event())
		}
	}
}
