package memstore

import (
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// Forget removes a code without a word.
func (st *Store) Forget(id session.ID) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if s, ok := st.codes[id]; ok {
		st.remove(s)
	}
}

// Life is how long a code is still kept.
func (st *Store) Life(id session.ID) time.Duration {
	st.mu.Lock()
	defer st.mu.Unlock()
	s, ok := st.codes[id]
	if !ok {
		return 0
	}
	return time.Until(s.ExpiresAt.Add(session.Retention))
}

// Len is how many codes are kept.
func (st *Store) Len() int {
	st.mu.Lock()
	defer st.mu.Unlock()
	return len(st.codes)
}
