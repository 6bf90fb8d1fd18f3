package session

import (
	"errors"
	"testing"
	"time"
)

// redeemable returns a confirmed code and the change that redeems it.
func redeemable() (Session, Change) {
	s := at(Confirmed)
	s.Pool, s.SecretID, s.Challenge = "pool", "b", "challenge"
	s.Grant, s.GrantHash = GrantTicket, HashSecret("ticket")
	return s, Change{Action: Redeem, Pool: "pool", Credential: Credential{
		Grant: GrantTicket, SecretIDs: []string{"a", "b"}, Hash: HashSecret("ticket"), Challenge: "challenge",
	}}
}

func TestRedeemNamesTheFirstReason(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Session, *Change)
		want   error
	}{
		"right":                           {func(*Session, *Change) {}, nil},
		"another pool":                    {func(_ *Session, c *Change) { c.Pool = "other" }, ErrCredential},
		"no pool":                         {func(_ *Session, c *Change) { c.Pool = "" }, ErrCredential},
		"retired secret":                  {func(_ *Session, c *Change) { c.Credential.SecretIDs = []string{"a"} }, ErrCredential},
		"another ticket":                  {func(_ *Session, c *Change) { c.Credential.Hash = HashSecret("x") }, ErrCredential},
		"another grant":                   {func(_ *Session, c *Change) { c.Credential.Grant = GrantDeviceCode }, ErrCredential},
		"no hash shown":                   {func(_ *Session, c *Change) { c.Credential.Hash = nil }, ErrCredential},
		"no hash stored":                  {func(s *Session, _ *Change) { s.GrantHash = nil }, ErrCredential},
		"no hash at all":                  {func(s *Session, c *Change) { s.GrantHash, c.Credential.Hash = nil, nil }, ErrCredential},
		"no verifier":                     {func(_ *Session, c *Change) { c.Credential.Challenge = "" }, ErrVerifier},
		"verifier without a challenge":    {func(s *Session, _ *Change) { s.Challenge = "" }, ErrVerifier},
		"neither":                         {func(s *Session, c *Change) { s.Challenge, c.Credential.Challenge = "", "" }, nil},
		"not confirmed":                   {func(s *Session, _ *Change) { s.Status = Scanned }, ErrNotConfirmed},
		"spent":                           {func(s *Session, _ *Change) { s.Status = Redeemed }, ErrUsed},
		"spent, without the verifier":     {func(s *Session, c *Change) { s.Status, c.Credential.Challenge = Redeemed, "" }, ErrUsed},
		"spent, with another ticket":      {func(s *Session, c *Change) { s.Status, c.Credential.Hash = Redeemed, HashSecret("x") }, ErrCredential},
		"expired":                         {func(s *Session, _ *Change) { s.ExpiresAt = t0 }, ErrOver},
		"another ticket and its verifier": {func(_ *Session, c *Change) { c.Credential.Hash, c.Credential.Challenge = HashSecret("x"), "x" }, ErrCredential},
	} {
		s, c := redeemable()
		test.change(&s, &c)
		tr := c.Transition()
		got, outcome := tr.On(s, t0)
		if test.want == nil {
			if outcome != Applied || got.Status != Redeemed || !got.ExpiresAt.Equal(t0) {
				t.Errorf("%s: %v, %+v", name, outcome, got)
			}
			continue
		}
		if err := tr.Refusal(got); outcome != Refused || !errors.Is(err, test.want) || got.Status == Redeemed && s.Status != Redeemed {
			t.Errorf("%s: %v, %v, want %v", name, outcome, err, test.want)
		}
	}
}

func TestAStepIsBoundToTheOperationItWasDecidedOn(t *testing.T) {
	for _, c := range []Change{
		{Action: Scan, User: alice}, {Action: Confirm, User: alice}, {Action: Cancel, User: alice}, {Action: Mismatch, User: alice}, {Action: Withdraw},
	} {
		s := at(Scanned)
		if c.Action == Scan {
			s = at(Waiting)
		}
		c.Loaded = "lost"
		tr := c.Transition()
		if got, outcome := tr.On(s, t0); outcome != Refused || !errors.Is(tr.Refusal(got), ErrStale) || got.Version != s.Version {
			t.Errorf("%s on a lost operation: %v, %v", c.Action, outcome, tr.Refusal(got))
		}
		c.Loaded = s.Op
		if got, outcome := c.Transition().On(s, t0); outcome != Applied || got.Version != s.Version+1 {
			t.Errorf("%s on the loaded operation: %v", c.Action, outcome)
		}
	}
	// A repetition changes nothing, so it need not be decided again.
	repeated := Change{Action: Confirm, User: alice, Loaded: "lost"}.Transition()
	if _, outcome := repeated.On(at(Confirmed), t0); outcome != Unchanged {
		t.Errorf("a repetition: %v", outcome)
	}
}

