package authorization_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/scanlogin/scanlogin/internal/authorization"
	"github.com/scanlogin/scanlogin/internal/kv"
)

// model is what a family of refresh tokens does, without storage or cryptography.
type model struct {
	valid   int       // index of the valid token
	spentAt time.Time // when the one before it was spent
	revoked bool
}

// use returns what happens to the token with an index: its successor's index, or an error.
func (m *model) use(i int, now time.Time) (next int, err error) {
	switch {
	case m.revoked:
		return 0, authorization.ErrInvalid
	case i == m.valid:
		m.valid, m.spentAt = i+1, now
		return m.valid, nil
	case i == m.valid-1 && now.Sub(m.spentAt) <= authorization.RepeatWindow:
		return m.valid, nil
	}
	m.revoked = true
	return 0, authorization.ErrReused
}

// clocked is a store whose clock the test sets.
type clocked struct {
	kv.Store
	now *time.Time
}

func (c clocked) Now() time.Time { return *c.now }

// TestFamiliesFollowTheModel uses tokens of a family in random order, at random times.
func TestFamiliesFollowTheModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		now := time.Now().Truncate(time.Millisecond)
		s := authorization.New(clocked{kv.NewMemory(), &now})
		tokens, m := []string{begin(t, s, sid).Refresh}, new(model)
		for range rapid.IntRange(1, 30).Draw(r, "steps") {
			now = now.Add(time.Duration(rapid.SampledFrom([]int{0, 0, 1, 9999, 10000, 10001, 60000}).Draw(r, "wait")) * time.Millisecond)
			back := min(rapid.SampledFrom([]int{0, 0, 0, 1, 1, 2, 5}).Draw(r, "back"), len(tokens)-1)
			i := len(tokens) - 1 - back
			next, want := m.use(i, now)
			got, err := s.Refresh(t.Context(), request(tokens[i]))
			if !errors.Is(err, want) || errors.Is(err, authorization.ErrReused) != errors.Is(want, authorization.ErrReused) {
				r.Fatalf("token %d of %d: %v, want %v", i, len(tokens), err, want)
			}
			switch {
			case want != nil:
			case next == len(tokens):
				tokens = append(tokens, got.Refresh)
			case got.Refresh != tokens[next]:
				r.Fatalf("token %d has another successor than before", i)
			}
		}
	})
}
