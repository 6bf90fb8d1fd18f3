// Package memstore keeps sessions in the memory of one process. It is the default, and the
// reference implementation of [session.Store] and [session.Bus]. It gives their
// guarantees to the nodes of one process; sessions are lost with the process.
package memstore

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// Store is a session.Store in memory, by the process's clock. Its size is bounded: when it
// is full it rejects new codes ([session.ErrFull]) and still accepts steps of the codes
// that it has.
type Store struct {
	maxBytes int64

	mu        sync.Mutex
	codes     map[session.ID]session.Session
	usedBytes int64                  // estimate for codes
	evictions map[int64][]session.ID // codes to examine, by Unix time in seconds
	nextEvict int64                  // the first time in evictions; never if it is empty
	buses     map[*Bus]struct{}
}

// never is later than any time.
const never = math.MaxInt64

// evictInterval is the interval at which a running bus evicts codes, if no step does. So a
// code is evicted within [session.Retention] plus 10 s.
const evictInterval = 10 * time.Second

// New creates an empty store of DefaultMaxBytes.
func New() *Store { return NewBounded(DefaultMaxBytes) }

// NewBounded creates an empty store of at most maxBytes, by its own estimate.
func NewBounded(maxBytes int64) *Store {
	return &Store{
		maxBytes:  maxBytes,
		codes:     make(map[session.ID]session.Session),
		evictions: make(map[int64][]session.ID),
		nextEvict: never,
		buses:     make(map[*Bus]struct{}),
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
	s, exists := st.stored(id, now)
	if !exists {
		return session.Session{}, session.ErrNotFound
	}
	return s.At(now), nil
}

// Create implements session.Store.
func (st *Store) Create(ctx context.Context, s session.Session) (session.Session, error) {
	if err := ctx.Err(); err != nil {
		return session.Session{}, err
	}
	if s.Op == "" {
		s.Op = session.NewOpID()
	}
	s = s.AsNew(s.Op)
	st.mu.Lock()
	defer st.mu.Unlock()
	now := st.Now()
	switch stored, exists := st.stored(s.ID, now); {
	case exists && stored.Version == s.Version && stored.Op == s.Op:
		return stored, nil
	case exists:
		return session.Session{}, fmt.Errorf("create code: %w", session.ErrStale)
	}
	st.evict(now)
	if st.usedBytes+sizeOf(s) > st.maxBytes {
		return session.Session{}, fmt.Errorf("create code: %w", session.ErrFull)
	}
	st.write(s)
	return s, nil
}

// Apply implements session.Store.
func (st *Store) Apply(ctx context.Context, id session.ID, t session.Transition) (session.Session, session.Outcome, error) {
	if err := ctx.Err(); err != nil {
		return session.Session{}, session.Refused, err
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	now := st.Now()
	s, exists := st.stored(id, now)
	if !exists {
		return session.Session{}, session.Refused, session.ErrNotFound
	}
	s, outcome := t.On(s, now)
	if outcome == session.Applied {
		st.evict(now)
		st.write(s)
	}
	return s, outcome, nil
}

// stored returns the code that is retained at now; st.mu is held.
func (st *Store) stored(id session.ID, now time.Time) (s session.Session, exists bool) {
	s, exists = st.codes[id]
	return s, exists && !isExpired(s, now)
}

// write stores and announces s; st.mu is held.
func (st *Store) write(s session.Session) {
	st.put(s)
	for b := range st.buses {
		b.announce(s.ID)
	}
}

// isExpired reports whether the retention of s is over.
func isExpired(s session.Session, now time.Time) bool { return !now.Before(expiryOf(s)) }

func expiryOf(s session.Session) time.Time { return s.ExpiresAt.Add(session.Retention) }
