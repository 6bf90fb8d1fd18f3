// Package memstore keeps sessions in the memory of one process: the embedded
// default, and the reference implementation of [session.Store] and
// [session.Bus]. It promises what they promise, for the nodes of one process
// only; nothing outlives it.
package memstore

import (
	"context"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// Store is a session.Store in memory. Its clock is the process's own.
type Store struct {
	mu    sync.Mutex
	codes map[session.ID]session.Session
	sweep int // number of codes at which the forgotten ones are next thrown out
	buses map[*Bus]struct{}
}

// minSweep is the number of codes below which looking for forgotten ones is
// not worth it: about 2 MB of them.
const minSweep = 1024

// New makes an empty store.
func New() *Store {
	return &Store{
		codes: make(map[session.ID]session.Session),
		sweep: minSweep,
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
	st.codes[next.ID] = next
	for b := range st.buses {
		b.announce(next.ID)
	}
	st.throwOut(now)
	return nil
}

// throwOut removes what is forgotten whenever the number of codes has doubled,
// so that a swap pays for it a constant on average. st.mu is held.
func (st *Store) throwOut(now time.Time) {
	if len(st.codes) < st.sweep {
		return
	}
	for id, s := range st.codes {
		if forgotten(s, now) {
			delete(st.codes, id)
		}
	}
	st.sweep = max(minSweep, 2*len(st.codes))
}

func forgotten(s session.Session, now time.Time) bool {
	return !now.Before(s.ExpiresAt.Add(session.Memory))
}
