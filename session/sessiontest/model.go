package sessiontest

import (
	"fmt"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// model is what the interpreter, [session.Transition.On], says about one code.
type model struct {
	*suite
	stored session.Session
}

// apply has a store and the interpreter execute t, and fails the test unless both agree on the
// session and the outcome at one instant of the call. Storage and test share a clock.
func (m *model) apply(st session.Store, t session.Transition) (session.Session, session.Outcome) {
	m.Helper()
	began := time.Now()
	got, outcome, err := st.Apply(m.ctx, m.stored.ID, t)
	ended := time.Now()
	if err != nil {
		m.Fatalf("%s: %v", t.Change.Action, err)
	}
	want := ""
	for now := began.Truncate(time.Millisecond); !now.After(ended); now = now.Add(time.Millisecond) {
		s, o := t.On(m.stored, now)
		if o == outcome && text(s) == text(got) {
			if o == session.Applied {
				m.stored = s
			}
			return got, outcome
		}
		want = fmt.Sprintf("%v, %s", o, text(s))
	}
	m.Fatalf("%s of %s\nreturns      %v, %s\ninterpreter: %s", t.Change.Action, text(m.stored), outcome, text(got), want)
	return got, outcome
}

// load checks that the storage has what the interpreter says.
func (m *model) load(st session.Store) {
	m.Helper()
	began := time.Now()
	got := m.suite.load(st, m.stored.ID)
	ended := time.Now()
	for now := began.Truncate(time.Millisecond); !now.After(ended); now = now.Add(time.Millisecond) {
		if text(m.stored.At(now)) == text(got) {
			return
		}
	}
	m.Fatalf("loaded       %s\ninterpreter: %s", text(got), text(m.stored))
}
