// Package memstore keeps sessions in the memory of one process: the embedded
// default, and the reference implementation of [session.Store] and
// [session.Bus]. It promises what they promise, for the nodes of one process
// only; nothing outlives it.
package memstore

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// Store is a session.Store in memory. Its clock is the process's own. It holds
// codes up to a bound, beyond which it stores no new ones ([session.ErrFull]);
// those that it has can always go on.
type Store struct {
	max int64 // bytes

	mu    sync.Mutex
	codes map[session.ID]session.Session
	used  int64                  // estimated bytes of codes
	ends  map[int64][]session.ID // by the second (Unix time) at which to look whether a code is forgotten
	first int64                  // the earliest of them; never if there is none
	buses map[*Bus]struct{}
}

// never is later than any second.
const never = math.MaxInt64

// sweepEvery is how often a bus that runs removes the codes that are forgotten, if
// no step does. So they are gone within [session.Retention] and 10 s.
const sweepEvery = 10 * time.Second

// New makes an empty store of DefaultMaxBytes.
func New() *Store { return NewBounded(DefaultMaxBytes) }

// NewBounded makes an empty store of at most maxBytes, which it estimates.
func NewBounded(maxBytes int64) *Store {
	return &Store{
		max:   maxBytes,
		codes: make(map[session.ID]session.Session),
		ends:  make(map[int64][]session.ID),
		first: never,
		buses: make(map[*Bus]struct{}),
	}
}

// Now is the process's clock.
func (st *Store) Now() time.Time { return time.Now() }

// Load implements session.Store.
func (st *Store) Load(ctx context.Context, id session.ID) (session.Session, error) {
	if err := ctx.Err(); err != nil {
		return session.Session{}, err
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	now := st.Now()
	s, ok := st.codes[id]
	if !ok || forgotten(s, now) {
		return session.Session{}, session.ErrNotFound
	}
	return s.At(now), nil
}

// Swap implements session.Store.
func (st *Store) Swap(ctx context.Context, next session.Session, op session.OpID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	now := st.Now()
	stored := st.codes[next.ID]
	if forgotten(stored, now) {
		stored = session.Session{}
	}
	switch {
	case stored.Version == next.Version && stored.Op == op:
		return nil
	case stored.Version != next.Version-1:
		return session.ErrStale
	case stored.Version > 0 && !now.Before(stored.ExpiresAt):
		return session.ErrOver
	}
	next.Op = op
	st.sweep(now)
	if next.Version == 1 && st.used+sizeOf(next) > st.max {
		return session.ErrFull
	}
	st.put(next)
	for b := range st.buses {
		b.announce(next.ID)
	}
	return nil
}

func forgotten(s session.Session, now time.Time) bool { return !now.Before(forgetAt(s)) }

func forgetAt(s session.Session) time.Time { return s.ExpiresAt.Add(session.Retention) }