func TestAConfirmThatWasNotDecidedOnASessionNeedsACodeWithoutNumber(t *testing.T) {
	s := at(Scanned)
	s.Match = MatchDigits
	c := Change{Action: Confirm, User: alice, TTL: time.Minute}
	tr := c.Transition()
	if got, outcome := tr.On(s, t0); outcome != Refused || !errors.Is(tr.Refusal(got), ErrMatchRequired) {
		t.Errorf("%v, %v", outcome, tr.Refusal(got))
	}
	c.User = bob
	tr = c.Transition()
	if got, _ := tr.On(s, t0); !errors.Is(tr.Refusal(got), ErrOtherUser) {
		t.Errorf("another user learns %v", tr.Refusal(got))
	}
	s.Match, c.User = MatchNone, alice
	if _, outcome := c.Transition().On(s, t0); outcome != Applied {
		t.Errorf("without a number: %v", outcome)
	}
}

func TestAChangeIsForItsPoolOnly(t *testing.T) {
	for _, status := range []Status{Waiting, Scanned, Confirmed, Redeemed, Canceled, Expired} {
		for _, action := range []Action{Scan, Confirm, Cancel, Mismatch, Withdraw} {
			s := at(status)
			s.Pool = "pool"
			tr := Change{Action: action, User: alice, Pool: "other"}.Transition()
			if got, outcome := tr.On(s, t0); outcome != Refused || !errors.Is(tr.Refusal(got), ErrOtherPool) {
				t.Errorf("%s at %s: %v, %v", action, status.Event(), outcome, tr.Refusal(got))
			}
		}
	}
}

func TestARetryIsRecognizedWhateverHappenedToTheTime(t *testing.T) {
	scan := Change{Action: Scan, User: alice, TTL: time.Minute}.Transition()
	first, outcome := scan.On(at(Waiting), t0)
	if outcome != Applied || first.Op != scan.Op || !outcome.Stored() {
		t.Fatalf("%v, %+v", outcome, first)
	}
	for _, now := range []time.Time{t0, t0.Add(time.Hour)} {
		again, outcome := scan.On(first, now)
		if outcome != AppliedBefore || !outcome.Stored() || again.Version != first.Version || again.Status != Scanned {
			t.Errorf("%v, %+v", outcome, again)
		}
	}
}

func TestTransitionsWriteWholeMilliseconds(t *testing.T) {
	now := t0.Add(1_999_999 * time.Nanosecond)
	want := t0.Add(time.Millisecond)
	got, _ := Change{Action: Scan, User: alice, TTL: time.Hour + 999*time.Microsecond}.Transition().On(at(Waiting), now)
	if !got.ScannedAt.Equal(want) || !got.ExpiresAt.Equal(want.Add(time.Hour)) {
		t.Errorf("scanned at %v, ends at %v", got.ScannedAt, got.ExpiresAt)
	}
	s := Session{CreatedAt: now, ExpiresAt: now, Version: 7, Status: Confirmed, Op: "x"}.AsNew("op")
	if !s.CreatedAt.Equal(want) || !s.ExpiresAt.Equal(want.Add(time.Millisecond)) || s.Version != 1 || s.Status != Waiting || s.Op != "op" {
		t.Errorf("new: %+v", s)
	}
	if again := s.AsNew("op"); !again.ExpiresAt.Equal(s.ExpiresAt) {
		t.Errorf("whole milliseconds become %v", again.ExpiresAt)
	}
}

// TestStepIgnoresWhatOnlyTransitionsGuard is for callers that ask Advances about a change which
// they then compile.
func TestStepIgnoresWhatOnlyTransitionsGuard(t *testing.T) {
	s := at(Scanned)
	s.Match = MatchDigits
	confirm := Change{Action: Confirm, User: alice, Pool: "other", Loaded: "lost"}
	if !Advances(s, confirm) {
		t.Error("a confirm of a scanned code does not advance it")
	}
	scanned, err := Step(at(Waiting), Change{Action: Scan, User: alice, ScanQueued: true}, t0)
	if err != nil || scanned.ScanQueued {
		t.Errorf("%v, queued %v", err, scanned.ScanQueued)
	}
	if _, err := Step(at(Confirmed), Change{Action: Redeem}, t0); err != nil {
		t.Errorf("redeem: %v", err)
	}
}

func TestOnlyAnExchangeIsDurable(t *testing.T) {
	for _, action := range []Action{Scan, Confirm, Cancel, Mismatch, Redeem, Withdraw} {
		first, second := Change{Action: action}.Transition(), Change{Action: action}.Transition()
		if first.Durable != (action == Redeem) {
			t.Errorf("%s: durable %v", action, first.Durable)
		}
		if first.Op == "" || first.Op == second.Op || first.Change.Op != first.Op {
			t.Errorf("%s: operations %q and %q", action, first.Op, second.Op)
		}
	}
	if tr := (Change{Action: Scan, Op: "mine"}).Transition(); tr.Op != "mine" {
		t.Errorf("operation %q", tr.Op)
	}
}

func TestOutcomesHaveNames(t *testing.T) {
	for o, want := range map[Outcome]string{Refused: "refused", Applied: "applied", AppliedBefore: "applied before", Unchanged: "unchanged"} {
		if o.String() != want {
			t.Errorf("%d is %q", o, o)
		}
	}
}
