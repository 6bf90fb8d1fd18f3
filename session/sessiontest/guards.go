package sessiontest

import (
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// guardComparesOnlyItsOwnValues has a code whose pool is named like the field of the next guard.
func (s *suite) guardComparesOnlyItsOwnValues() {
	code := New(s.A.Store, time.Minute)
	code.Pool = string(session.FieldChallenge)
	made, err := s.A.Store.Create(s.ctx, code)
	if err != nil {
		s.Fatal(err)
	}
	m := &model{suite: s, stored: made}
	_, outcome := m.apply(s.B.Store, session.Transition{Op: session.NewOpID(), Rows: []session.Row{{
		Guards: []session.Guard{
			{Field: session.FieldPool, Values: []string{"one", "another"}},
			{Field: session.FieldChallenge, Values: []string{made.Challenge}},
		},
		Writes: []session.Write{{Field: session.FieldExpiresAt, Effect: session.SetTime}},
	}}})
	if outcome != session.Refused {
		s.Errorf("a pool that is none of the guard's: %v", outcome)
	}
}
