package sessiontest

import (
	"errors"
	"reflect"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// transitions are the tests of Store.Create and Store.Apply.
func transitions() []test {
	return []test{
		{"CreateRecognizesARetry", (*suite).createRecognizesARetry},
		{"EveryFieldIsStored", (*suite).everyFieldIsStored},
		{"EveryActionInEveryStatus", (*suite).everyActionInEveryStatus},
		{"RandomWalks", (*suite).randomWalks},
		{"ARetryRecognizesItsOwnWrite", (*suite).retryRecognizesItsOwnWrite},
		{"ARetryIsAnnouncedOnce", (*suite).retryIsAnnouncedOnce},
		{"AStepThatBuildsOnALostOneIsRefused", (*suite).lostOperationIsDetected},
		{"EachPartOfACredentialIsNeeded", (*suite).eachPartOfACredentialIsNeeded},
		{"AStepWithoutALoadHasAllThatItDependsOn", (*suite).stepWithoutALoad},
		{"AGuardComparesOnlyItsOwnValues", (*suite).guardComparesOnlyItsOwnValues},
		{"AnnouncementsAreSnapshots", (*suite).announcementsAreSnapshots},
	}
}

func (s *suite) createRecognizesARetry() {
	code := New(s.A.Store, time.Minute)
	code.Op = session.NewOpID()
	first, err := s.A.Store.Create(s.ctx, code)
	if err != nil {
		s.Fatal(err)
	}
	retry, err := s.B.Store.Create(s.ctx, code)
	if err != nil {
		s.Fatalf("retry: %v", err)
	}
	s.same(retry, first)
	s.same(s.load(s.B.Store, code.ID), first)
	code.Op = session.NewOpID()
	if _, err := s.B.Store.Create(s.ctx, code); !errors.Is(err, session.ErrStale) {
		s.Errorf("by another operation: %v", err)
	}
	s.apply(s.A.Store, first, session.Scan, Alice)
	code.Op = first.Op
	if _, err := s.B.Store.Create(s.ctx, code); !errors.Is(err, session.ErrStale) {
		s.Errorf("after a step: %v", err)
	}
}

// everyFieldIsStored leads a code in which no field is zero to confirmed. A new field of
// session.Session fails it until New or the steps set it, and the backends store it.
func (s *suite) everyFieldIsStored() {
	code := New(s.A.Store, time.Minute)
	code.Authorization = Authorization
	code.CustomData, code.Trace = `{"a":"<&>\u2028"}`, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	made, err := s.A.Store.Create(s.ctx, code)
	if err != nil {
		s.Fatal(err)
	}
	m := &model{suite: s, stored: made}
	scan := ChangeOf(made, session.Scan, Alice)
	scan.ScanQueued = true
	m.apply(s.A.Store, scan.Transition())
	m.apply(s.A.Store, ChangeOf(m.stored, session.Mismatch, Alice).Transition())
	m.apply(s.A.Store, ChangeOf(m.stored, session.Confirm, Alice).Transition())
	got := s.load(s.B.Store, made.ID)
	s.same(got, m.stored)
	if got.User.Auth.ACR != "acr of the confirm" {
		s.Errorf("the user's login is %+v, want that of the confirm", got.User.Auth)
	}
	for value, i := reflect.ValueOf(got), 0; i < value.NumField(); i++ {
		if value.Field(i).IsZero() {
			s.Errorf("%s is zero", value.Type().Field(i).Name)
		}
	}
}

// at creates a code and leads it to a status. If ended is true, its time has run out in it.
func (s *suite) at(status session.Status, ended bool) *model {
	made, err := s.A.Store.Create(s.ctx, New(s.A.Store, time.Minute))
	if err != nil {
		s.Fatal(err)
	}
	m := &model{suite: s, stored: made}
	path := map[session.Status][]session.Action{
		session.Scanned:   {session.Scan},
		session.Confirmed: {session.Scan, session.Confirm},
		session.Redeemed:  {session.Scan, session.Confirm, session.Redeem},
		session.Canceled:  {session.Scan, session.Cancel},
		session.Expired:   {session.Withdraw},
	}[status]
	for i, action := range path {
		c := ChangeOf(m.stored, action, Alice)
		if ended && i == len(path)-1 {
			c.TTL = 0
		}
		m.apply(s.A.Store, c.Transition())
	}
	if m.stored.Status != status {
		s.Fatalf("%s instead of %s", m.stored.Status.Event(), status.Event())
	}
	return m
}

var (
	statuses = []session.Status{session.Waiting, session.Scanned, session.Confirmed, session.Redeemed, session.Canceled, session.Expired}
	actions  = []session.Action{session.Scan, session.Confirm, session.Cancel, session.Mismatch, session.Redeem, session.Withdraw}
)

// everyActionInEveryStatus compares the store with the interpreter in each cell of the protocol
// table, by the user who scanned and by another one. TestEveryActionInEveryStatus of session
// says what each cell must be.
func (s *suite) everyActionInEveryStatus() {
	for _, status := range statuses {
		for _, action := range actions {
			for _, user := range []session.User{Alice, Bob} {
				m := s.at(status, false)
				m.apply(s.B.Store, ChangeOf(m.stored, action, user).Transition())
				m.load(s.A.Store)
			}
		}
	}
	// A confirmed code whose time has run out.
	for _, action := range actions {
		m := s.at(session.Confirmed, true)
		got, outcome := m.apply(s.B.Store, ChangeOf(m.stored, action, Alice).Transition())
		if want := action == session.Withdraw; got.Status != session.Expired || (outcome == session.Unchanged) != want {
			s.Errorf("%s after the end: %v, %s", action, outcome, got.Status.Event())
		}
	}
}

func (s *suite) retryRecognizesItsOwnWrite() {
	m := s.at(session.Waiting, false)
	for _, action := range []session.Action{session.Scan, session.Mismatch, session.Confirm, session.Redeem} {
		t := ChangeOf(m.stored, action, Alice).Transition()
		if _, outcome := m.apply(s.A.Store, t); outcome != session.Applied {
			s.Fatalf("%s: %v", action, outcome)
		}
		for _, node := range []Node{s.A, s.B} {
			if got, outcome := m.apply(node.Store, t); outcome != session.AppliedBefore || got.Op != t.Op {
				s.Errorf("%s again: %v", action, outcome)
			}
		}
	}
	if _, outcome := m.apply(s.A.Store, ChangeOf(m.stored, session.Redeem, Alice).Transition()); outcome != session.Refused {
		s.Errorf("another exchange: %v", outcome)
	}
	m.load(s.B.Store)
}

func (s *suite) retryIsAnnouncedOnce() {
	m := s.at(session.Waiting, false)
	watcher := s.listen(s.B)
	watcher.subscribe(m.stored.ID)
	watcher.await(m.stored.ID, 1)
	scan := ChangeOf(m.stored, session.Scan, Alice).Transition()
	for range 3 {
		m.apply(s.A.Store, scan)
	}
	m.apply(s.A.Store, ChangeOf(m.stored, session.Confirm, Alice).Transition())
	watcher.await(m.stored.ID, 3) // follows all announcements of the scan
	if n := watcher.count(m.stored.ID, 2); n > 1 {
		s.Errorf("one step was announced %d times", n)
	}
}

// lostOperationIsDetected loses a scan in a failover. The user scans again, so the version and
// the user are those that the confirm was decided on; only the operation differs.
func (s *suite) lostOperationIsDetected() {
	if s.Save == nil {
		return
	}
	m := s.at(session.Waiting, false)
	before, restore := m.stored, s.Save(m.stored.ID)
	m.apply(s.A.Store, ChangeOf(m.stored, session.Scan, Alice).Transition())
	lost := m.stored
	restore()
	m.stored = before
	m.apply(s.B.Store, ChangeOf(m.stored, session.Scan, Alice).Transition())
	if m.stored.Version != lost.Version || m.stored.Status != lost.Status || m.stored.User.ID != lost.User.ID {
		s.Fatalf("%+v instead of %+v", m.stored, lost)
	}
	confirm := ChangeOf(lost, session.Confirm, Alice).Transition()
	got, outcome := m.apply(s.A.Store, confirm)
	if err := confirm.Refusal(got); outcome != session.Refused || !errors.Is(err, session.ErrStale) {
		s.Errorf("a confirm that builds on a lost scan: %v, %v", outcome, err)
	}
	if _, outcome := m.apply(s.A.Store, ChangeOf(got, session.Confirm, Alice).Transition()); outcome != session.Applied {
		s.Errorf("decided again on the session that came back: %v", outcome)
	}
}

func (s *suite) eachPartOfACredentialIsNeeded() {
	m := s.at(session.Confirmed, false)
	for name, test := range map[string]struct {
		spoil func(*session.Change)
		want  error
	}{
		"pool":               {func(c *session.Change) { c.Pool = "other" }, session.ErrCredential},
		"no pool":            {func(c *session.Change) { c.Pool = "" }, session.ErrCredential},
		"grant":              {func(c *session.Change) { c.Credential.Grant = session.GrantAuthorizationCode }, session.ErrCredential},
		"secret":             {func(c *session.Change) { c.Credential.SecretIDs = []string{"retired"} }, session.ErrCredential},
		"no secret":          {func(c *session.Change) { c.Credential.SecretIDs = nil }, session.ErrCredential},
		"hash":               {func(c *session.Change) { c.Credential.Hash = session.HashSecret("x") }, session.ErrCredential},
		"no hash":            {func(c *session.Change) { c.Credential.Hash = nil }, session.ErrCredential},
		"verifier":           {func(c *session.Change) { c.Credential.Challenge = "x" }, session.ErrVerifier},
		"no verifier":        {func(c *session.Change) { c.Credential.Challenge = "" }, session.ErrVerifier},
		"ticket, then other": {func(c *session.Change) { c.Pool, c.Credential.Challenge = "other", "x" }, session.ErrCredential},
	} {
		c := ChangeOf(m.stored, session.Redeem, Alice)
		test.spoil(&c)
		t := c.Transition()
		got, outcome := m.apply(s.A.Store, t)
		if err := t.Refusal(got); outcome != session.Refused || !errors.Is(err, test.want) {
			s.Errorf("%s: %v, %v", name, outcome, err)
		}
	}
	if _, outcome := m.apply(s.B.Store, ChangeOf(m.stored, session.Redeem, Alice).Transition()); outcome != session.Applied {
		s.Errorf("the right credential after that: %v", outcome)
	}
}

// stepWithoutALoad confirms a code that was not loaded: in the right pool only, and not if the
// code needs a number.
func (s *suite) stepWithoutALoad() {
	m := s.at(session.Scanned, false) // needs a number
	confirm := session.Change{Action: session.Confirm, User: Alice, TTL: time.Minute, Pool: m.stored.Pool}
	refused := func(c session.Change, want error) {
		s.Helper()
		t := c.Transition()
		got, outcome := m.apply(s.A.Store, t)
		if err := t.Refusal(got); outcome != session.Refused || !errors.Is(err, want) {
			s.Errorf("%v, %v, want %v", outcome, err, want)
		}
	}
	refused(confirm, session.ErrMatchRequired)

	code := New(s.A.Store, time.Minute)
	code.Match = session.MatchNone
	made, err := s.A.Store.Create(s.ctx, code)
	if err != nil {
		s.Fatal(err)
	}
	m = &model{suite: s, stored: made}
	scan := session.Change{Action: session.Scan, User: Alice, TTL: time.Minute, Pool: "other"}
	refused(scan, session.ErrOtherPool)
	scan.Pool = made.Pool
	m.apply(s.A.Store, scan.Transition())
	confirm.Pool = "other"
	refused(confirm, session.ErrOtherPool)
	confirm.Pool = made.Pool
	if _, outcome := m.apply(s.B.Store, confirm.Transition()); outcome != session.Applied {
		s.Errorf("confirm: %v", outcome)
	}
	confirm.Pool = "other"
	refused(confirm, session.ErrOtherPool) // which is no repetition
}

// announcementsAreSnapshots compares what each step announces with the snapshot of the session
// that it returns.
func (s *suite) announcementsAreSnapshots() {
	watcher := s.listen(s.B)
	for _, last := range []session.Action{session.Redeem, session.Cancel, session.Withdraw} {
		made := s.create(time.Minute)
		watcher.subscribe(made.ID)
		compare := func(code session.Session) {
			s.Helper()
			if got, want := watcher.await(code.ID, code.Version).Snapshot, code.Snapshot(); got != want {
				s.Errorf("announced %+v\nwant      %+v", got, want)
			}
		}
		compare(made)
		steps := []session.Action{session.Scan, session.Mismatch, session.Confirm, session.Redeem}
		if last != session.Redeem {
			steps = []session.Action{session.Scan, session.Mismatch, last}
		}
		code := made
		for _, action := range steps {
			code = s.apply(s.A.Store, code, action, Alice)
			compare(code)
		}
	}
}
