package memstore

import (
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// Forget removes a code without an announcement.
func (st *Store) Forget(id session.ID) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if s, ok := st.codes[id]; ok {
		st.remove(s)
	}
}

// TTL returns the time until a code is evicted.
func (st *Store) TTL(id session.ID) time.Duration {
	st.mu.Lock()
	defer st.mu.Unlock()
	s, ok := st.codes[id]
	if !ok {
		return 0
	}
	return time.Until(s.ExpiresAt.Add(session.Retention))
}

// Len returns the number of stored codes.
func (st *Store) Len() int {
	st.mu.Lock()
	defer st.mu.Unlock()
	return len(st.codes)
}
